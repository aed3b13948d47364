"""Sends a refund to Paystack at most once, finds out what became of it, and follows it to its end.

A refund carries no reference of ours at Paystack, so sending one twice pays twice. `sent` is committed before the call; an
answer that is lost is never asked for by sending again, but looked for in the list of refunds, by the transaction, the amount
and our token in `merchant_note`. When it does not turn up within `REFUND_MATCH_S`, a person decides.

Source: docs/providers/paystack.md; docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.enums import RefundStatus
from billing.exceptions import RefundDecided
from billing.models import Deposit, Refund
from billing.paystack import client
from billing.paystack.base import RefundFact
from billing.paystack.errors import BadKey, NotReached, PaystackError, RefundNotCovered, Refused, Throttled
from billing.services import refund_outcomes, shares

log = structlog.get_logger(__name__)
LEASE = dt.timedelta(
    minutes=5
)  # longer than any look; a worker that dies leaves the refund to the next sweep
AGAIN = dt.timedelta(minutes=1)
NOT_COVERED_AGAIN = dt.timedelta(hours=1)
SLACK = dt.timedelta(hours=1)  # between Paystack's clock and ours
SWEPT = 50
UNSENT = (RefundStatus.REQUESTED, RefundStatus.HELD)
A_PERSON_DECIDES = "Sent, and not in Paystack's list of refunds: a person decides."


def send(refund_id: uuid.UUID) -> Refund:
    """Send a refund that is due, once. Any other is left as it is.

    Raises:
        UnknownRefund: No refund has this id.
    """
    refund = _claim(refund_id)
    if refund is None:
        return Refund.objects.get(pk=refund_id)
    try:
        fact = client.paystack().refund(
            transaction=refund.deposit.reference,
            amount=refund.amount_subunits,
            currency=refund.charge_currency,
            merchant_note=refund.token,
        )
    except PaystackError as error:
        return _not_confirmed(refund_id, error)
    with transaction.atomic():
        return refund_outcomes.apply(refund_id, fact)


def look(refund_id: uuid.UUID) -> None:
    """Ask Paystack about one refund that was sent, and write what it says.

    Raises:
        PaystackError: It cannot be asked now.
    """
    refund = Refund.objects.select_related("deposit").get(pk=refund_id)
    if not refund.is_open or refund.status in UNSENT:
        return
    fact = client.paystack().fetch_refund(refund.paystack_id) if refund.paystack_id else _find(refund)
    with transaction.atomic():
        if fact is None:
            _not_found(refund_id)
        else:
            refund_outcomes.apply(refund_id, fact)


def sweep() -> int:
    """Send what is due and look at what is under way. Safe to run twice and at once.

    Returns:
        How many refunds this run took care of.
    """
    done = 0
    for refund in Refund.objects.filter(next_look_at__lte=timezone.now()).order_by("next_look_at")[:SWEPT]:
        if not _lease(refund):
            continue
        try:
            if refund.status == RefundStatus.HELD:
                send(refund.pk)
            else:
                look(refund.pk)
        except PaystackError as error:
            log.warning("Refund not looked at", refund=str(refund.pk), error=error.code)
            continue
        except Exception:  # one that cannot be handled must not keep the others waiting
            log.exception("Refund not handled", refund=str(refund.pk))
            continue
        done += 1
    return done


def declare_unsent(*, refund_id: uuid.UUID, actor: User, reason: str) -> Refund:
    """A person has made sure that Paystack has no such refund: the money returns to the wallet.

    Raises:
        RefundDecided: It is not one whose fate is unknown, or not for long enough.
        UnknownRefund: No refund has this id.
    """
    with transaction.atomic():
        deposit, refund = refund_outcomes.lock(refund_id)
        if not is_lost(refund):
            raise RefundDecided
        refund.decided_by = actor
        log.info("Refund declared unsent", refund=str(refund.pk), actor=actor.pk)
        return refund_outcomes.give_back(
            deposit,
            refund,
            RefundStatus.FAILED,
            note=f"Declared unsent: {reason}",
            why=refund_outcomes.NOT_TAKEN,
        )


def is_lost(refund: Refund) -> bool:
    """Whether a refund was sent so long ago without a trace that a person has to decide."""
    deadline = timezone.now() - dt.timedelta(seconds=settings.REFUND_MATCH_S)
    is_unknown = refund.status == RefundStatus.SENT and refund.paystack_id is None
    return is_unknown and refund.sent_at is not None and refund.sent_at <= deadline


def _claim(refund_id: uuid.UUID) -> Refund | None:
    """Commit that the refund is being sent; None when it is not due, or is due no more because of a dispute."""
    with transaction.atomic():
        deposit, refund = refund_outcomes.lock(refund_id)
        if refund.status != RefundStatus.HELD:
            return None
        if shares.live_disputes(deposit).exists():
            refund_outcomes.give_back(
                deposit, refund, RefundStatus.REFUSED, note="Disputed", why=refund_outcomes.DISPUTED
            )
            return None
        refund.status, refund.sent_at, refund.looks = RefundStatus.SENT, timezone.now(), 0
        refund.next_look_at = timezone.now() + AGAIN
        refund.save(update_fields=["status", "sent_at", "looks", "next_look_at"])
    return refund


def _not_confirmed(refund_id: uuid.UUID, error: PaystackError) -> Refund:
    """Write an error of the call: not made, not made yet, or nobody knows."""
    with transaction.atomic():
        deposit, refund = refund_outcomes.lock(refund_id)
        if refund.status != RefundStatus.SENT or refund.paystack_id is not None:
            return refund  # a look was faster, and knows
        log.warning("Refund not confirmed", refund=str(refund.pk), error=error.code)
        if isinstance(error, RefundNotCovered):
            return _hold_back(refund, NOT_COVERED_AGAIN, "Our balance at Paystack does not cover it.")
        if isinstance(error, NotReached | Throttled | BadKey):
            return _hold_back(refund, AGAIN, f"Not sent: {error.code}")
        if isinstance(error, Refused):
            note = f"Paystack refused: {error.code} {error.message}"
            return refund_outcomes.give_back(
                deposit, refund, RefundStatus.FAILED, note=note, why=refund_outcomes.NOT_TAKEN
            )
    return refund


def _hold_back(refund: Refund, pause: dt.timedelta, note: str) -> Refund:
    """Nothing has happened at Paystack, so the refund may be sent again."""
    refund.status, refund.sent_at, refund.note = RefundStatus.HELD, None, note
    refund.next_look_at = timezone.now() + pause
    refund.save(update_fields=["status", "sent_at", "note", "next_look_at"])
    return refund


def _find(refund: Refund) -> RefundFact | None:
    """Our refund in Paystack's list: of this transaction and amount, with our token."""
    deposit = refund.deposit
    listed = client.paystack().refunds(since=_since(deposit), until=timezone.now() + SLACK)
    return next((fact for fact in listed if _is_same(fact, refund, deposit)), None)


