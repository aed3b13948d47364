"""Disputes of payments: seen, frozen, answered, concluded. What a webhook says is a hint; Paystack's own record decides.

A person accepts or contests in time, or Paystack accepts for us. Each answer is written down before it is given; one that
was lost is never given again before Paystack's record has been read.

Source: docs/providers/paystack.md; docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing import locks
from billing.enums import DisputeOutcome, DisputeStatus, StopReason
from billing.exceptions import AnswerNotTaken, DisputeClosed, UnknownDispute
from billing.models import Deposit, Dispute
from billing.paystack import client
from billing.paystack.base import DisputeFact
from billing.paystack.errors import PaystackError
from billing.selectors.returns import FRAUD
from billing.services import (
    dispute_freezing,
    dispute_outcomes,
    evidence,
    fraud,
    refund_outcomes,
    saved_cards,
    standing_orders,
)

log = structlog.get_logger(__name__)
EACH = dt.timedelta(hours=1)  # how often an open one is looked at
SOON = dt.timedelta(minutes=5)  # after an answer that may not have arrived
ALARM = dt.timedelta(hours=4)  # before the deadline
ANSWER_TIME = dt.timedelta(minutes=10)  # an answer younger than this may still be on its way
MISSED = dt.timedelta(days=3)  # how far back the list is read for disputes no webhook told of
ENDED = (DisputeStatus.RESOLVED, DisputeStatus.ARCHIVED)
SWEPT = 50


def look(paystack_id: int) -> Dispute:
    """Ask Paystack about a dispute, and write what it says. Safe from anywhere, any number of times.

    Raises:
        PaystackError: Paystack cannot be asked now, or knows no such dispute.
    """
    return apply(client.paystack().dispute(paystack_id))


def apply(fact: DisputeFact) -> Dispute:
    """Write a dispute as Paystack has it: freeze when it is new, conclude when it has ended. Repeating changes nothing."""
    with transaction.atomic():
        deposit = _lock_deposit(fact)
        dispute, is_new = _row(fact, deposit)
        if dispute.outcome != DisputeOutcome.OPEN:
            _compare(dispute, fact)
            return dispute
        _copy(dispute, fact, deposit)
        if deposit is not None:
            _stand_before(dispute, deposit, is_new=is_new)
        if fact.status in ENDED:
            dispute_outcomes.conclude(dispute, deposit, fact)
    if dispute.deposit_id is None:
        log.error("Dispute of a payment we do not know", dispute=dispute.paystack_id)
    elif dispute.user_id is not None:
        fraud.look(dispute.user_id, is_news=is_new)
    return dispute


def accept(*, dispute_id: int, actor: User, reason: str, amount_subunits: int | None = None) -> Dispute:
    """Let the customer's bank have the money, all of it or `amount_subunits`. Our records go with it: every answer needs a file.

    Raises:
        AnswerNotTaken: Paystack refused the file or the answer, or nobody knows whether it arrived.
        DisputeClosed: It is decided, or an answer is on its way.
        PaystackError: Paystack cannot be asked how the dispute stands.
        UnknownDispute: No dispute has this id.
    """
    dispute = _begin(dispute_id, actor, reason)
    dispute.evidence = evidence.pack(dispute)
    lost = (
        dispute.amount_subunits if amount_subunits is None else min(amount_subunits, dispute.amount_subunits)
    )
    try:
        filename = _upload(dispute)
    except PaystackError as error:
        raise _not_evidenced(dispute, error) from error
    return _answer(
        dispute, resolution="merchant-accepted", message=reason, refund_amount=lost, filename=filename
    )


def contest(*, dispute_id: int, actor: User, message: str) -> Dispute:
    """Answer that the customer got what was paid for, with the evidence of our own records.

    Raises:
        AnswerNotTaken: Paystack refused the evidence or the answer, or nobody knows whether it arrived.
        DisputeClosed: It is decided, or an answer is on its way.
        PaystackError: Paystack cannot be asked how the dispute stands.
        UnknownDispute: No dispute has this id.
    """
    dispute = _begin(dispute_id, actor, message)
    dispute.evidence = evidence.pack(dispute)
    try:
        dispute.evidence_id = client.paystack().add_evidence(
            dispute.paystack_id, **evidence.statement(dispute)
        )
        filename = _upload(dispute)
    except PaystackError as error:
        raise _not_evidenced(dispute, error) from error
    return _answer(dispute, resolution="declined", message=message, refund_amount=0, filename=filename)


def sweep() -> int:
    """Look at open disputes, each once an hour, and raise the alarm about those that are due.

    Returns:
        How many were looked at.
    """
    now = timezone.now()
    looked = 0
    due = Dispute.objects.filter(outcome=DisputeOutcome.OPEN, next_look_at__lte=now).order_by("next_look_at")
    for dispute in due[:SWEPT]:
        leased = Dispute.objects.filter(pk=dispute.pk, next_look_at=dispute.next_look_at)
        if not leased.update(next_look_at=now + EACH):
            continue
        try:
            _alarm(look(dispute.paystack_id), now)
        except PaystackError as error:
            log.warning("Dispute not looked at", dispute=dispute.paystack_id, error=error.code)
            _alarm(dispute, now)
        except Exception:  # one that cannot be handled must not keep the others waiting
            log.exception("Dispute not handled", dispute=dispute.paystack_id)
        else:
            looked += 1
    return looked


def find_missed() -> int:
    """Read Paystack's list of the last days for disputes that no webhook told of.

    Returns:
        How many were new.

    Raises:
        PaystackError: The list cannot be read now.
    """
    now = timezone.now()
    facts = list(client.paystack().disputes(since=now - MISSED, until=now + EACH))
    known = set(
        Dispute.objects.filter(paystack_id__in=[fact.id for fact in facts]).values_list(
            "paystack_id", flat=True
        )
    )
    missed = [fact for fact in facts if fact.id not in known]
    for fact in missed:
        log.warning("Dispute found without a webhook", dispute=fact.id)
        apply(fact)
    return len(missed)


def is_due(dispute: Dispute, now: dt.datetime) -> bool:
    """Whether our answer is missing and the deadline is near or over."""
    awaits_us = dispute.status == DisputeStatus.AWAITING_MERCHANT and dispute.answered_at is None
    is_open = dispute.outcome == DisputeOutcome.OPEN
    return is_open and awaits_us and dispute.due_at is not None and dispute.due_at - ALARM <= now


def _lock_deposit(fact: DisputeFact) -> Deposit | None:
    """The deposit that the dispute is about, locked; by Paystack's id first, which is never ambiguous."""
    by_id = Deposit.objects.filter(paystack_id=fact.transaction_id) if fact.transaction_id else None
    by_reference = Deposit.objects.filter(reference=fact.transaction_reference or "-")
    found = (
        by_id.values_list("pk", flat=True).first() if by_id is not None else None
    ) or by_reference.values_list("pk", flat=True).first()
    return locks.lock_deposit(found) if found else None


