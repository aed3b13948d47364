"""The page that asks somebody who is signed in to show again that it is them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import destinations, factor_asking, password_asking, step_up
from accounts.exceptions import TooManyTries
from accounts.factor_asking import Asking
from accounts.forms.factors import CodeForm, PasswordForm
from accounts.http import user_of
from accounts.models import User
from namaskah.exceptions import DomainError


@sensitive_post_parameters("code", "password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor, or without one for the password, then go where the person was going."""
    user = user_of(request)
    asking = factor_asking.ask(request, user)
    return _by_password(request, user) if asking is None else _by_factor(request, user, asking)


def _by_factor(request: HttpRequest, user: User, asking: Asking) -> HttpResponse:
    if request.method != "POST":
        return _page(request, asking, CodeForm(is_numeric=asking.is_numeric))
    if "send" in request.POST:
        return _send(request, user, asking)
    form = CodeForm(request.POST, is_numeric=asking.is_numeric)
    if not form.is_valid():
        return _page(request, asking, form, status=400)
    error = factor_asking.check(request, user, asking, form)
    if error is not None:
        return _page(request, asking, form, error=error, status=error.status)
    return _go_on(request, asking.way.method)


def _by_password(request: HttpRequest, user: User) -> HttpResponse:
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _page(request, None, form)
    if not form.is_valid():
        return _page(request, None, form, status=400)
    error = password_asking.check(request, user, form)
    if error is not None:
        return _page(request, None, form, error=error, status=error.status)
    return _go_on(request, "password")


def _go_on(request: HttpRequest, method: str) -> HttpResponse:
    step_up.passed(request, method=method)
    return redirect(destinations.wanted(request) or resolve_url("settings:security"))


def _send(request: HttpRequest, user: User, asking: Asking) -> HttpResponse:
    try:
        factor_asking.send(request, user, asking)
    except DomainError as error:
        messages.warning(request, str(error.message))
    else:
        messages.success(request, _("A code is on its way."))
    return redirect(f"{step_up.address(destinations.wanted(request))}&method={asking.way.method}")


def _page(
    request: HttpRequest,
    asking: Asking | None,
    form: CodeForm | PasswordForm,
    *,
    error: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"asking": asking, "form": form, "next": destinations.wanted(request)}
    response = render(request, "accounts/step_up.html", context, status=status)
    if isinstance(error, TooManyTries):
        response["Retry-After"] = str(error.wait_s)
    return response
