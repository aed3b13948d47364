"""Signing up, in and out."""

from __future__ import annotations

import math

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.exceptions import EmailTaken
from accounts.forms.entry import EntryForm, SignInForm, SignUpForm
from accounts.models import User
from accounts.services import registration
from accounts.throttle import seconds_to_wait

log = structlog.get_logger(__name__)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password and begin a session."""
    if request.user.is_authenticated:
        return redirect(_destination(request))
    form = SignInForm(request.POST or None, request=request)
    if request.method == "POST":
        wait_s = seconds_to_wait(
            request, group="sign-in", rate=settings.SIGN_IN_RATE, email=request.POST.get("email", "")
        )
        if wait_s:
            return _too_many(request, "accounts/sign_in.html", form, wait_s)
        if form.is_valid() and form.user is not None:
            return _begin_session(request, form.user)
        log.info("Sign-in refused")
    return _page(request, "accounts/sign_in.html", form)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account and begin its first session."""
    if request.user.is_authenticated:
        return redirect(_destination(request))
    form = SignUpForm(request.POST or None)
    if request.method == "POST":
        wait_s = seconds_to_wait(request, group="sign-up", rate=settings.SIGN_UP_RATE)
        if wait_s:
            return _too_many(request, "accounts/sign_up.html", form, wait_s)
        if form.is_valid():
            try:
                user = registration.register(
                    email=form.cleaned_data["email"], password=form.cleaned_data["password"]
                )
            except EmailTaken as error:
                form.add_error("email", str(error.message))
            else:
                return _begin_session(request, user)
    return _page(request, "accounts/sign_up.html", form)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; its streams end within half a minute."""
    if request.user.is_authenticated:
        log.info("Signed out")
        logout(request)
        structlog.contextvars.bind_contextvars(user_id=None)
        messages.success(request, _("You are signed out."))
    return redirect(settings.LOGOUT_REDIRECT_URL)


def _begin_session(request: HttpRequest, user: User) -> HttpResponse:
    """`login` gives the session a new key, so one that was planted before is worth nothing."""
    destination = _destination(request)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    structlog.contextvars.bind_contextvars(user_id=user.pk)
    log.info("Signed in")
    return redirect(destination)


def _page(request: HttpRequest, template: str, form: EntryForm, *, status: int = 200) -> HttpResponse:
    return render(request, template, {"form": form, "next": _next(request)}, status=status)


def _too_many(request: HttpRequest, template: str, form: EntryForm, wait_s: int) -> HttpResponse:
    minutes = math.ceil(wait_s / 60)
    form.refuse(
        ngettext(
            "Too many tries. Please try again in %(minutes)d minute.",
            "Too many tries. Please try again in %(minutes)d minutes.",
            minutes,
        )
        % {"minutes": minutes}
    )
    response = _page(request, template, form, status=429)
    response["Retry-After"] = str(wait_s)
    return response


def _next(request: HttpRequest) -> str:
    """Where the visitor was going, if that is a page of this site; else nothing."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else ""


def _destination(request: HttpRequest) -> str:
    return _next(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
