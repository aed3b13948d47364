"""The settings' own pages: who somebody is here, and how their account is protected. What is changed has pages of its own."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import limits
from accounts.enums import Role
from accounts.http import user_of
from accounts.models import User
from accounts.services import factors, sessions
from accounts.services.factors import Methods
from accounts.services.passkey_wire import works_at


@never_cache
@require_safe
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Who somebody is to us."""
    role = Role(str(user_of(request).role_id))
    context = {
        "role": "" if role is Role.CUSTOMER else role.label,
        "open_orders": limits.open_orders(role.value),
    }
    return render(request, "accounts/settings/profile.html", context)


@never_cache
@require_safe
@login_required
def security(request: HttpRequest) -> HttpResponse:
    """Everything that protects the account, each with its state in words."""
    user = user_of(request)
    methods = factors.methods_of(user.pk)
    by_message = methods.email_code or methods.sms_code
    context = {
        "methods": methods,
        "by_message": by_message,
        "offered": {
            "passkeys": not methods.passkeys and works_at(request.get_host()),
            "authenticator": not methods.totp,
            "by_message": methods.has_factor and not by_message,
        },
        "words": {
            "password": _password_words(user),
            "passkeys": _passkey_words(methods.passkeys),
            "authenticator": _("Six digits from an app, at each sign-in")
            if methods.totp
            else _("Not set up"),
            "recovery": _recovery_words(methods),
            "by_message": _message_words(methods),
            "sessions": _session_words(len(sessions.sessions_of(user.pk))),
        },
    }
    return render(request, "accounts/settings/security.html", context)


def _password_words(user: User) -> str:
    if user.password_changed_at is None:
        return _("As it was when the account was opened")
    return _("Set on %(day)s") % {"day": date_format(user.password_changed_at, "j M Y")}


def _passkey_words(count: int) -> str:
    if not count:
        return _("None yet. A finger, your face or a PIN instead of the password")
    return ngettext("%(count)d passkey", "%(count)d passkeys", count) % {"count": count}


def _recovery_words(methods: Methods) -> str:
    if not methods.has_factor:
        return _("They come with your first second factor")
    left = methods.recovery_left
    if not left:
        return _("None left. Make new ones before you need them")
    return ngettext("%(count)d code left", "%(count)d codes left", left) % {"count": left}


def _message_words(methods: Methods) -> str:
    if not methods.has_factor:
        return _("They stand in for a second factor. Set one up first")
    ways = []
    if methods.sms_code:
        ways.append(_("SMS to %(number)s") % {"number": methods.phone_hint})
    if methods.email_code:
        ways.append(_("E-mail"))
    return ", ".join(ways) or _("Off")


def _session_words(count: int) -> str:
    if count <= 1:
        return _("Signed in here alone")
    return ngettext(
        "Signed in here and in %(count)d other browser",
        "Signed in here and in %(count)d other browsers",
        count - 1,
    ) % {"count": count - 1}
