"""The page that asks for the second factor at sign-in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import destinations, factor_asking, second_step
from accounts.exceptions import TooManyTries
from accounts.factor_asking import Asking
from accounts.forms.factors import SecondStepForm
from accounts.models import User
from namaskah.exceptions import DomainError


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """Ask whoever has shown their password for one thing more."""
    if request.user.is_authenticated:
        return redirect(destinations.of(request))
    user = second_step.pending_user(request)
    asking = factor_asking.ask(request, user) if user is not None else None
    if user is None or asking is None:
        messages.info(request, _("That took too long. Please sign in again."))
        return redirect("accounts:sign-in")
    if request.method != "POST":
        return _page(request, asking, _form(user, asking))
    if "send" in request.POST:
        return _send(request, user, asking)
    form = _form(user, asking, request)
    if not form.is_valid():
        return _page(request, asking, form, status=400)
    error = factor_asking.check(request, user, asking, form)
    if error is not None:
        return _page(request, asking, form, error=error, status=error.status)
    trust = bool(form.cleaned_data.get("trust"))
    return redirect(second_step.complete(request, method=asking.way.method, trust=trust))


def _send(request: HttpRequest, user: User, asking: Asking) -> HttpResponse:
    try:
        factor_asking.send(request, user, asking)
    except DomainError as error:
        messages.warning(request, str(error.message))
    return redirect(f"{reverse('accounts:second-step')}?method={asking.way.method}")


def _form(user: User, asking: Asking, request: HttpRequest | None = None) -> SecondStepForm:
    data = request.POST if request is not None else None
    return SecondStepForm(data, is_numeric=asking.is_numeric, may_trust=not user.is_staff)


def _page(
    request: HttpRequest,
    asking: Asking,
    form: SecondStepForm,
    *,
    error: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    response = render(request, "accounts/second_step.html", {"asking": asking, "form": form}, status=status)
    if isinstance(error, TooManyTries):
        response["Retry-After"] = str(error.wait_s)
    return response
