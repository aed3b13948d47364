"""What customers owe us after a payment was taken back that their balance did not cover.

A debt is what was posted to the account `receivables` under the customer's reference and not repaid. It is taken from what
is available when money comes in; the balance never goes below zero.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

from decimal import Decimal

import structlog
from django.db.models import Q, Sum

from billing import locks
from billing.enums import SystemCode, TransferCode
from billing.models import Account, Transfer
from billing.selectors import wallet
from billing.services import ledger

log = structlog.get_logger(__name__)
ZERO = Decimal("0.0000")


def reference(user_id: int) -> str:
    """The reference of a customer's debts and of their repayment."""
    return f"receivable:{user_id}"


def owed_by(user_id: int) -> Decimal:
    """What a customer owes, in the wallet currency."""
    return _owed(ledger.system_account(SystemCode.RECEIVABLES), user_id)


def collect(*, user_id: int, key: str) -> None:
    """Take what is owed from what is available, in the caller's transaction; repeating the key does nothing.

    The caller holds no account's lock but this customer's.
    """
    if not Transfer.objects.filter(reference=reference(user_id), code=TransferCode.RECEIVABLE).exists():
        return  # nearly everybody
    account, receivables = ledger.customer_account(user_id), ledger.system_account(SystemCode.RECEIVABLES)
    locks.lock_account(account.pk)  # two collections at once must not both see the debt
    amount = min(_owed(receivables, user_id), wallet(user_id).available)
    if amount <= 0 or Transfer.objects.filter(key=key).exists():
        return
    ledger.post(
        debit=account,
        credit=receivables,
        amount=amount,
        code=TransferCode.RECEIVABLE_REPAID,
        key=key,
        reference=reference(user_id),
    )
    log.info("Debt collected", customer=user_id, amount=str(amount))


def _owed(receivables: Account, user_id: int) -> Decimal:
    sums = Transfer.objects.filter(reference=reference(user_id)).aggregate(
        debits=Sum("amount", filter=Q(debit_account=receivables), default=ZERO),
        credits=Sum("amount", filter=Q(credit_account=receivables), default=ZERO),
    )
    owed: Decimal = sums["debits"] - sums["credits"]
    return owed
