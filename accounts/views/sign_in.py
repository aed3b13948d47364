"""Signing in, up to the password, and out."""

from __future__ import annotations

from functools import partial

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import bot_check, destinations, second_step
from accounts.audit_actions import AuditAction
from accounts.exceptions import AccountClosed, SignInLocked
from accounts.forms.entry import SignInForm
from accounts.http import user_of
from accounts.models import User
from accounts.services import audit, events, sign_in_guard
from accounts.views import entry

log = structlog.get_logger(__name__)

TEMPLATE = "accounts/sign_in.html"
TRIES_WITHOUT_CHECK = 3  # wrong passwords before the bot check is asked for


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@bot_check.may_show_widget
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password; what comes after them `second_step` decides."""
    if request.user.is_authenticated:
        return redirect(destinations.of(request))
    form = SignInForm(entry.data(request))
    if request.method == "POST":
        return _try(request, form)
    return entry.page(request, TEMPLATE, form)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and its streams with it."""
    if request.user.is_authenticated:
        user = user_of(request)
        with transaction.atomic():
            audit.record(AuditAction.SIGNED_OUT, actor=user, subject=user)
            logout(request)
            transaction.on_commit(partial(events.announce_end, user.pk))
        log.info("Signed out")
        structlog.contextvars.bind_contextvars(user_id=None)
        messages.success(request, _("You are signed out."))
    response = redirect(settings.LOGOUT_REDIRECT_URL)
    # Cookies are not in it: the browser stays known, so that signing in again is no news of a strange device.
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _try(request: HttpRequest, form: SignInForm) -> HttpResponse:
    typed = request.POST.get("email", "")
    error = entry.too_many(request, group="sign-in", rate=settings.SIGN_IN_RATE, account=typed)
    if error is not None:
        return entry.refused(request, TEMPLATE, form, error)
    if not form.is_valid():
        return entry.page(request, TEMPLATE, form)
    email = form.cleaned_data["email"]
    if _needs_bot_check(request, email) and not bot_check.is_passed(request):
        form.refuse(bot_check.NOT_PASSED)
        return entry.page(request, TEMPLATE, form, bot_check=bot_check.widget())
    try:
        user = sign_in_guard.check(request, email=email, password=form.cleaned_data["password"])
    except SignInLocked as locked:
        return entry.refused(request, TEMPLATE, form, locked)
    if user is not None and user.is_active:
        return second_step.begin(
            request,
            user,
            remember=form.cleaned_data["remember"],
            next_url=destinations.of(request),
        )
    form.refuse(_closed(user) if user is not None else _wrong())
    return entry.page(
        request, TEMPLATE, form, bot_check=bot_check.widget() if _needs_bot_check(request, email) else None
    )


def _needs_bot_check(request: HttpRequest, email: str) -> bool:
    return bot_check.is_on() and sign_in_guard.wrong_tries(request, email) >= TRIES_WITHOUT_CHECK


def _wrong() -> str:
    return _("This e-mail address and password do not belong together.")


def _closed(user: User) -> str:
    """Only who knows the password is told that there is such an account, and that it is closed."""
    with transaction.atomic():
        audit.record(AuditAction.SIGN_IN_FAILED, actor=None, subject=user, after={"state": str(user.state)})
    return str(AccountClosed().message)
