"""Permission refusals in the audit trail: who was refused which page, once a minute however often they knock."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from accounts.services import audit

ONCE_PER = dt.timedelta(minutes=1)
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


def note(*, actor: User, page: str, method: str) -> bool:
    """Write down a refusal; False when one for this person and page was written within the last minute.

    Args:
        page: The name of the address, as `billing:deposit-list`: the address itself may hold what is nobody's business.
    """
    target = f"page:{page}"
    with transaction.atomic():
        if not _is_first_in_line(f"refused:{actor.pk}:{target}") or _is_known(actor.pk, target):
            return False
        audit.record(
            AuditAction.REFUSED, actor=actor, subject=actor, target=target, after={"method": method[:10]}
        )
    return True


def _is_first_in_line(name: str) -> bool:
    """Of several refusals at once one is enough; the others do not wait for it."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [name])
        return bool(cursor.fetchone()[0])


def _is_known(actor_id: int, target: str) -> bool:
    since = timezone.now() - ONCE_PER
    return AuditEntry.objects.filter(
        actor_id=actor_id, target=target, action=AuditAction.REFUSED, created_at__gt=since
    ).exists()
