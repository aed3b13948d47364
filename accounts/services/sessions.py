"""Sessions of a person: which there are, ending them, and what the present one has shown.

A session ends when its row goes. Redis is told after the commit, and may miss it: the row decides.
Source: docs/decisions/0005-accounts.md
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import session_limits
from accounts.audit_actions import AuditAction
from accounts.http import user_of
from accounts.models import Session, User
from accounts.services import audit, events
from accounts.session_user import session_of
from accounts.sessions import digest, forget_cached

STEPPED_UP = "stepped_up_at"


def sessions_of(user_id: int) -> list[Session]:
    """Where somebody is signed in, the last seen first."""
    rows = Session.living().filter(user_id=user_id).select_related("user").defer("session_data")
    return [
        row
        for row in rows.order_by("-last_seen_at", "-started_at")
        if row.user is not None and not session_limits.is_over(row, row.user)
    ]


def end(*, user_id: int, session_id: uuid.UUID, actor: User | None) -> bool:
    """End one session of this person. False when they have no such session (any more)."""
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(user_id=user_id, id=session_id).first()
        if session is None:
            return False
        _remove(user_id, [session.session_key])
        audit.record(
            AuditAction.SESSION_ENDED, actor=actor, subject=user_id, target=f"accounts.session:{session.id}"
        )
    return True


def end_all(
    *, user_id: int, actor: User | None, except_request: HttpRequest | None = None, reason: str = ""
) -> int:
    """End every session of this person, and say how many there were.

    Raises `session_epoch`, so that none of them comes back however it may have been kept.

    Args:
        except_request: Whose session stays, under a new key: the one in which the password was changed, for example.
        reason: Of staff, for the trail.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        user.session_epoch += 1
        user.save(update_fields=["session_epoch"])
        kept = _go_on(except_request, user) if except_request is not None else None
        ended = drop_all(user_id, kept=kept)
        audit.record(
            AuditAction.SESSIONS_ENDED, actor=actor, subject=user_id, after={"ended": ended}, reason=reason
        )
    return ended


def drop_all(user_id: int, *, kept: str | None = None) -> int:
    """Remove the rows of somebody's sessions but the one with the digest `kept`; part of a larger act, which writes the trail."""
    rows = Session.objects.filter(user_id=user_id).exclude(pk=kept or "")
    return _remove(user_id, list(rows.values_list("session_key", flat=True)))


def end_surplus(user: User, *, present: str) -> int:
    """Keep as many sessions as are allowed, those seen last. The caller holds the user's lock.

    Args:
        present: The digest of the session that has just begun, which stays.
    """
    others = (
        Session.living().filter(user_id=user.pk).exclude(pk=present).order_by("-last_seen_at", "-started_at")
    )
    surplus = list(others.values_list("session_key", "id")[settings.MAX_SESSIONS - 1 :])
    for _key, session_id in surplus:
        audit.record(
            AuditAction.SESSION_ENDED,
            actor=None,
            subject=user,
            target=f"accounts.session:{session_id}",
            reason="Too many sessions at once",
        )
    return _remove(user.pk, [key for key, _id in surplus])


def is_verified(request: HttpRequest) -> bool:
    """Whether a second factor was shown in this session."""
    session = session_of(request)
    return session is not None and session.verified_at is not None


def mark_verified(request: HttpRequest) -> None:
    """A second factor was shown just now; the session goes on under a new key."""
    _rotate(request, verified_at=timezone.now())


def stepped_up_at(request: HttpRequest) -> dt.datetime | None:
    """When the person asking last showed who they are, in this session; signing in counts, unless a trusted device did it."""
    at = request.session.get(STEPPED_UP)
    return dt.datetime.fromisoformat(at) if at else None


def mark_stepped_up(request: HttpRequest) -> None:
    """They showed it just now; the session goes on under a new key."""
    _rotate(request)


def _rotate(request: HttpRequest, **facts: dt.datetime) -> None:
    """Whoever had the old key does not come along."""
    with transaction.atomic():
        request.session.cycle_key()
        request.session[STEPPED_UP] = timezone.now().isoformat()
        request.session.save()
        key = digest(request.session.session_key or "")
        if facts:
            Session.objects.filter(pk=key).update(**facts)
    request.session_row = Session.objects.filter(pk=key).first()  # type: ignore[attr-defined]


def _go_on(request: HttpRequest, user: User) -> str:
    """Give the present session another key and the hash of today; its digest."""
    present = user_of(request)
    present.session_epoch, present.password = user.session_epoch, user.password
    request.session.cycle_key()
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    request.session.save()
    return digest(request.session.session_key or "")


def _remove(user_id: int, keys: list[str]) -> int:
    if keys:
        Session.objects.filter(pk__in=keys).delete()
        transaction.on_commit(lambda: forget_cached(keys))
        transaction.on_commit(lambda: events.announce_end(user_id))
    return len(keys)
