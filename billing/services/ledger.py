"""The only writer of money: wallets, holds, captures, releases, postings and staff adjustments.

Every function but `customer_account` and `system_account` runs inside the caller's transaction and takes the customer's
row lock until it ends: call it late. A repeated key returns the first transfer. An exception leaves the transaction to be
rolled back. Amounts are in the wallet currency with at most four places.

Source: docs/decisions/0002-ledger.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import structlog
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import User
from billing import locks
from billing.enums import RESOLUTIONS, AccountKind, SystemCode, TransferCode, TransferKind
from billing.locks import Held
from billing.models import Account, Transfer
from billing.services import movement
from billing.services.movement import Movement
from billing.services.wallets import customer_account, system_account, system_accounts

log = structlog.get_logger(__name__)
__all__ = [
    "adjust",
    "capture",
    "customer_account",
    "hold",
    "post",
    "release",
    "system_account",
    "system_accounts",
]


def hold(
    *,
    account: Account,
    amount: Decimal,
    code: TransferCode,
    key: str,
    reference: str,
    memo: str | Promise = "",
    expires_at: dt.datetime,
    credit: Account | None = None,
) -> Transfer:
    """Reserve a customer's money for a purchase in progress; repeating a key returns the first hold.

    Args:
        account: The customer's.
        amount: Positive.
        code: One of `RESOLUTIONS`, which names the codes of its capture and release.
        expires_at: Aware; after it the sweep releases what is still held.
        credit: The system account that a capture pays; revenue if not given.

    Raises:
        InsufficientFunds: The available balance is below `amount`.
        KeyReused: The key was used for something else.
    """
    movement.require_transaction()
    amount = movement.check_amount(amount)
    if code not in RESOLUTIONS or timezone.is_naive(expires_at):
        raise ValueError(f"Not a hold: {code}, {expires_at}")
    if credit is not None:
        _check_sides(account, credit)
    if account.kind != AccountKind.CUSTOMER:
        raise ValueError("A hold is on a customer's account.")
    revenue_id = locks.lock_account(account.pk)
    return movement.make(
        Movement(
            debit=account.pk,
            credit=credit.pk if credit else revenue_id or system_account(SystemCode.REVENUE).pk,
            customer=account.pk,
            amount=amount,
            kind=TransferKind.PENDING,
            code=code,
            key=key,
            reference=reference,
            memo=memo,
            expires_at=expires_at,
            debits_pending=amount,
        ),
        currency=account.currency,
    )


def capture(*, hold_id: uuid.UUID, key: str, amount: Decimal | None = None) -> Transfer:
    """Charge a hold; what is left above `amount` returns to the customer by the same transfer.

    A hold may be captured after its expiry as long as the sweep has not released it. Capturing the same amount again,
    under whatever key, returns the first capture.

    Args:
        amount: At most the hold; all of it if not given.

    Raises:
        HoldAlreadyResolved: It was released, or captured with another amount.
        KeyReused: The key was used for something else.
        UnknownHold: No hold has this id.
    """
    movement.require_transaction()
    held = locks.lock_hold(hold_id)
    charged = held.amount if amount is None else movement.check_amount(amount)
    if charged > held.amount:
        raise ValueError(f"Capture of {charged} from a hold of {held.amount}")
    return _resolve(
        held, kind=TransferKind.POST_PENDING, code=RESOLUTIONS[held.code][0], key=key, amount=charged
    )


def release(*, hold_id: uuid.UUID, key: str) -> Transfer:
    """Return a hold to the customer; releasing again, under whatever key, returns the first release.

    Raises:
        HoldAlreadyResolved: It was captured.
        KeyReused: The key was used for something else.
        UnknownHold: No hold has this id.
    """
    movement.require_transaction()
    held = locks.lock_hold(hold_id)
    return _resolve(
        held, kind=TransferKind.VOID_PENDING, code=RESOLUTIONS[held.code][1], key=key, amount=held.amount
    )


def post(
    *,
    debit: Account,
    credit: Account,
    amount: Decimal,
    code: TransferCode,
    key: str,
    reference: str = "",
    memo: str | Promise = "",
    reason: str = "",
    actor: User | None = None,
) -> Transfer:
    """Move money at once; at most one side is a customer.

    Raises:
        InsufficientFunds: The customer who pays has less than `amount` available.
        KeyReused: The key was used for something else.
    """
    movement.require_transaction()
    amount = movement.check_amount(amount)
    _check_sides(debit, credit)
    customer = next((side for side in (debit, credit) if side.kind == AccountKind.CUSTOMER), None)
    if customer is not None:
        locks.lock_account(customer.pk)
    return movement.make(
        Movement(
            debit=debit.pk,
            credit=credit.pk,
            customer=customer.pk if customer else None,
            amount=amount,
            kind=TransferKind.POSTED,
            code=code,
            key=key,
            reference=reference,
            memo=memo,
            reason=reason,
            actor=actor.pk if actor else None,
            debits_posted=amount if customer is debit else movement.ZERO,
            credits_posted=amount if customer is credit else movement.ZERO,
        ),
        currency=debit.currency,
    )


def adjust(*, user: User, amount: Decimal, reason: str, actor: User | None, key: str) -> Transfer:
    """Credit (`amount` above zero) or debit (below) a customer by decision of staff.

    Args:
        reason: Mandatory, for staff; the customer reads only that support did it.
        actor: The member of staff; None for a command run on the server.

    Raises:
        InsufficientFunds: A debit above the available balance.
        KeyReused: The key was used for something else.
        ValueError: No reason, or an amount of nothing.
    """
    movement.require_transaction()
    reason = reason.strip()
    if not reason:
        raise ValueError("An adjustment needs a reason.")
    wallet, ours = customer_account(user.pk), system_account(SystemCode.STAFF_ADJUSTMENTS)
    is_credit = amount > 0
    transfer = post(
        debit=ours if is_credit else wallet,
        credit=wallet if is_credit else ours,
        amount=abs(amount),
        code=TransferCode.STAFF_CREDIT if is_credit else TransferCode.STAFF_DEBIT,
        key=key,
        reason=reason,
        actor=actor,
    )
    log.info(
        "Balance adjusted",
        transfer=str(transfer.id),
        customer=user.pk,
        amount=str(amount),
        actor=actor.pk if actor else None,
    )
    return transfer


def _resolve(held: Held, *, kind: TransferKind, code: str, key: str, amount: Decimal) -> Transfer:
    posted = amount if kind == TransferKind.POST_PENDING else movement.ZERO
    return movement.make(
        Movement(
            debit=held.debit,
            credit=held.credit,
            customer=held.debit,
            amount=amount,
            kind=kind,
            code=code,
            key=key,
            pending=held.sequence,
            reference=held.reference,
            memo=held.memo,
            debits_pending=-held.amount,
            debits_posted=posted,
        ),
        currency=held.currency,
    )


def _check_sides(debit: Account, credit: Account) -> None:
    """Mistakes of the caller; the database refuses them too."""
    if debit.currency != credit.currency:
        raise ValueError(f"{debit.currency} does not move to an account in {credit.currency}")
    if debit.kind == credit.kind == AccountKind.CUSTOMER:
        raise ValueError("Money does not move from customer to customer.")
