"""Changing one's own password and e-mail address."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.enums import ProofPurpose
from accounts.exceptions import EmailTaken, TooManyTries
from accounts.forms.credentials import EmailForm, PasswordForm
from accounts.forms.fields import EntryForm
from accounts.http import user_id_of, user_of
from accounts.permissions import may
from accounts.services import email_change, factors, passwords, proofs, sign_in_guard
from accounts.step_up import step_up_required
from accounts.views import entry

PASSWORD_PAGE, EMAIL_PAGE = "accounts/settings/password.html", "accounts/settings/email.html"
CHANGE_EMAIL = "accounts.change_own_email"
LINK_PAGE, OVER_PAGE = "accounts/email_change_link.html", "accounts/link_over.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("accounts.change_own_password")
def password(request: HttpRequest) -> HttpResponseBase:
    """Change the password. The present one is asked for here; a second factor, where there is one, before."""
    has_second_factor = factors.has_second_factor(user_id_of(request))
    view = step_up_required(_password) if has_second_factor else _password
    return view(request)


@sensitive_post_parameters("password", "current_password")
@require_http_methods(["GET", "HEAD", "POST"])
def _password(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = PasswordForm(entry.data(request), user=user)
    if request.method != "POST" or not form.is_valid():
        return entry.page(request, PASSWORD_PAGE, form)
    try:
        is_right = sign_in_guard.check(
            request, email=user.email, password=form.cleaned_data["current_password"]
        )
    except TooManyTries as error:
        return entry.refused(request, PASSWORD_PAGE, form, error)
    if is_right is None:
        form.add_error("current_password", _("This is not your present password."))
        return entry.page(request, PASSWORD_PAGE, form)
    passwords.change(request, user=user, password=form.cleaned_data["password"])
    messages.success(request, _("Your new password is in force. Everywhere else you are signed out."))
    return redirect("settings:security")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may(CHANGE_EMAIL)
@step_up_required
def email(request: HttpRequest) -> HttpResponse:
    """Begin a change of address, and see where one stands."""
    user = user_of(request)
    form = EmailForm(entry.data(request), user=user)
    if request.method != "POST":
        return _email_page(request, form)
    error = entry.too_many(
        request, group="email-change", rate=settings.PASSWORD_RESET_RATE, account=str(user.pk)
    )
    if error is not None:
        return entry.refused(request, EMAIL_PAGE, form, error, change=email_change.pending(user))
    if not form.is_valid():
        return _email_page(request, form)
    email_change.ask(user=user, email=form.cleaned_data["email"])
    messages.success(request, _("We have sent a link to each of the two addresses. Both have to say yes."))
    return redirect("settings:email")


@require_POST
@may(CHANGE_EMAIL)
@step_up_required
def email_cancel(request: HttpRequest) -> HttpResponse:
    """Take a change back."""
    if email_change.cancel(user_of(request)):
        messages.success(request, _("Your address stays as it is. The links no longer work."))
    return redirect("settings:email")


@require_POST
@may(CHANGE_EMAIL)
@step_up_required
def email_resend(request: HttpRequest) -> HttpResponse:
    """Send the links that wait once more."""
    if email_change.send_again(user_of(request)):
        messages.success(request, _("The links are on their way again; the ones of before no longer work."))
    else:
        messages.info(request, _("The links were sent a moment ago. Please look again in a minute."))
    return redirect("settings:email")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def email_link(request: HttpRequest, token: str) -> HttpResponse:
    """Say yes for one address. Opening the link uses nothing up; the press does."""
    proof = email_change.find(token)
    if proof is None:
        return _over(request)
    if request.method != "POST":
        is_old = proof.purpose == ProofPurpose.CHANGE_EMAIL_OLD
        return entry.page(
            request,
            LINK_PAGE,
            EntryForm(),
            email=proof.email,
            is_old=is_old,
            hint=proofs.payload_of(proof)["hint"],
        )
    try:
        _user, is_changed = email_change.confirm(token)
    except proofs.ProofOver:
        return _over(request)
    except EmailTaken as error:
        return render(request, LINK_PAGE, {"problem": error.message})
    return render(request, LINK_PAGE, {"is_done": True, "is_changed": is_changed})


def _email_page(request: HttpRequest, form: EmailForm) -> HttpResponse:
    return entry.page(request, EMAIL_PAGE, form, change=email_change.pending(form.user))


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, OVER_PAGE, {"again": reverse("settings:email")})
