"""The one statement that moves money: a balance and its transfer, or neither.

Source: docs/decisions/0002-ledger.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils.functional import Promise

from billing.enums import TransferKind
from billing.exceptions import HoldAlreadyResolved, InsufficientFunds, KeyReused
from billing.models import Transfer
from namaskah.lib.ids import uuid7
from namaskah.lib.money import quantize

ZERO = Decimal(0)
LARGEST = Decimal(10) ** 15  # 19 digits, four of them behind the point
FIELDS = [field.attname for field in Transfer._meta.concrete_fields]

# The caller holds the customer's row lock, so this statement's snapshot shows every transfer of that account: the two
# NOT EXISTS cannot miss one. Without the lock they could: a statement that waits for a row re-reads that row only, not the
# transfers, and would move the balance for a duplicate. No ON CONFLICT: a duplicate that gets here must fail, not pass.
MOVE = """
WITH moved AS (
    UPDATE billing_account SET
        debits_pending = debits_pending + %(debits_pending)s,
        debits_posted = debits_posted + %(debits_posted)s,
        credits_posted = credits_posted + %(credits_posted)s
    WHERE id = %(customer)s
        AND credits_posted + %(credits_posted)s
            >= debits_posted + %(debits_posted)s + debits_pending + %(debits_pending)s
        AND NOT EXISTS (SELECT FROM billing_transfer WHERE key = %(key)s)
        AND NOT EXISTS (SELECT FROM billing_transfer WHERE pending_id = %(pending)s)
    RETURNING credits_posted - debits_posted AS balance, credits_posted - debits_posted - debits_pending AS available
)
INSERT INTO billing_transfer (id, debit_account_id, credit_account_id, amount, kind, code, key, pending_id, reference,
    memo, reason, actor_id, expires_at, balance_after, available_after)
SELECT %(id)s, %(debit)s, %(credit)s, %(amount)s, %(kind)s, %(code)s, %(key)s, %(pending)s, %(reference)s,
    %(memo)s, %(reason)s, %(actor)s, %(expires_at)s, balance, available
FROM moved
RETURNING *
"""
# No balance moves between two system accounts, so here a duplicate may simply insert nothing.
RECORD = """
INSERT INTO billing_transfer (id, debit_account_id, credit_account_id, amount, kind, code, key, reference, memo, reason, actor_id)
VALUES (%(id)s, %(debit)s, %(credit)s, %(amount)s, %(kind)s, %(code)s, %(key)s, %(reference)s, %(memo)s, %(reason)s, %(actor)s)
ON CONFLICT (key) DO NOTHING
RETURNING *
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A transfer to be, and what it does to the customer's figures (`customer` None: neither side is a customer)."""

    debit: int
    credit: int
    customer: int | None
    amount: Decimal
    kind: TransferKind
    code: str
    key: str
    pending: int | None = None
    reference: str = ""
    memo: str | Promise = ""
    reason: str = ""
    actor: int | None = None
    expires_at: dt.datetime | None = None
    debits_pending: Decimal = ZERO
    debits_posted: Decimal = ZERO
    credits_posted: Decimal = ZERO

    def says(self) -> tuple[object, ...]:
        """What a repeated key must repeat. Memo, actor and expiry may differ when a caller tries again."""
        return (self.debit, self.credit, self.amount, self.kind, self.code, self.pending, self.reference)


def require_transaction() -> None:
    """Money moves in the caller's transaction, beside the state that it follows.

    Raises:
        TransactionManagementError: There is none.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "The ledger works inside the caller's transaction.atomic() only."
        )


def check_amount(amount: Decimal) -> Decimal:
    """Return the amount with four places.

    Raises:
        ValueError: Not a positive finite amount that four places can hold. A programming error, so not a `DomainError`.
    """
    if not amount.is_finite() or not 0 < amount < LARGEST:
        raise ValueError(f"Not an amount to move: {amount!r}")
    exact = quantize(amount)
    if exact != amount:
        raise ValueError(f"More than four decimal places: {amount!r}")
    return exact


def make(movement: Movement, *, currency: str) -> Transfer:
    """Move the money, or return the transfer that did so before. The caller holds the customer's row lock.

    Raises:
        InsufficientFunds: The customer's available balance is too small.
        HoldAlreadyResolved: `pending` was resolved in another way.
        KeyReused: The key belongs to another movement.
    """
    values = {name: getattr(movement, name) for name in movement.__dataclass_fields__}
    values |= {"id": uuid7(), "memo": str(movement.memo), "kind": str(movement.kind.value)}
    with connection.cursor() as cursor:
        try:
            cursor.execute(RECORD if movement.customer is None else MOVE, values)
        except IntegrityError as error:
            if "transfer_key_once" in str(error):  # the same key at once for another customer
                raise KeyReused(movement.key) from error
            raise
        row = cursor.fetchone()
        if row is not None:
            column = dict(zip([column.name for column in cursor.description], row, strict=True))
            return Transfer.from_db(connection.alias, FIELDS, [column[field] for field in FIELDS])
    return _made_before(movement, currency)


def _made_before(movement: Movement, currency: str) -> Transfer:
    """Nothing moved: find out why."""
    earlier = Transfer.objects.filter(
        Q(key=movement.key) | Q(pending__isnull=False, pending=movement.pending)
    )
    by_key = {transfer.key: transfer for transfer in earlier}
    same_key = by_key.pop(movement.key, None)
    if same_key is not None:
        if _says(same_key) != movement.says():
            raise KeyReused(movement.key)
        return same_key
    for resolution in by_key.values():
        if _says(resolution) != movement.says():
            raise HoldAlreadyResolved(resolution)
        return resolution
    raise InsufficientFunds(
        available=_available(movement.customer), amount=movement.amount, currency=currency
    )


def _says(transfer: Transfer) -> tuple[object, ...]:
    return (
        transfer.debit_account_id,
        transfer.credit_account_id,
        transfer.amount,
        transfer.kind,
        transfer.code,
        transfer.pending_id,
        transfer.reference,
    )


def _available(account_id: int | None) -> Decimal:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT credits_posted - debits_posted - debits_pending FROM billing_account WHERE id = %s",
            [account_id],
        )
        return Decimal(cursor.fetchone()[0])


def new_key(prefix: str) -> str:
    """A key for a movement that has no natural one."""
    return f"{prefix}:{uuid.uuid4()}"
