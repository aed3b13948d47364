"""The settings' page about codes by e-mail and SMS."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.enums import CodeChannel
from accounts.factor_asking import WAYS
from accounts.forms.factors import CodeForm, PhoneForm
from accounts.http import user_of
from accounts.models import User
from accounts.permissions import may
from accounts.services import factors, message_codes
from accounts.services.proofs import WrongCode
from accounts.step_up import step_up_required
from namaskah.exceptions import DomainError

ASKED = "phone_to_confirm"  # in the session: the proof that was sent to the number, and its end


@sensitive_post_parameters("code", "phone")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("accounts.manage_own_factors")
@step_up_required
def show(request: HttpRequest) -> HttpResponse:
    """Turn either way on or off; a number is confirmed by a code."""
    act = next((name for name in ACTS if name in request.POST), "") if request.method == "POST" else ""
    if not act:
        return _page(request)
    try:
        return ACTS[act](request, user_of(request))
    except DomainError as error:
        messages.warning(request, str(error.message))
        return redirect("settings:message-codes")


def _email_on(request: HttpRequest, user: User) -> HttpResponse:
    message_codes.turn_on_email(user=user)
    return _done(request, _("Codes can go to your e-mail address from now on."))


def _email_off(request: HttpRequest, user: User) -> HttpResponse:
    message_codes.turn_off(user=user, channel=CodeChannel.EMAIL)
    return _done(request, _("No more codes by e-mail."))


def _sms_off(request: HttpRequest, user: User) -> HttpResponse:
    message_codes.turn_off(user=user, channel=CodeChannel.SMS)
    return _done(request, _("No more codes by SMS."))


def _ask_phone(request: HttpRequest, user: User) -> HttpResponse:
    form = PhoneForm(request.POST)
    if not form.is_valid():
        return _page(request, phone_form=form, status=400)
    phone = form.cleaned_data["phone"]
    proof = message_codes.ask_phone(user=user, phone=phone)
    request.session[ASKED] = {"proof": str(proof.pk), "hint": message_codes.hint_of(phone)}
    return redirect("settings:message-codes")


def _confirm_phone(request: HttpRequest, user: User) -> HttpResponse:
    asked = request.session.get(ASKED)
    form = CodeForm(request.POST)
    if not asked or not form.is_valid():
        return _page(request, code_form=form, status=400)
    try:
        message_codes.confirm_phone(
            user=user, proof_id=uuid.UUID(asked["proof"]), code=form.cleaned_data["code"]
        )
    except WrongCode:
        form.add_error("code", str(WAYS[factors.SMS].wrong))
        return _page(request, code_form=form, status=400)
    except DomainError:
        del request.session[ASKED]
        raise
    del request.session[ASKED]
    return _done(request, _("Codes can go to your telephone from now on."))


def _other_phone(request: HttpRequest, user: User) -> HttpResponse:
    request.session.pop(ASKED, None)
    return redirect("settings:message-codes")


# By the name of the button or field that a form of the page brings.
ACTS = {
    "email_on": _email_on,
    "email_off": _email_off,
    "sms_off": _sms_off,
    "other_phone": _other_phone,
    "phone": _ask_phone,
    "code": _confirm_phone,
}


def _done(request: HttpRequest, words: str) -> HttpResponse:
    request.session.cycle_key()
    messages.success(request, words)
    return redirect("settings:message-codes")


def _page(
    request: HttpRequest,
    *,
    phone_form: PhoneForm | None = None,
    code_form: CodeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = user_of(request)
    context = {
        "methods": factors.methods_of(user.pk),
        "may_email": message_codes.may_use(user, CodeChannel.EMAIL),
        "may_sms": message_codes.may_use(user, CodeChannel.SMS),
        "asked": request.session.get(ASKED),
        "phone_form": phone_form or PhoneForm(),
        "code_form": code_form or CodeForm(),
    }
    return render(request, "accounts/settings/message_codes.html", context, status=status)