def _row(fact: DisputeFact, deposit: Deposit | None) -> tuple[Dispute, bool]:
    """Our row of a dispute, locked, and whether this call has made it."""
    amount = fact.transaction_amount if fact.refund_amount is None else fact.refund_amount
    fallback = (deposit.paid_subunits or deposit.amount_subunits) if deposit else 0
    rows = Dispute.objects.select_for_update(of=("self",), no_key=True).select_related("hold")
    dispute, is_new = Dispute.objects.get_or_create(
        paystack_id=fact.id,
        defaults={
            "status": fact.status[:30],
            "currency": fact.currency,
            "amount_subunits": amount if amount is not None else fallback,
            "opened_at": fact.created_at or timezone.now(),
        },
    )
    return rows.get(pk=dispute.pk), is_new


def _copy(dispute: Dispute, fact: DisputeFact, deposit: Deposit | None) -> None:
    dispute.status = fact.status[:30]
    dispute.category = fact.category[:40] or dispute.category
    dispute.due_at = fact.due_at or dispute.due_at
    dispute.transaction_reference = fact.transaction_reference[:100] or dispute.transaction_reference
    dispute.deposit, dispute.user = deposit, deposit.user if deposit else None
    dispute.next_look_at = timezone.now() + EACH
    dispute.save(
        update_fields=[
            "status",
            "category",
            "due_at",
            "transaction_reference",
            "deposit",
            "user",
            "next_look_at",
        ]
    )


