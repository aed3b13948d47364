"""What becomes of a deposit, once for each thing Paystack may say about it.

Everything here runs in the caller's transaction, which holds the deposit's row lock. The row is saved before money moves,
so that Paystack's id is bound first, and events come last.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.utils import timezone

from billing.enums import DepositPurpose, DepositStatus, ReviewReason
from billing.exceptions import RateTooOld
from billing.models import Deposit
from billing.paystack.base import Transaction
from billing.services import (
    acceptance,
    crediting,
    deposit_looks,
    deposit_news,
    exchange_rates,
    receipts,
    receivables,
    saved_cards,
    shares,
)
from namaskah.lib.money import UNIT

log = structlog.get_logger(__name__)

# What `start` still has under way is not lost yet.
_STARTING = dt.timedelta(minutes=1)
_AT_THE_BANK = {"ongoing", "pending", "processing", "queued"}
_WRITTEN = [
    "status", "amount_subunits", "rate", "rate_as_of", "credit_amount", "paystack_id", "paid_currency", "paid_subunits",
    "requested_subunits", "fees_subunits", "channel", "gateway_response", "card_fingerprint", "card_label", "payer", "paid_at",
    "review_reason", "credited_at", "closed_at", "next_look_at", "looking_until",
]  # fmt: skip


def paid(deposit: Deposit, transaction: Transaction) -> None:
    """Money has come: credit it if it is what we asked for, else keep it where nobody can spend it."""
    if deposit_looks.is_settled(deposit):
        return nothing_new(deposit)
    if _is_bound_elsewhere(deposit, transaction):
        return _refuse_second_binding(deposit)
    _copy(deposit, transaction)
    _copy_money(deposit, transaction)
    reason = _why_not_uninvited(deposit, transaction) or acceptance.why_not(deposit, transaction)
    if reason is None and deposit.purpose == DepositPurpose.BANK and not _fix_rate(deposit):
        deposit.status = DepositStatus.PROCESSING
        return nothing_new(deposit)
    if reason is None and crediting.worth(deposit.amount_subunits, deposit.rate) == 0:
        reason = ReviewReason.SHORT
    if reason is not None:
        return _suspend(deposit, transaction, reason)
    return _credit(deposit, transaction)


def declined(deposit: Deposit, transaction: Transaction) -> None:
    """The bank said no. Watched on, because a payer may try again under the same reference."""
    if not deposit.is_open:
        return nothing_new(deposit)
    if not _is_bound_elsewhere(deposit, transaction):
        deposit.paystack_id = transaction.id
    _copy(deposit, transaction)
    deposit.gateway_response = deposit.gateway_response or "Declined"
    _close(deposit, DepositStatus.FAILED)
    log.info("Deposit declined", deposit=str(deposit.pk), customer=deposit.user_id)
    deposit_news.declined(deposit)
    return None


def unfinished(deposit: Deposit, word: str) -> None:
    """The customer or a bank is still at it. A word that we do not know is waited out, too: it must not read as failed."""
    age = timezone.now() - deposit.created_at
    if word not in _AT_THE_BANK and word != "abandoned":
        log.warning("Unknown transaction status", deposit=str(deposit.pk), status=word[:30])
    if not deposit.is_open:
        return nothing_new(deposit)
    if age >= deposit_looks.SHOWN_OPEN or _is_unpayable(deposit, word, age):
        return _close(deposit, DepositStatus.ABANDONED)
    if word == "abandoned":  # also the state of a checkout that was opened just now
        deposit.status = DepositStatus.PENDING
    elif word in _AT_THE_BANK:
        deposit.status = DepositStatus.PROCESSING
    return nothing_new(deposit)


def unknown_there(deposit: Deposit) -> None:
    """Paystack knows nothing of the reference: after a while, the call that would have told it was never made."""
    if deposit.access_code or deposit.authorization_url:
        # It was there. Another key asks, or another integration: nothing to conclude about the payment.
        log.error("Paystack has forgotten a deposit", deposit=str(deposit.pk))
        return nothing_new(deposit)
    if not deposit.is_open or timezone.now() - deposit.created_at < deposit_looks.NEVER_REACHED:
        return nothing_new(deposit)
    _close(deposit, DepositStatus.FAILED, is_watched=False)
    log.info("Deposit never reached Paystack", deposit=str(deposit.pk))
    deposit_news.never_reached(deposit)
    return None


def reversed_there(deposit: Deposit) -> None:
    """Paystack has given the money back. If no refund or dispute of ours says why, take it back from the wallet."""
    if deposit.status == DepositStatus.NEEDS_REVIEW and not shares.live_refunds(deposit).exists():
        log.error("Money under review was reversed at Paystack", deposit=str(deposit.pk))
    if deposit.is_open:
        _close(deposit, DepositStatus.FAILED)
        return deposit_news.declined(deposit)
    if deposit.status != DepositStatus.SUCCEEDED or _is_explained(deposit):
        return nothing_new(deposit)
    _close(deposit, DepositStatus.REVERSED)
    owed = crediting.take_back(deposit)
    log.error(
        "Credited deposit was reversed", deposit=str(deposit.pk), customer=deposit.user_id, owed=str(owed)
    )
    return None


def nothing_new(deposit: Deposit) -> None:
    """Give the look back and say when to look next."""
    deposit_looks.end(deposit)
    deposit.save(update_fields=_WRITTEN)


def _credit(deposit: Deposit, transaction: Transaction) -> None:
    deposit.credited_at = timezone.now()
    _close(deposit, DepositStatus.SUCCEEDED)
    crediting.credit(deposit, transaction)
    _warn_of_excess(deposit, transaction)
    after_credit(deposit, transaction)
    log.info("Deposit credited", deposit=str(deposit.pk), customer=deposit.user_id)


def after_credit(deposit: Deposit, transaction: Transaction | None) -> None:
    """What follows from any credit, in its transaction. Without a transaction it was decided by a person."""
    assert deposit.user_id is not None  # the database refuses a credited deposit of nobody
    receipts.issue_for_deposit(deposit)
    if transaction is not None:
        saved_cards.keep(deposit, transaction)
    receivables.collect(user_id=deposit.user_id, key=f"receivable:{deposit.pk}")
    deposit_news.credited(deposit)


def _suspend(deposit: Deposit, transaction: Transaction, reason: ReviewReason) -> None:
    deposit.review_reason = reason
    _close(deposit, DepositStatus.NEEDS_REVIEW, is_closed=False)
    crediting.suspend(deposit, transaction)
    log.warning(
        "Deposit needs review", deposit=str(deposit.pk), customer=deposit.user_id, reason=reason.value
    )
    deposit_news.under_review(deposit)


def _refuse_second_binding(deposit: Deposit) -> None:
    """Its transaction is another deposit's already: that money is in the books, so here is none."""
    deposit.review_reason = ReviewReason.UNKNOWN_REFERENCE
    deposit.paystack_id = None
    _close(deposit, DepositStatus.NEEDS_REVIEW, is_closed=False)
    log.error("Paystack's id belongs to another deposit", deposit=str(deposit.pk))


