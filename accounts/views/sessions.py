"""Where somebody is signed in, and the browsers we know them by: seeing and ending each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import browsers, session_limits
from accounts.http import user_id_of, user_of
from accounts.models import KnownDevice, Session, User
from accounts.permissions import may
from accounts.services import known_devices, sessions
from accounts.session_user import session_of

MAY = "accounts.end_own_sessions"


@dataclass(frozen=True, slots=True)
class Place:
    """A session or a known device as the page shows it."""

    row: Session | KnownDevice
    browser: str
    is_present: bool
    ends_at: object = None


@may(MAY)
@never_cache
@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    """Sessions first, the one that asks on top; then the browsers known."""
    user = user_of(request)
    present = session_of(request)
    places = [_session(row, user, present) for row in sessions.sessions_of(user.pk)]
    device = known_devices.of_request(request, user.pk)
    devices = [
        Place(row, browsers.in_words(row.user_agent), row == device)
        for row in known_devices.devices_of(user.pk)
    ]
    return render(
        request,
        "accounts/settings/sessions.html",
        {
            "present": next((place for place in places if place.is_present), None),
            "others": [place for place in places if not place.is_present],
            "devices": devices,
        },
    )


@may(MAY)
@require_POST
def session_end(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """End one session; the one that asks is signed out."""
    user = user_of(request)
    present = session_of(request)
    if not sessions.end(user_id=user.pk, session_id=session_id, actor=user):
        raise Http404
    if present is not None and present.id == session_id:
        logout(request)
        return redirect("accounts:sign-in")
    messages.success(request, _("That session has ended."))
    return redirect("settings:sessions")


@may(MAY)
@require_POST
def session_end_others(request: HttpRequest) -> HttpResponse:
    """End all sessions but the one that asks."""
    user = user_of(request)
    count = sessions.end_all(user_id=user.pk, actor=user, except_request=request)
    words = ngettext("%(count)d other session has ended.", "%(count)d other sessions have ended.", count)
    messages.success(
        request, words % {"count": count} if count else _("You were not signed in anywhere else.")
    )
    return redirect("settings:sessions")


@may(MAY)
@require_POST
def device_forget(request: HttpRequest, device_id: int) -> HttpResponse:
    """Forget one browser."""
    if not known_devices.forget(user_id=user_id_of(request), device_id=device_id, actor=user_of(request)):
        raise Http404
    messages.success(request, _("Forgotten. When somebody signs in there again, we write to you."))
    return redirect("settings:sessions")


@may(MAY)
@require_POST
def device_distrust(request: HttpRequest, device_id: int) -> HttpResponse:
    """Ask one browser for the second factor again."""
    if not known_devices.distrust(user_id=user_id_of(request), device_id=device_id, actor=user_of(request)):
        raise Http404
    messages.success(request, _("The next sign-in there takes your second factor again."))
    return redirect("settings:sessions")


def _session(row: Session, user: User, present: Session | None) -> Place:
    return Place(
        row,
        browsers.in_words(row.user_agent),
        present is not None and row.pk == present.pk,
        session_limits.ends_at(row, user),
    )