def _stand_before(dispute: Dispute, deposit: Deposit, *, is_new: bool) -> None:
    """What an open dispute stops: refunds that are not out yet, the money itself, and automatic top-up."""
    refund_outcomes.refuse_unsent(deposit)
    dispute_freezing.freeze(dispute, deposit)
    if dispute.user_id is not None and is_new and FRAUD in dispute.category.casefold():
        # Its owner says somebody else used the card: nothing of this account is charged again.
        saved_cards.remove_all(user_id=dispute.user_id, reason=StopReason.DISPUTE)
    elif dispute.user_id is not None:
        standing_orders.switch_off(user_id=dispute.user_id, reason=StopReason.DISPUTE)
    if is_new:
        dispute_outcomes.tell(dispute, "dispute_opened")


def _begin(dispute_id: int, actor: User, answer: str) -> Dispute:
    """Read how the dispute stands, then commit that this person answers it."""
    paystack_id = Dispute.objects.filter(pk=dispute_id).values_list("paystack_id", flat=True).first()
    if paystack_id is None:
        raise UnknownDispute
    look(paystack_id)
    now = timezone.now()
    with transaction.atomic():
        dispute = Dispute.objects.select_for_update(of=("self",), no_key=True).get(pk=dispute_id)
        is_on_its_way = dispute.answered_at is not None and dispute.answered_at > now - ANSWER_TIME
        if dispute.outcome != DisputeOutcome.OPEN or is_on_its_way:
            raise DisputeClosed
        dispute.answered_at, dispute.answered_by, dispute.answer = now, actor, answer[:500]
        dispute.save(update_fields=["answered_at", "answered_by", "answer"])
    return dispute


def _upload(dispute: Dispute) -> str:
    """Hand our records over, and keep what was handed over; the name of the file at Paystack."""
    filename = client.paystack().upload_evidence(
        dispute.paystack_id, content=evidence.as_pdf(dispute), content_type="application/pdf"
    )
    Dispute.objects.filter(pk=dispute.pk).update(evidence=dispute.evidence, evidence_id=dispute.evidence_id)
    return filename


def _not_evidenced(dispute: Dispute, error: PaystackError) -> AnswerNotTaken:
    """Evidence twice does no harm, so nothing has to be found out before somebody answers again."""
    _withdraw(dispute)
    return AnswerNotTaken(error.message or error.code)


def _answer(dispute: Dispute, *, resolution: str, message: str, refund_amount: int, filename: str) -> Dispute:
    try:
        fact = client.paystack().resolve_dispute(
            dispute.paystack_id,
            resolution=resolution,
            message=message,
            refund_amount=refund_amount,
            uploaded_filename=filename,
            evidence=dispute.evidence_id,
        )
    except PaystackError as error:
        return _not_confirmed(dispute, error)
    log.info("Dispute answered", dispute=dispute.paystack_id, resolution=resolution)
    return apply(fact)


def _not_confirmed(dispute: Dispute, error: PaystackError) -> Dispute:
    """The answer was refused, or its fate is unknown: read Paystack's record before anything else."""
    if not error.is_unknown:
        _withdraw(dispute)
        raise AnswerNotTaken(error.message or error.code) from error
    Dispute.objects.filter(pk=dispute.pk).update(next_look_at=timezone.now() + SOON)
    try:
        seen = look(dispute.paystack_id)
    except PaystackError:
        seen = dispute
    if seen.outcome == DisputeOutcome.OPEN and seen.status == DisputeStatus.AWAITING_MERCHANT:
        raise AnswerNotTaken(error.message or error.code) from error
    return seen


def _withdraw(dispute: Dispute) -> None:
    """The answer was not taken, so somebody has to answer still."""
    Dispute.objects.filter(pk=dispute.pk).update(answered_at=None, answered_by=None, answer="")


def _alarm(dispute: Dispute, now: dt.datetime) -> None:
    if is_due(dispute, now):
        log.error("Dispute is due", dispute=dispute.paystack_id, due_at=str(dispute.due_at))


def _compare(dispute: Dispute, fact: DisputeFact) -> None:
    """A dispute that has ended here must not end otherwise there."""
    outcome = dispute_outcomes.OUTCOMES.get(fact.resolution) if fact.status in ENDED else None
    if outcome != dispute.outcome:
        log.error(
            "Dispute stands otherwise at Paystack", dispute=dispute.paystack_id, status=fact.status[:30]
        )
