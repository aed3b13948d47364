"""Holds that nobody resolved in time go back to their owners."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.db import IntegrityError, connection, transaction

from billing.exceptions import HoldAlreadyResolved
from billing.services import ledger

log = structlog.get_logger(__name__)

# Holds are never marked as resolved, so a search by expiry would read all that ever were. Instead: a wallet whose open holds
# with time left do not add up to what it has on hold must have an expired one, and only its holds are looked at. Two
# statements, because the planner likes to run the second half of a joined one first (seen: 0.7 s of 1,000,000 transfers).
OVERDUE = """
SELECT a.id
FROM billing_account a
WHERE a.debits_pending > 0 AND a.debits_pending > (
    SELECT coalesce(sum(h.amount), 0)
    FROM billing_transfer h
    WHERE h.debit_account_id = a.id AND h.kind = 'pending' AND h.expires_at > %(now)s
        AND NOT EXISTS (SELECT FROM billing_transfer r WHERE r.pending_id = h.sequence)
)
"""
EXPIRED = """
SELECT h.id
FROM billing_transfer h
WHERE h.debit_account_id = ANY(%(accounts)s) AND h.kind = 'pending' AND h.expires_at <= %(now)s
    AND NOT EXISTS (SELECT FROM billing_transfer r WHERE r.pending_id = h.sequence)
ORDER BY h.expires_at
LIMIT %(limit)s
"""


def expired_holds(*, now: dt.datetime, limit: int) -> list[uuid.UUID]:
    """Unresolved holds past their expiry, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, {"now": now})
        accounts = [row[0] for row in cursor.fetchall()]
        if not accounts:
            return []
        cursor.execute(EXPIRED, {"accounts": accounts, "now": now, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


def release_expired_holds(*, now: dt.datetime, limit: int = 500) -> int:
    """Release up to `limit` expired holds, each in its own transaction. Safe to run twice and at once.

    Returns:
        How many this run released or found released; a capture that came first is none.
    """
    released = 0
    for hold_id in expired_holds(now=now, limit=limit):
        try:
            with transaction.atomic():
                ledger.release(hold_id=hold_id, key=f"expired:{hold_id}")
        except HoldAlreadyResolved:
            continue
        except (
            IntegrityError
        ):  # books that do not add up: `verify_books` names them; the other holds must not wait
            log.exception("Expired hold not released", hold=str(hold_id))
            continue
        released += 1
        log.warning("Expired hold released", hold=str(hold_id))
    return released
