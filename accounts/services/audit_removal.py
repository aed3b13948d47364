"""Removing what the audit trail keeps no longer: the beginning of the chain, leaving a seal from which the rest verifies."""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import AuditEntry, AuditSeal
from accounts.services.audit_sealing import Head, lock_chain, write_seal

log = structlog.get_logger(__name__)

BATCH = 5000


def remove_old(batch: int = BATCH) -> int:
    """Remove sealed entries older than `AUDIT_KEEP_DAYS`; returns how many. One that still waits for its seal stays."""
    kept_since = timezone.now() - dt.timedelta(days=settings.AUDIT_KEEP_DAYS)
    total = 0
    while removed := _remove_batch(kept_since, batch):
        total += removed
    if total:
        log.info("Audit entries removed as too old", entries=total, kept_since=kept_since.isoformat())
    return total


def _remove_batch(kept_since: dt.datetime, size: int) -> int:
    with transaction.atomic():
        if not lock_chain():
            return 0
        end = _end_of_old(kept_since, size)
        if end is None:
            return 0
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('namaskah.audit_removal', 'on', true)")
            cursor.execute("DELETE FROM accounts_auditentry WHERE number <= %s", [end.number])
            removed: int = cursor.rowcount
            # Everything up to here is covered by the one seal that follows.
            cursor.execute("DELETE FROM accounts_auditseal WHERE last_number <= %s", [end.number])
            cursor.execute("SELECT set_config('namaskah.audit_removal', '', true)")
        write_seal(first=1, end=end, is_removal=True)
    return removed


def _end_of_old(kept_since: dt.datetime, size: int) -> Head | None:
    """The last of the entries at the beginning that are all too old; numbers are not quite in order of time."""
    end = None
    oldest = AuditEntry.objects.filter(number__isnull=False).order_by("number")
    for number, seal, at in oldest.values_list("number", "hash", "created_at")[:size]:
        if at >= kept_since or number is None:
            break
        end = Head(number, seal)
    return end


def removals() -> QuerySet[AuditSeal]:
    """The seals that stand for what was removed, the newest first; it covers all before it."""
    return AuditSeal.objects.filter(is_removal=True).order_by("-last_number", "-pk")
