"""A lost password: asking for a link, and the page behind it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import bot_check, mailbox
from accounts.forms.entry import NewPasswordForm, ResetForm
from accounts.services import password_reset, proofs
from accounts.views import entry

PAGE, SENT_PAGE, LINK_PAGE, OVER_PAGE = (
    "accounts/password_reset.html",
    "accounts/password_reset_sent.html",
    "accounts/password_reset_link.html",
    "accounts/link_over.html",
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@bot_check.may_show_widget
def ask(request: HttpRequest) -> HttpResponse:
    """Ask whose password is lost; the answer is the same whoever has the address."""
    form = ResetForm(entry.data(request))
    context: dict[str, Any] = {"bot_check": bot_check.widget()}
    if request.method != "POST":
        if "sent" in request.GET:
            return render(request, SENT_PAGE, {"is_mailbox": mailbox.is_open()})
        return entry.page(request, PAGE, form, **context)
    error = entry.too_many(
        request,
        group="password-reset",
        rate=settings.PASSWORD_RESET_RATE,
        account=request.POST.get("email", ""),
    )
    if error is not None:
        return entry.refused(request, PAGE, form, error, **context)
    if not bot_check.is_passed(request):
        form.refuse(bot_check.NOT_PASSED)
        return entry.page(request, PAGE, form, **context)
    if not form.is_valid():
        return entry.page(request, PAGE, form, **context)
    password_reset.ask(form.cleaned_data["email"])
    return redirect(f"{reverse('accounts:password-reset')}?sent")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for the new password. Opening the link uses nothing up; sending the form does."""
    proof = password_reset.find(token)
    if proof is None or proof.user is None:
        return _over(request)
    form = NewPasswordForm(entry.data(request), user=proof.user)
    if request.method != "POST":
        return entry.page(request, LINK_PAGE, form, email=proof.user.email)
    error = entry.too_many(
        request, group="password-reset-link", rate=settings.CODE_RATE, account=str(proof.pk)
    )
    if error is not None:
        return entry.refused(request, LINK_PAGE, form, error, email=proof.user.email)
    if not form.is_valid():
        return entry.page(request, LINK_PAGE, form, email=proof.user.email)
    try:
        password_reset.finish(token=token, password=form.cleaned_data["password"])
    except proofs.ProofOver:
        return _over(request)
    logout(request)
    messages.success(
        request,
        _("Your new password is in force, and every session has ended. Sign in with it."),
    )
    return redirect("accounts:sign-in")


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, OVER_PAGE, {"again": reverse("accounts:password-reset")})
