"""Holds that no open order stands behind: a fault of ours, mended so that no customer's money stays locked by it."""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import connection, transaction
from django.utils import timezone

from billing.exceptions import HoldAlreadyResolved
from billing.services import ledger

log = structlog.get_logger(__name__)

# Order and hold are committed together and end together, so a hold this old without its open order is not on its way.
_AGE = dt.timedelta(minutes=10)
# Only wallets with more on hold than their open orders explain are looked at, so the cost does not grow with history.
_ORPHANS = """
WITH suspects AS MATERIALIZED (
    SELECT a.id
    FROM billing_account a
    WHERE a.debits_pending > 0 AND a.debits_pending > (
        SELECT coalesce(sum(v.price), 0)
        FROM verifications_verification v
        WHERE v.user_id = a.user_id AND v.status IN ('ordering', 'waiting') AND v.received_at IS NULL
    )
)
SELECT h.id
FROM suspects JOIN billing_transfer h ON h.debit_account_id = suspects.id AND h.kind = 'pending'
WHERE h.code = 'verification_hold' AND h.created_at < %(before)s
    AND NOT EXISTS (SELECT FROM billing_transfer r WHERE r.pending_id = h.sequence)
    AND NOT EXISTS (
        SELECT FROM verifications_verification v
        WHERE v.hold_id = h.id AND v.status IN ('ordering', 'waiting') AND v.received_at IS NULL
    )
LIMIT 500
"""


def release_orphan_holds(age: dt.timedelta = _AGE) -> int:
    """Return every hold older than `age` that no open order stands behind; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(_ORPHANS, {"before": timezone.now() - age})
        orphans = [row[0] for row in cursor.fetchall()]
    released = 0
    for hold_id in orphans:
        try:
            with transaction.atomic():
                ledger.release(hold_id=hold_id, key=f"orphan:{hold_id}")
        except HoldAlreadyResolved:
            continue
        released += 1
        log.error("Hold without an order released", hold=str(hold_id))
    return released
