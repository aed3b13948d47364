"""The transfers of a payment: its credit, its place in suspense, and its way out again.

Every function runs in the caller's transaction, which holds the deposit's row lock, and moves money only: what the row says
about it is the caller's. Each transfer has a key of its own, so nothing here can happen twice.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils import timezone

from accounts.models import User
from billing import locks
from billing.enums import DepositStatus, SystemCode, TransferCode
from billing.models import Account, Deposit, Refund
from billing.paystack.base import Transaction
from billing.selectors import wallet
from billing.services import ledger
from namaskah.lib.money import RATE_PLACES, UNIT, format_subunits, from_subunits

_HOLD_FOR = dt.timedelta(days=1)  # captured in the same transaction


def worth(subunits: int, rate: Decimal) -> Decimal:
    """What an amount of the charge currency is in the wallet currency, rounded down to four places.

    In integers: a quotient of `Decimal` is rounded before it can be rounded down.
    """
    # Hundredths to ten-thousandths are two places, and the rate is counted in its own smallest part.
    return Decimal(subunits * 10 ** (2 + RATE_PLACES) // int(rate.scaleb(RATE_PLACES))) * UNIT


def credit(deposit: Deposit, transaction: Transaction) -> None:
    """Credit the customer with what the deposit is for, whatever was paid on top for fees."""
    clearing, exchange, recovered = _system(
        deposit.charge_currency, SystemCode.PAYSTACK_CLEARING, SystemCode.EXCHANGE, SystemCode.FEE_RECOVERED
    )
    _post(deposit, clearing, exchange, deposit.amount_subunits, TransferCode.DEPOSIT_RECEIVED, "received")
    _post(
        deposit,
        clearing,
        recovered,
        transaction.amount - deposit.amount_subunits,
        TransferCode.DEPOSIT_FEE_RECOVERED,
        "recovered",
    )
    _post_fees(deposit, clearing, transaction)
    _credit_wallet(deposit)


def suspend(deposit: Deposit, transaction: Transaction) -> None:
    """Put all that was paid where nobody can spend it, in the currency it was paid in."""
    clearing, suspense = _system(transaction.currency, SystemCode.PAYSTACK_CLEARING, SystemCode.SUSPENSE)
    _post(deposit, clearing, suspense, transaction.amount, TransferCode.SUSPENSE_IN, "suspense")
    _post_fees(deposit, clearing, transaction)


def credit_from_suspense(deposit: Deposit, left: int, *, actor: User | None, note: str) -> None:
    """Credit the customer with `amount_subunits` out of suspense; what is left above it covers Paystack's fees.

    Args:
        left: What is in suspense of this payment, in the subunit of its currency.
    """
    suspense, exchange, recovered = _system(
        deposit.paid_currency, SystemCode.SUSPENSE, SystemCode.EXCHANGE, SystemCode.FEE_RECOVERED
    )
    above = left - deposit.amount_subunits
    out = TransferCode.SUSPENSE_OUT
    _post(deposit, suspense, exchange, deposit.amount_subunits, out, "suspense-credit", note, actor)
    _post(deposit, suspense, recovered, above, out, "suspense-recovered", note, actor)
    _credit_wallet(deposit, actor)


def return_from_suspense(deposit: Deposit, refund: Refund) -> None:
    """Take out of suspense what Paystack has refunded, which ends the deposit."""
    suspense, clearing = _system(deposit.paid_currency, SystemCode.SUSPENSE, SystemCode.PAYSTACK_CLEARING)
    _post(
        deposit,
        suspense,
        clearing,
        refund.amount_subunits,
        TransferCode.SUSPENSE_OUT,
        f"suspense-return:{refund.pk}",
    )
    deposit.status, deposit.closed_at = DepositStatus.REVERSED, timezone.now()
    deposit.save(update_fields=["status", "closed_at"])


def write_off(deposit: Deposit, *, actor: User | None, note: str) -> None:
    """Take back a suspense entry of money that never was: test money in live mode, or the other way round."""
    clearing, suspense, fees = _system(
        deposit.paid_currency, SystemCode.PAYSTACK_CLEARING, SystemCode.SUSPENSE, SystemCode.PSP_FEES
    )
    code = TransferCode.CLEARING_CORRECTION
    _post(deposit, suspense, clearing, deposit.paid_subunits or 0, code, "write-off", note, actor)
    _post(deposit, clearing, fees, deposit.fees_subunits or 0, code, "write-off-fees", note, actor)


def take_back(deposit: Deposit) -> Decimal:
    """Take a credited payment back that Paystack has reversed: from the wallet what is available, the rest is owed.

    Returns:
        What the wallet did not cover.
    """
    account = _wallet_of(deposit)
    locks.lock_account(account.pk)  # what is available must still be so when it is taken
    covered = min(deposit.credit_amount, wallet(account.user_id or 0).available)
    exchange, receivables = _system(account.currency, SystemCode.EXCHANGE, SystemCode.RECEIVABLES)
    if covered:
        _take(deposit, account, exchange, covered)
    owed = deposit.credit_amount - covered
    if owed:
        ledger.post(
            debit=receivables,
            credit=exchange,
            amount=owed,
            code=TransferCode.RECEIVABLE,
            key=f"{_reference(deposit)}:reversal-owed",
            reference=f"receivable:{deposit.user_id}",
        )
    theirs, clearing = _system(deposit.charge_currency, SystemCode.EXCHANGE, SystemCode.PAYSTACK_CLEARING)
    _post(deposit, theirs, clearing, deposit.amount_subunits, TransferCode.DISPUTE_PAID, "reversal")
    return owed


def _credit_wallet(deposit: Deposit, actor: User | None = None) -> None:
    account = _wallet_of(deposit)
    ledger.post(
        debit=ledger.system_account(SystemCode.EXCHANGE, account.currency),
        credit=account,
        amount=deposit.credit_amount,
        code=TransferCode.DEPOSIT,
        key=_reference(deposit),
        reference=_reference(deposit),
        memo=format_subunits(deposit.amount_subunits, deposit.charge_currency),
        actor=actor,
    )


def _post_fees(deposit: Deposit, clearing: Account, transaction: Transaction) -> None:
    """What Paystack keeps of the payment, when it says so."""
    if not transaction.fees or transaction.fees < 0:
        return
    fees = ledger.system_account(SystemCode.PSP_FEES, clearing.currency)
    _post(deposit, fees, clearing, transaction.fees, TransferCode.DEPOSIT_FEE, "fees")


def _take(deposit: Deposit, account: Account, exchange: Account, amount: Decimal) -> None:
    """By a hold and its capture, because the customer's statement knows a disputed payment so."""
    key = f"{_reference(deposit)}:reversal"
    hold = ledger.hold(
        account=account,
        amount=amount,
        code=TransferCode.DISPUTE_HOLD,
        key=f"{key}-hold",
        reference=_reference(deposit),
        memo=format_subunits(deposit.amount_subunits, deposit.charge_currency),
        expires_at=timezone.now() + _HOLD_FOR,
        credit=exchange,
    )
    ledger.capture(hold_id=hold.id, key=f"{key}-capture")


def _post(
    deposit: Deposit,
    debit: Account,
    credit_: Account,
    subunits: int,
    code: TransferCode,
    name: str,
    reason: str = "",
    actor: User | None = None,
) -> None:
    """One transfer in the currency of the payment; of nothing there is none."""
    if subunits <= 0:
        return
    ledger.post(
        debit=debit,
        credit=credit_,
        amount=from_subunits(subunits),
        code=code,
        key=f"{_reference(deposit)}:{name}",
        reference=_reference(deposit),
        reason=reason,
        actor=actor,
    )


def _system(currency: str, *codes: SystemCode) -> list[Account]:
    return ledger.system_accounts(*codes, currency=currency)


def _wallet_of(deposit: Deposit) -> Account:
    assert deposit.user_id is not None  # the database refuses a credited deposit of nobody
    return ledger.customer_account(deposit.user_id)


def _reference(deposit: Deposit) -> str:
    return f"deposit:{deposit.pk}"
