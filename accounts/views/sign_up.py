"""Signing up: an address and a password; the account is made when the address is proved (`verify_email.py`)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import bot_check, destinations, pending_sign_up
from accounts.forms.entry import SignUpForm
from accounts.services import registration
from accounts.views import entry

TEMPLATE = "accounts/sign_up.html"


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@bot_check.may_show_widget
def sign_up(request: HttpRequest) -> HttpResponse:
    """Ask for an address and a password, and send a code to the address."""
    if request.user.is_authenticated:
        return redirect(destinations.of(request))
    form = SignUpForm(entry.data(request))
    if request.method == "POST":
        return _try(request, form)
    return _page(request, form)


def _try(request: HttpRequest, form: SignUpForm) -> HttpResponse:
    """The same work and the same answer for every address, whoever has it."""
    error = entry.too_many(
        request, group="sign-up", rate=settings.SIGN_UP_RATE, account=request.POST.get("email", "")
    )
    if error is not None:
        return entry.refused(request, TEMPLATE, form, error, bot_check=bot_check.widget())
    if not bot_check.is_passed(request):
        form.refuse(bot_check.NOT_PASSED)
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form)
    proof = registration.ask(
        email=form.cleaned_data["email"],
        password=form.cleaned_data["password"],
        next_url=destinations.wanted(request),
    )
    pending_sign_up.note(request, proof)
    return redirect("accounts:verify-email")


def _page(request: HttpRequest, form: SignUpForm) -> HttpResponse:
    return entry.page(request, TEMPLATE, form, bot_check=bot_check.widget())
