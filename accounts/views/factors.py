"""The settings' pages about the authenticator app and recovery codes."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts import enrolment
from accounts.factor_asking import WAYS
from accounts.forms.factors import CodeForm
from accounts.http import user_of
from accounts.models import User
from accounts.permissions import may
from accounts.services import factors, recovery_codes, totp
from accounts.services.proofs import WrongCode
from accounts.step_up import step_up_required
from namaskah.exceptions import DomainError
from namaskah.lib import sealing

KEY = "authenticator_key"  # in the session, sealed, until a code of it was typed


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("accounts.manage_own_factors")
@step_up_required
def authenticator(request: HttpRequest) -> HttpResponse:
    """Set an authenticator app up, or take it away."""
    user = user_of(request)
    methods = factors.methods_of(user.pk)
    if request.method == "POST" and "remove" in request.POST:
        return _remove(request, user)
    if methods.totp:
        is_last = methods.passkeys == 0
        state = {"is_last": is_last, "may_remove": not (is_last and user.is_staff)}
        return render(request, "accounts/settings/authenticator.html", state)
    return _set_up(request, user)


@sensitive_variables("key")
def _set_up(request: HttpRequest, user: User) -> HttpResponse:
    key = _key(request)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = enrolment.carry_out(
                request, lambda: totp.enrol(user=user, key=key, code=form.cleaned_data["code"])
            )
        except WrongCode:
            form.add_error("code", str(WAYS[factors.TOTP].wrong))
        except DomainError as error:
            messages.info(request, str(error.message))
            return redirect("settings:authenticator")
        else:
            request.session.pop(KEY, None)
            messages.success(request, _("Your authenticator app is set up."))
            return redirect("settings:recovery-codes" if codes else "settings:authenticator")
    context = {"form": form, "key": _grouped(key), "qr": _qr(key, user)}
    status = 400 if form.errors else 200
    return render(request, "accounts/settings/authenticator_new.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("accounts.manage_own_factors")
@step_up_required
def recovery(request: HttpRequest) -> HttpResponse:
    """Show a new sheet once, say how many codes are left, make another sheet."""
    user = user_of(request)
    if request.method == "POST" and "kept" in request.POST:
        enrolment.put_away(request)
        return redirect("admin:index" if user.is_staff else "settings:security")
    if request.method == "POST":
        try:
            enrolment.keep_sheet(request, recovery_codes.renew(user=user))
        except DomainError as error:
            messages.warning(request, str(error.message))
        return redirect("settings:recovery-codes")
    methods = factors.methods_of(user.pk)
    context = {"codes": enrolment.sheet_of(request), "methods": methods, "count": recovery_codes.COUNT}
    return render(request, "accounts/settings/recovery_codes.html", context)


@never_cache
@require_safe
@may("accounts.manage_own_factors")
@step_up_required
def recovery_download(request: HttpRequest) -> HttpResponse:
    """The sheet as a text file, as long as it is shown."""
    codes = enrolment.sheet_of(request)
    if not codes:
        messages.info(request, _("These codes are not shown any more. Make new ones if you lack them."))
        return redirect("settings:recovery-codes")
    head = _("Recovery codes for Namaskah SMS. Each works once. Keep them where only you find them.")
    response = HttpResponse("\n".join([head, "", *codes, ""]), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="namaskah-recovery-codes.txt"'
    return response


def _remove(request: HttpRequest, user: User) -> HttpResponse:
    try:
        removed = totp.remove(user=user)
    except DomainError as error:
        messages.warning(request, str(error.message))
    else:
        if removed:
            request.session.cycle_key()
            messages.success(request, _("Your authenticator app no longer opens your account."))
    return redirect("settings:authenticator")


def _key(request: HttpRequest) -> str:
    """The key being set up in this browser. It counts for nothing before a code of it was typed."""
    sealed = request.session.get(KEY)
    if sealed:
        return sealing.unseal(sealed)
    key = totp.new_key()
    request.session[KEY] = sealing.seal(key)
    return key


def _grouped(key: str) -> str:
    return " ".join(key[place : place + 4] for place in range(0, len(key), 4))


def _qr(key: str, user: User) -> SafeString:
    """Black on white in both themes: cameras want it so."""
    code = segno.make(totp.address_of(key, user), error="m", micro=False)
    title = _("QR code for your authenticator app")
    drawn = code.svg_inline(border=4, dark="#000", light="#fff", title=title, omitsize=True)
    return mark_safe(drawn)  # noqa: S308  # drawn by segno of squares; the title is ours
