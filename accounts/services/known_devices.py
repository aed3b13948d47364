"""Browsers that somebody has signed in with before, known again by a cookie.

The cookie holds one random token for each person who signed in there, the newest first: several people may share a browser
without each being told of a new device at every change. The table keeps digests.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import KnownDevice, User
from accounts.services import audit
from namaskah.lib import request_facts

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")
PEOPLE_PER_BROWSER = 5
DEVICES_PER_PERSON = 20
TRUST = dt.timedelta(days=30)


def of_request(request: HttpRequest, user_id: int) -> KnownDevice | None:
    """The browser that asks, if this person has signed in with it before, or has just done so."""
    new = getattr(request, "new_device_token", None)
    tokens = [*([new] if new else []), *_tokens(request)]
    if not tokens:
        return None
    return KnownDevice.objects.filter(
        user_id=user_id, token_hash__in=[digest(token) for token in tokens]
    ).first()


def devices_of(user_id: int) -> list[KnownDevice]:
    """Somebody's browsers, the last used first."""
    return list(KnownDevice.objects.filter(user_id=user_id).order_by("-last_used_at", "-pk"))


def remember(request: HttpRequest, user: User) -> tuple[KnownDevice, bool]:
    """Note that somebody signs in with this browser, in the transaction of that.

    Returns:
        The device, and whether it is new to us.
    """
    facts = request_facts.current()
    known = of_request(request, user.pk)
    if known is not None:
        known.last_used_at, known.address, known.user_agent = timezone.now(), facts.address, facts.user_agent
        known.save(update_fields=["last_used_at", "address", "user_agent"])
        return known, False
    token = secrets.token_urlsafe(32)
    device = KnownDevice.objects.create(
        user=user, token_hash=digest(token), address=facts.address, user_agent=facts.user_agent
    )
    _forget_oldest(user.pk)
    request.new_device_token = token  # type: ignore[attr-defined]  # the middleware makes it a cookie
    return device, True


def hand_out(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the cookie of a device that was remembered during this request."""
    token = getattr(request, "new_device_token", None)
    if token is None:
        return
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        ".".join([token, *_tokens(request)][:PEOPLE_PER_BROWSER]),
        max_age=settings.DEVICE_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def trust(device: KnownDevice) -> None:
    """Do not ask this browser for the second factor for 30 days."""
    with transaction.atomic():
        device.trusted_until = timezone.now() + TRUST
        device.save(update_fields=["trusted_until"])
        audit.record(
            AuditAction.DEVICE_TRUSTED, actor=device.user, subject=device.user, target=_target(device.pk)
        )


def is_trusted(request: HttpRequest, user_id: int) -> bool:
    """Whether the browser that asks need not show the second factor of this person."""
    device = of_request(request, user_id)
    return device is not None and device.is_trusted


def distrust(*, user_id: int, device_id: int, actor: User | None) -> bool:
    """Ask this browser for the second factor again. False when it was not trusted or is not theirs."""
    with transaction.atomic():
        devices = KnownDevice.objects.filter(user_id=user_id, pk=device_id, trusted_until__gt=timezone.now())
        if not devices.update(trusted_until=None):
            return False
        audit.record(AuditAction.DEVICE_DISTRUSTED, actor=actor, subject=user_id, target=_target(device_id))
    return True


def forget(*, user_id: int, device_id: int, actor: User | None) -> bool:
    """Its next sign-in is told as a new device's. False when it is not theirs."""
    with transaction.atomic():
        deleted, _ = KnownDevice.objects.filter(user_id=user_id, pk=device_id).delete()
        if deleted:
            audit.record(
                AuditAction.DEVICE_FORGOTTEN, actor=actor, subject=user_id, target=_target(device_id)
            )
    return bool(deleted)


def forget_all(user_id: int) -> int:
    """Know none of somebody's browsers any more, and trust none; part of a larger act, which writes the trail."""
    deleted, _ = KnownDevice.objects.filter(user_id=user_id).delete()
    return deleted


def digest(token: str) -> str:
    """How a token is written down: it has 256 bits of chance in it, so a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def _tokens(request: HttpRequest) -> list[str]:
    """What the cookie holds, as far as it looks like ours."""
    parts = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")[:400].split(".")
    return [part for part in parts if TOKEN.match(part)][:PEOPLE_PER_BROWSER]


def _target(device_id: int) -> str:
    return f"accounts.knowndevice:{device_id}"


def _forget_oldest(user_id: int) -> None:
    """A browser that throws its cookies away is a new one at each sign-in; only so many are kept."""
    surplus = KnownDevice.objects.filter(user_id=user_id).order_by("-last_used_at", "-pk")[
        DEVICES_PER_PERSON:
    ]
    KnownDevice.objects.filter(pk__in=list(surplus.values_list("pk", flat=True))).delete()