def _is_same(fact: RefundFact, refund: Refund, deposit: Deposit) -> bool:
    is_of_deposit = fact.transaction_id == deposit.paystack_id or (
        fact.transaction_id is None and fact.transaction_reference == deposit.reference
    )
    return is_of_deposit and fact.amount == refund.amount_subunits and refund.token in fact.merchant_note


def _since(deposit: Deposit) -> dt.datetime:
    return (deposit.paid_at or deposit.created_at) - SLACK


def _not_found(refund_id: uuid.UUID) -> None:
    """Not in the list: look again, and after long enough say that a person decides. Never send it again."""
    _, refund = refund_outcomes.lock(refund_id)
    if refund.status != RefundStatus.SENT or refund.paystack_id is not None:
        return
    if is_lost(refund) and refund.note != A_PERSON_DECIDES:
        log.error("Refund is nowhere to be found", refund=str(refund.pk))
        refund.note = A_PERSON_DECIDES
    refund.looks += 1
    refund.next_look_at = refund_outcomes.next_look(refund.looks)
    refund.save(update_fields=["note", "looks", "next_look_at"])


def _lease(refund: Refund) -> bool:
    """Take a due refund for this run, if no other run has."""
    due = Refund.objects.filter(pk=refund.pk, next_look_at=refund.next_look_at)
    return due.update(next_look_at=timezone.now() + LEASE) == 1
