"""Passkeys in the settings: the list, adding one, naming and removing it. Adding takes JavaScript; the rest does not."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import enrolment
from accounts.exceptions import LastFactor
from accounts.forms.passkeys import LONGEST_NAME, NameForm
from accounts.http import user_of
from accounts.models import Passkey
from accounts.permissions import may
from accounts.services import factors, passkeys
from accounts.services.passkey_wire import relying_party, works_at
from accounts.step_up import step_up_required
from accounts.views.passkey_sign_in import LONGEST_BODY
from namaskah.lib.json_views import answers_in_json, nested, read_body, text

CHALLENGE = "passkey_to_add"


@never_cache
@require_safe
@may("accounts.manage_own_factors")
@step_up_required
def passkey_list(request: HttpRequest) -> HttpResponse:
    """Somebody's passkeys, and the button that adds one."""
    kept = passkeys.of(user_of(request).pk)
    context = {
        "passkeys": kept,
        "has_room": len(kept) < passkeys.MOST,
        "most": passkeys.MOST,
        "party": relying_party(),
        "works_here": works_at(request.get_host()),
        "longest_name": LONGEST_NAME,
    }
    return render(request, "accounts/settings/passkeys.html", context)


@never_cache
@require_POST
@answers_in_json
@may("accounts.manage_own_factors")
@step_up_required
def add_options(request: HttpRequest) -> HttpResponse:
    """What the browser is to ask an authenticator for."""
    ceremony = passkeys.begin_adding(user_of(request))
    request.session[CHALLENGE] = ceremony.challenge
    return JsonResponse(ceremony.options)


@never_cache
@require_POST
@answers_in_json
@may("accounts.manage_own_factors")
@step_up_required
def add(request: HttpRequest) -> HttpResponse:
    """Keep the passkey that the authenticator made, and say where to go on."""
    user = user_of(request)
    body = read_body(request, most_bytes=LONGEST_BODY)
    made = passkeys.check_new(
        user=user, credential=nested(body, "credential"), challenge=request.session.pop(CHALLENGE, "")
    )
    name = " ".join(text(body, "name", longest=LONGEST_NAME).split())
    codes = enrolment.carry_out(
        request, lambda: passkeys.keep(user=user, name=name, made=made).recovery_codes
    )
    messages.success(request, _("Your passkey is added."))
    return JsonResponse({"next": reverse("settings:recovery-codes" if codes else "settings:passkeys")})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("accounts.manage_own_factors")
@step_up_required
def passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """One passkey: its name, and the way to remove it."""
    kept = _own(request, passkey_id)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": kept.name})
    if request.method == "POST" and form.is_valid():
        passkeys.rename(user=user_of(request), passkey_id=kept.pk, name=form.cleaned_data["name"])
        messages.success(request, _("The passkey has its new name."))
        return redirect("settings:passkeys")
    status = 400 if form.errors else 200
    methods = factors.methods_of(kept.user_id)
    context = {"passkey": kept, "form": form, "is_last": not methods.totp and methods.passkeys == 1}
    return render(request, "accounts/settings/passkey.html", context, status=status)


@never_cache
@require_POST
@may("accounts.manage_own_factors")
@step_up_required
def passkey_remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Remove one; removing it again is a quiet success."""
    try:
        passkeys.remove(user=user_of(request), passkey_id=_own(request, passkey_id).pk)
    except LastFactor as error:
        messages.error(request, str(error.message))
        return redirect("settings:passkey", passkey_id)
    messages.success(
        request, _("The passkey is removed. It also still lies on your device; you can delete it there.")
    )
    return redirect("settings:passkeys")


def _own(request: HttpRequest, passkey_id: int) -> Passkey:
    kept = Passkey.objects.filter(pk=passkey_id, user=user_of(request)).first()
    if kept is None:
        raise Http404
    return kept
