"""What staff decides about money under review: credit it, say whose it is, send it back, or find that there was none.

Callers check the permission, and ask for a second member of staff where `approvals` says so.
"""

from __future__ import annotations

import uuid

import structlog
from django.conf import settings
from django.db.transaction import atomic
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing import locks
from billing.enums import DepositPurpose, DepositStatus, DisputeOutcome, ReviewReason
from billing.exceptions import ReviewDecided, ReviewNotPossible
from billing.models import Deposit, Refund
from billing.services import crediting, deposit_news, deposit_outcomes, exchange_rates, refunds, shares
from namaskah.lib.money import to_subunits

log = structlog.get_logger(__name__)


def credit(*, deposit_id: uuid.UUID, actor: User, reason: str) -> Deposit:
    """Credit the customer with what was paid, less what their bank took of it, at the deposit's rate.

    `amount_subunits` and `credit_amount` become what was paid for and its worth, so that refunds and receipts of it are right.

    Raises:
        ReviewDecided: It is not under review, or on its way back.
        ReviewNotPossible: Nobody's money, disputed, another currency, another mode, or worth nothing.
    """
    with atomic():
        deposit = _lock(deposit_id, reason)
        _check_creditable(deposit)
        asked_for = deposit.amount_subunits
        left = (deposit.paid_subunits or 0) - to_subunits(shares.taken_by_banks(deposit))
        deposit.amount_subunits = min(left, deposit.requested_subunits or left)
        deposit.credit_amount = crediting.worth(deposit.amount_subunits, deposit.rate)
        if deposit.credit_amount <= 0:
            raise ReviewNotPossible(_("It is worth less than the wallet can hold."))
        deposit.status, deposit.credited_at = DepositStatus.SUCCEEDED, timezone.now()
        note = f"Credited: {reason} (asked for {asked_for})"
        _decide(deposit, actor, note, "amount_subunits", "credit_amount", "status", "credited_at")
        crediting.credit_from_suspense(deposit, left, actor=actor, note=reason)
        deposit_outcomes.after_credit(deposit, None)
    log.info("Review decided, credited", deposit=str(deposit.pk), customer=deposit.user_id, actor=actor.pk)
    return deposit


def attach(*, deposit_id: uuid.UUID, user: User, actor: User, reason: str) -> Deposit:
    """Say whose a payment is that came by itself, and fix today's rate for it. Crediting it is another decision.

    Raises:
        ReviewDecided: It is not under review, or on its way back.
        ReviewNotPossible: It has an owner, or is disputed.
        RateTooOld: There is no rate to sell by.
    """
    with atomic():
        deposit = _lock(deposit_id, reason)
        if deposit.user_id is not None:
            raise ReviewNotPossible(_("It belongs to a customer already."))
        rate = exchange_rates.usable(deposit.charge_currency)
        deposit.user, deposit.rate, deposit.rate_as_of = user, rate.rate, rate.as_of
        deposit.review_note = f"Given to customer {user.pk} by {actor.pk}: {reason}"[:500]
        worth = crediting.worth(deposit.amount_subunits, rate.rate)
        deposit.credit_amount = worth or deposit.credit_amount
        deposit.save(update_fields=["user", "rate", "rate_as_of", "credit_amount", "review_note"])
    log.info("Payment given to a customer", deposit=str(deposit.pk), customer=user.pk, actor=actor.pk)
    return deposit


def send_back(*, deposit_id: uuid.UUID, actor: User, reason: str) -> Refund:
    """Send all of it back to where it came from. It stays in suspense until Paystack has refunded it.

    Raises:
        ReviewDecided: It is not under review, or on its way back.
        ReviewNotPossible: Our key cannot refund it, or it is disputed.
    """
    with atomic():
        deposit = _lock(deposit_id, reason)
        if deposit.review_reason == ReviewReason.WRONG_MODE or deposit.paystack_id is None:
            raise ReviewNotPossible(_("There is no money of this payment that could be sent back."))
        if shares.live_disputes(deposit).exists():
            raise ReviewNotPossible(_("The customer's bank took a part already: credit the rest."))
        deposit.reviewed_by, deposit.review_note = actor, f"Sent back: {reason}"[:500]
        deposit.save(update_fields=["reviewed_by", "review_note"])
        return refunds.return_suspense(deposit_id=deposit_id, actor=actor, reason=reason)


def write_off(*, deposit_id: uuid.UUID, actor: User, reason: str) -> Deposit:
    """Close a review in which there is no money: of another mode, or booked for another deposit already.

    Raises:
        ReviewDecided: It is not under review, or on its way back.
        ReviewNotPossible: The money is real, or disputed.
    """
    with atomic():
        deposit = _lock(deposit_id, reason)
        if deposit.review_reason != ReviewReason.WRONG_MODE and deposit.paystack_id is not None:
            raise ReviewNotPossible(_("This money is real: credit it or send it back."))
        deposit.status = DepositStatus.FAILED
        _decide(deposit, actor, f"Written off: {reason}", "status")
        if deposit.paystack_id is not None:
            crediting.write_off(deposit, actor=actor, note=reason)
        deposit_news.closed_without_money(deposit)
    log.info("Review decided, written off", deposit=str(deposit.pk), actor=actor.pk)
    return deposit


def _lock(deposit_id: uuid.UUID, reason: str) -> Deposit:
    if not reason.strip():
        raise ValueError("A decision about money needs a reason.")
    deposit = locks.lock_deposit(deposit_id)
    if deposit.status != DepositStatus.NEEDS_REVIEW:
        raise ReviewDecided
    if shares.live_refunds(deposit).exists():
        raise ReviewDecided  # it is on its way back already
    if deposit.disputes.filter(outcome=DisputeOutcome.OPEN).exists():
        raise ReviewNotPossible(_("The customer's bank claims it back: the dispute decides about it."))
    return deposit


def _check_creditable(deposit: Deposit) -> None:
    if deposit.user_id is None:
        raise ReviewNotPossible(_("First say whose payment this is."))
    if deposit.review_reason == ReviewReason.WRONG_MODE or deposit.paystack_id is None:
        raise ReviewNotPossible(_("There is no money of this payment that could be credited."))
    ours = deposit.charge_currency
    if deposit.purpose == DepositPurpose.BANK:
        ours = settings.PAYSTACK_CURRENCY
    if deposit.paid_currency != ours:
        raise ReviewNotPossible(
            _("It was paid in another currency, for which there is no rate: send it back.")
        )


def _decide(deposit: Deposit, actor: User, note: str, *fields: str) -> None:
    deposit.reviewed_at = deposit.closed_at = timezone.now()
    deposit.reviewed_by, deposit.review_note, deposit.next_look_at = actor, note[:500], None
    deposit.save(
        update_fields=["reviewed_at", "closed_at", "reviewed_by", "review_note", "next_look_at", *fields]
    )
