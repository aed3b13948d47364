"""Permission refusals in the audit trail: who was refused what, once a minute however often they knock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from accounts.services import audit

ONCE_PER = dt.timedelta(minutes=1)
# Different ones that somebody who tries one number after the other leaves in that time, or a few more when several come at once.
MOST = 100
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
# Tokens of links stand in addresses as well, and people type what they like: neither is for the trail.
PLAIN = re.compile(r"[A-Za-z0-9_-]{1,40}")
log = structlog.get_logger(__name__)


def note(*, actor: User, page: str, method: str, at: Mapping[str, Any] | None = None) -> bool:
    """Write down a refusal; False when one for this person and target was written within the last minute, or too many were.

    Args:
        page: The name of the address, as `billing:deposit-list`: the address itself may hold what is nobody's business.
        at: The arguments of the address, of which ids and the name of an act are kept.
    """
    target = _target(page, at or {})
    with transaction.atomic():
        if not _is_first_in_line(f"refused:{actor.pk}:{target}") or _is_known(actor.pk, target):
            return False
        audit.record(
            AuditAction.REFUSED, actor=actor, subject=actor, target=target, after={"method": method[:10]}
        )
    return True


def _target(page: str, at: Mapping[str, Any]) -> str:
    """As `page:admin:accounts_user_act?object_id=5&slug=ban`, and as long as the trail keeps it, so that it is found again."""
    told = [f"{name}={_plain(str(value))}" for name, value in at.items() if _is_told(name)]
    return f"page:{page}{'?' if told else ''}{'&'.join(told)}"[: audit.TARGET_LENGTH]


def _is_told(name: str) -> bool:
    return name in {"id", "pk", "slug"} or name.endswith("_id")


def _plain(value: str) -> str:
    return value if PLAIN.fullmatch(value) else "…"


def _is_first_in_line(name: str) -> bool:
    """Of several refusals at once one is enough; the others do not wait for it."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [name])
        return bool(cursor.fetchone()[0])


def _is_known(actor_id: int, target: str) -> bool:
    since = timezone.now() - ONCE_PER
    latest = AuditEntry.objects.filter(
        actor_id=actor_id, action=AuditAction.REFUSED, created_at__gt=since
    ).values_list("target", flat=True)[:MOST]
    targets = list(latest)
    if len(targets) >= MOST:
        log.warning("Too many refusals to write down", user_id=actor_id)
    return target in targets or len(targets) >= MOST
