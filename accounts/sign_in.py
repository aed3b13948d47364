"""The end of every way in: whoever has shown enough gets a session. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY, login
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.crypto import constant_time_compare

from accounts import browsers, session_limits
from accounts.audit_actions import AuditAction
from accounts.models import KnownDevice, Session, User
from accounts.services import audit, known_devices, notices, sessions
from accounts.sessions import digest
from namaskah.lib import request_facts

log = structlog.get_logger(__name__)

# A trusted device stands in for a second factor and is none: the console and sensitive acts ask for one anew.
SECOND_FACTORS = frozenset({"totp", "recovery_code", "email_code", "sms_code", "passkey"})


def complete(request: HttpRequest, user: User, *, methods: Sequence[str], remember: bool = False) -> None:
    """Begin a session for somebody who has shown who they are.

    Nobody is signed in when the account was closed, or its password changed, since `user` was read: the next page asks anew.

    Args:
        user: As they were when they showed it.
        methods: What they showed, as `("password", "totp")`: `password`, `totp`, `recovery_code`, `email_code`, `sms_code`,
            `passkey`, `trusted_device`, `sign_up`, `password_reset`.
        remember: Thirty days instead of one; never for staff.
    """
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not _is_unchanged(person, user):
            log.info("Sign-in came too late", user_id=user.pk)
            return
        has_been_here = person.last_login is not None and "sign_up" not in methods
        session = _begin(request, user, methods, remember and not user.is_staff)
        sessions.end_surplus(user, present=session.session_key)
        audit.record(AuditAction.SIGNED_IN, actor=user, subject=user, after={"methods": list(methods)})
        device, is_new = known_devices.remember(request, user)
        if is_new and has_been_here:
            _tell(device)
    structlog.contextvars.bind_contextvars(user_id=user.pk)
    log.info("Signed in", methods=list(methods))


def _is_unchanged(person: User, user: User) -> bool:
    return person.is_active and constant_time_compare(
        person.get_session_auth_hash(), user.get_session_auth_hash()
    )


def _begin(request: HttpRequest, user: User, methods: Sequence[str], is_remembered: bool) -> Session:
    """A new key, so one that was planted before is worth nothing; what a visitor chose comes along."""
    if SESSION_KEY in request.session:
        request.session.flush()
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    now, facts = timezone.now(), request_facts.current()
    ends_at = now + session_limits.age(user, is_remembered=is_remembered)
    request.session.set_expiry(ends_at)
    if "trusted_device" not in methods:
        request.session[sessions.STEPPED_UP] = now.isoformat()
    request.session.save()
    key = digest(request.session.session_key or "")
    values: dict[str, str | bool | dt.datetime | None] = {
        "started_at": now,
        "last_seen_at": now,
        "address": facts.address,
        "user_agent": facts.user_agent,
        "is_remembered": is_remembered,
        "verified_at": now if SECOND_FACTORS.intersection(methods) else None,
    }
    Session.objects.filter(pk=key).update(**values)
    session = Session.objects.defer("session_data").get(pk=key)
    request.session_row = session  # type: ignore[attr-defined]
    return session


def _tell(device: KnownDevice) -> None:
    at = formats.date_format(timezone.localtime(device.created_at, dt.UTC), "j F Y, H:i")
    notices.tell(
        user_id=device.user_id,
        template="new_device",
        context={
            "browser": browsers.in_words(device.user_agent),
            "place": device.address or "",
            "at": f"{at} UTC",
            "url": reverse("settings:sessions"),
        },
        key=f"new-device:{device.pk}",
    )
