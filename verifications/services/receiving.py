"""The one way in for messages and upstream states, whoever fetched them: list poll, single check, cancel race, sweep."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from billing.enums import SystemCode, TransferCode
from billing.services import ledger
from namaskah.lib import money, rows
from verifications import locks
from verifications.codes import extract_code
from verifications.enums import Closing, Status, Step, Visibility
from verifications.models import Attempt, Message, Verification
from verifications.providers.base import ReceivedMessage, Snapshot, UpstreamState
from verifications.services import transitions

log = structlog.get_logger(__name__)

# Providers' clocks drift; an SMS older than the purchase by more than this belongs to the number's former tenant.
_STALE_TOLERANCE = dt.timedelta(seconds=60)
_SHOWN = (Visibility.SHOWN, Visibility.LATE)


@transaction.atomic
def apply_snapshot(attempt_id: uuid.UUID, snapshot: Snapshot) -> None:
    """Store what is new in a snapshot and move the order accordingly. Repeats and old snapshots change nothing."""
    verification, attempt = locks.attempt(attempt_id)
    if attempt.applied_at is not None and snapshot.taken_at < attempt.applied_at:
        return
    _follow_deadline(verification, attempt, snapshot)
    new = _store_new(verification, attempt, snapshot)
    if new:
        _receive(verification, attempt, new)
    if snapshot.state.is_terminal:
        _follow_end(verification, attempt, snapshot.state)


def visibility_of(verification: Verification, attempt: Attempt, message: ReceivedMessage) -> Visibility:
    """Who may see a message that arrives now."""
    if message.sent_at is not None and message.sent_at < attempt.started_at - _STALE_TOLERANCE:
        return Visibility.STALE
    if verification.attempt_id != attempt.pk or verification.status in {Status.CANCELLED, Status.FAILED}:
        return Visibility.STAFF
    if verification.status == Status.EXPIRED:
        return Visibility.LATE
    return Visibility.SHOWN


def _store_new(verification: Verification, attempt: Attempt, snapshot: Snapshot) -> list[Message]:
    known = _known(attempt) if snapshot.messages else {}
    new: dict[str, Message] = {}
    for message in snapshot.messages:
        if message.dedupe_key in known or message.dedupe_key in new:
            continue
        # An ended order may show its last SMS in another way, and so under another key.
        if snapshot.state.is_terminal and message.text in known.values():
            continue
        new[message.dedupe_key] = Message(
            verification=verification,
            attempt=attempt,
            dedupe_key=message.dedupe_key,
            sender=message.sender[:60],
            text=message.text,
            code=extract_code(message.text, message.code)[:40],
            visibility=visibility_of(verification, attempt, message),
            sent_at=message.sent_at,
        )
    for row in new.values():
        rows.insert(row)
    return list(new.values())


def _known(attempt: Attempt) -> dict[str, str]:
    """The text of each message stored, by its key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dedupe_key, text FROM verifications_message WHERE attempt_id = %s", [attempt.pk]
        )
        return dict(cursor.fetchall())


def _receive(verification: Verification, attempt: Attempt, new: list[Message]) -> None:
    steps = {Visibility.SHOWN: Step.MESSAGE, Visibility.LATE: Step.LATE_MESSAGE}
    transitions.note_all(
        verification,
        [
            (steps.get(Visibility(message.visibility), Step.HIDDEN_MESSAGE), {"message": str(message.pk)})
            for message in new
        ],
    )
    if any(message.visibility != Visibility.STALE for message in new):
        book_cost(attempt)
    shown = [message for message in new if message.visibility in _SHOWN]
    if not shown:
        return
    code = next((message.code for message in reversed(shown) if message.code), verification.code)
    if verification.status == Status.WAITING:
        transitions.apply(
            verification,
            Status.RECEIVED,
            step=Step.CODE_READY,
            # The message won against a cancel that was not confirmed yet.
            changes={"code": code, "cancel_requested_at": None} | _time_to_code(verification, attempt),
        )
        if attempt.closing == Closing.CANCEL_DUE:
            Attempt.objects.filter(pk=attempt.pk).update(closing=Closing.OPEN, closing_due_at=None)
        return
    verification.code = code
    verification.save(update_fields=["code"])
    transitions.announce(verification, late=verification.status == Status.EXPIRED)