def _close(
    deposit: Deposit, status: DepositStatus, *, is_closed: bool = True, is_watched: bool = True
) -> None:
    deposit.status = status
    deposit.closed_at = timezone.now() if is_closed else None
    deposit_looks.end(deposit)
    if not is_watched:
        deposit.next_look_at = None
    deposit.save(update_fields=_WRITTEN)


def _copy(deposit: Deposit, transaction: Transaction) -> None:
    paid_by = transaction.authorization
    deposit.channel = transaction.channel[:40]
    deposit.gateway_response = transaction.gateway_response[:200]
    deposit.card_fingerprint = acceptance.card_fingerprint(transaction) or deposit.card_fingerprint
    if paid_by.last4:  # else what is known of a card that we charged ourselves stays
        deposit.card_label = f"{paid_by.brand.title()} {paid_by.last4}".strip()[:60]
    deposit.payer = paid_by.sender_name[:120]


def _copy_money(deposit: Deposit, transaction: Transaction) -> None:
    deposit.paystack_id, deposit.paid_at = transaction.id, transaction.paid_at or timezone.now()
    deposit.paid_currency, deposit.paid_subunits = transaction.currency, transaction.amount
    deposit.requested_subunits, deposit.fees_subunits = transaction.requested_amount, transaction.fees


def _why_not_uninvited(deposit: Deposit, transaction: Transaction) -> ReviewReason | None:
    """Money that came by itself needs a customer whose account number it came to, and our currency."""
    if deposit.user_id is None:
        is_own_account = transaction.channel == "dedicated_nuban"
        return ReviewReason.UNKNOWN_ACCOUNT if is_own_account else ReviewReason.UNKNOWN_REFERENCE
    if transaction.currency != settings.PAYSTACK_CURRENCY and deposit.purpose == DepositPurpose.BANK:
        return ReviewReason.WRONG_CURRENCY
    return None


def _fix_rate(deposit: Deposit) -> bool:
    """Sell by the rate of now; False when there is none fresh enough, and the money waits."""
    try:
        rate = exchange_rates.usable(deposit.charge_currency)
    except RateTooOld:
        log.error("Payment waits for an exchange rate", deposit=str(deposit.pk))
        return False
    deposit.rate, deposit.rate_as_of = rate.rate, rate.as_of
    deposit.credit_amount = max(crediting.worth(deposit.amount_subunits, rate.rate), UNIT)
    return True


def _is_bound_elsewhere(deposit: Deposit, transaction: Transaction) -> bool:
    return Deposit.objects.filter(paystack_id=transaction.id).exclude(pk=deposit.pk).exists()


def _is_unpayable(deposit: Deposit, word: str, age: dt.timedelta) -> bool:
    """Open at Paystack, and its address never reached us: nobody can pay it."""
    return (
        word == "abandoned"
        and deposit.status == DepositStatus.CREATED
        and deposit.purpose == DepositPurpose.TOP_UP
        and not deposit.access_code
        and age >= _STARTING
    )


def _is_explained(deposit: Deposit) -> bool:
    return shares.live_refunds(deposit).exists() or shares.live_disputes(deposit).exists()


def _warn_of_excess(deposit: Deposit, transaction: Transaction) -> None:
    """What is paid on top counts as passed fees. More than the fees is somebody's money, for reconciliation to name."""
    if transaction.fees is not None and transaction.amount - deposit.amount_subunits > transaction.fees:
        log.warning("Paid above amount and fees", deposit=str(deposit.pk))
