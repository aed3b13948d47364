"""The second step of signing in: the password was right, the session does not begin before a second factor is shown.

In between the person is nobody: what is remembered of them stands in a visitor's session, for ten minutes, and opens nothing
but the page that asks. Source: docs/decisions/0005-accounts.md
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import destinations, sign_in
from accounts.models import User
from accounts.services import factors, known_devices

PENDING = "second_step"


def begin(request: HttpRequest, user: User, *, remember: bool, next_url: str) -> HttpResponse:
    """Go on after a right password: ask for the second factor, if there is one to ask for.

    Args:
        next_url: A page of this site.
    """
    methods = _enough_already(request, user)
    if methods:
        sign_in.complete(request, user, methods=methods, remember=remember)
        return redirect(next_url)
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "remember": remember,
        "next": next_url,
        "at": timezone.now().isoformat(),
    }
    return redirect("accounts:second-step")


def _enough_already(request: HttpRequest, user: User) -> tuple[str, ...]:
    """What was shown, if it is enough. Staff shows a second factor each time, whatever browser they trust."""
    if not factors.has_second_factor(user.pk):
        return ("password",)
    if not user.is_staff and known_devices.is_trusted(request, user.pk):
        return ("password", "trusted_device")
    return ()


def pending_user(request: HttpRequest) -> User | None:
    """Who has shown their password in this browser and nothing more, if that still counts."""
    pending = request.session.get(PENDING)
    if not pending:
        return None
    is_fresh = timezone.now() - dt.datetime.fromisoformat(pending["at"]) < dt.timedelta(
        seconds=settings.SECOND_STEP_S
    )
    user = User.objects.filter(pk=pending["user"]).first() if is_fresh else None
    if user is None or not user.is_active or not _is_unchanged(user, pending["hash"]):
        del request.session[PENDING]
        return None
    return user


def _is_unchanged(user: User, held: str) -> bool:
    """Whether password and `session_epoch` are those of the first step."""
    return constant_time_compare(user.get_session_auth_hash(), held)


def complete(request: HttpRequest, *, method: str, trust: bool = False) -> str:
    """Begin the session: the second factor was shown.

    Args:
        method: As `sign_in.complete` calls it.
        trust: Do not ask this browser for 30 days; without effect for staff.

    Returns:
        Where the person was going.
    """
    user = pending_user(request)
    if user is None:
        return reverse("accounts:sign-in")
    pending = request.session.pop(PENDING)
    sign_in.complete(request, user, methods=("password", method), remember=pending["remember"])
    device = known_devices.of_request(request, user.pk)
    if trust and device is not None and not user.is_staff:
        known_devices.trust(device)
    return destinations.of(request, pending["next"])
