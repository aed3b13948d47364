"""Row locks of the ledger and of payments.

Order everywhere: verification, then deposit, then account; late, just before the money moves.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from billing.exceptions import UnknownHold
from billing.models import Deposit

LOCK_ACCOUNT = """
SELECT (SELECT r.id FROM billing_account r WHERE r.kind = 'system' AND r.code = 'revenue' AND r.currency = a.currency)
FROM billing_account a WHERE a.id = %s FOR NO KEY UPDATE
"""
LOCK_HOLD = """
SELECT h.sequence, h.debit_account_id, h.credit_account_id, h.amount, h.code, h.reference, h.memo, a.currency
FROM billing_transfer h JOIN billing_account a ON a.id = h.debit_account_id
WHERE h.id = %s AND h.kind = 'pending'
FOR NO KEY UPDATE OF a
"""

CARD_SPACE = 0x4E44  # first half of the advisory lock's key, ours alone; the second half is the card


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as it was made, and its account's currency. Transfers never change, so this cannot be stale."""

    sequence: int
    debit: int
    credit: int
    amount: Decimal
    code: str
    reference: str
    memo: str
    currency: str


def lock_account(account_id: int) -> int | None:
    """Queue behind other movements of this customer, so that the next statement sees all of them.

    Returns:
        The id of the revenue account when it is open: the usual other side, without a round trip of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_ACCOUNT, [account_id])
        row = cursor.fetchone()
    return row[0] if row else None


def lock_hold(hold_id: uuid.UUID) -> Held:
    """Lock the account of a hold, and read the hold.

    Raises:
        UnknownHold: No hold has this id.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_HOLD, [hold_id])
        row = cursor.fetchone()
    if row is None:
        raise UnknownHold
    return Held(*row)


def lock_deposit(deposit_id: uuid.UUID) -> Deposit:
    """Lock one deposit and read it as it is now. Rows that point at it can still be written.

    Raises:
        Deposit.DoesNotExist: No deposit has this id.
    """
    deposits = Deposit.objects.order_by("pk").select_for_update(of=("self",), no_key=True)
    return deposits.get(pk=deposit_id)


def lock_card(fingerprint: str) -> None:
    """Queue behind other payments with this card, so that counting who uses it misses nobody. Ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [CARD_SPACE, fingerprint])