def _time_to_code(verification: Verification, attempt: Attempt) -> dict[str, int]:
    """Milliseconds from the number to the first code, for the statistics; nothing for a further code."""
    if verification.received_at is not None:
        return {}
    assigned_at = attempt.settled_at or attempt.finished_at or attempt.started_at
    return {"first_code_ms": max(0, round((timezone.now() - assigned_at).total_seconds() * 1000))}


def book_cost(attempt: Attempt) -> None:
    """Post what the provider keeps for this order, once: it charges with the first SMS."""
    if attempt.is_cost_booked:
        return
    amount = money.quantize(attempt.cost if attempt.cost is not None else attempt.offer_cost)
    if amount > 0:
        cost, payable = ledger.system_accounts(SystemCode.PROVIDER_COST, SystemCode.PROVIDER_PAYABLE)
        ledger.post(
            debit=cost,
            credit=payable,
            amount=amount,
            code=TransferCode.PROVIDER_COST,
            key=f"cost:{attempt.pk}",
            reference=f"verification:{attempt.verification_id}",
            memo=f"provider {attempt.provider_id}",
        )
    attempt.is_cost_booked = True
    rows.update(attempt, ["is_cost_booked"])


def _follow_deadline(verification: Verification, attempt: Attempt, snapshot: Snapshot) -> None:
    """The provider's own deadline rules; it may move."""
    if snapshot.expires_at is None or snapshot.expires_at == attempt.expires_at:
        return
    attempt.expires_at = snapshot.expires_at
    attempt.watch_until = snapshot.expires_at + dt.timedelta(seconds=settings.LATE_SMS_WINDOW_S)
    attempt.save(update_fields=["expires_at", "watch_until"])
    if verification.attempt_id == attempt.pk and verification.is_open:
        verification.expires_at = snapshot.expires_at
        verification.save(update_fields=["expires_at"])


def _follow_end(verification: Verification, attempt: Attempt, state: UpstreamState) -> None:
    """The provider has ended the order: nothing is left to close there, and a waiting customer gets the money back."""
    if attempt.closing != Closing.CLOSED:
        attempt.closing = Closing.CLOSED
        attempt.closing_due_at = None
        attempt.save(update_fields=["closing", "closing_due_at"])
        transitions.note(verification, Step.UPSTREAM_CLOSED, upstream=str(state))
    if state == UpstreamState.FINISHED:
        book_cost(attempt)  # finished means charged, also for an SMS that is nobody's here
    if verification.attempt_id != attempt.pk:
        return
    if verification.status == Status.WAITING and verification.received_at is None:
        if state == UpstreamState.FINISHED:
            # It says it charged us for an SMS we have not seen: keep looking until the deadline, which returns the money.
            log.warning("Order finished upstream without a message", attempt=str(attempt.pk))
            return
        end_without_code(verification)
    elif verification.status in {Status.RECEIVED, Status.WAITING}:
        transitions.apply(verification, Status.COMPLETED, step=Step.COMPLETED, by="provider")


def end_without_code(verification: Verification) -> None:
    """End a locked, waiting order that never got a code: cancelled when the customer asked for it, expired otherwise."""
    if verification.cancel_requested_at is not None:
        transitions.apply(verification, Status.CANCELLED, step=Step.CANCELLED)
    else:
        transitions.apply(verification, Status.EXPIRED, step=Step.EXPIRED)


def watch_late(attempt: Attempt) -> None:
    """Keep looking for an SMS for a while after the order has ended here."""
    now = timezone.now()
    attempt.watch_until = now + dt.timedelta(seconds=settings.LATE_SMS_WINDOW_S)
    attempt.save(update_fields=["watch_until"])
