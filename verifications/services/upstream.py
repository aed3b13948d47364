"""Telling providers that an order is over: cancels and finishes, written as due first and carried out by whoever claims them."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from verifications import locks
from verifications.enums import Closing, Status, Step
from verifications.models import Attempt
from verifications.providers.base import Closed, OrderRef, SmsProvider, Snapshot, UpstreamState
from verifications.providers.errors import (
    Conflict,
    NotSupported,
    OrderNotFound,
    ProviderError,
    TooEarly,
    TooLate,
)
from verifications.services import buying, health, rate_limit, receiving, transitions
from verifications.services.concurrently import gather
from verifications.services.provider_accounts import adapter_for

log = structlog.get_logger(__name__)

_DUE = (Closing.CANCEL_DUE, Closing.FINISH_DUE)
_LEASE = dt.timedelta(seconds=30)  # longer than one call and one fetch may last
_MAX_TRIES = 25
_BATCH = 400


def order_ref(attempt: Attempt) -> OrderRef:
    """The attempt's order as its provider knows it."""
    return OrderRef(attempt.provider_order_id, attempt.sms_round, attempt.phone_number)


def close_due() -> int:
    """Carry out every cancel and finish that is due; returns how many were tried."""
    due = list(
        Attempt.objects.filter(closing__in=_DUE, closing_due_at__lte=timezone.now())
        .order_by("closing_due_at")
        .values_list("pk", flat=True)[:_BATCH]
    )
    gather(close, due)
    return len(due)


def close(attempt_id: uuid.UUID) -> None:
    """Cancel or finish one order at its provider if that is due and nobody else is at it."""
    if not _claim(attempt_id):
        return
    attempt = Attempt.objects.select_related("provider").get(pk=attempt_id)
    if not health.allows(attempt.provider.slug):
        # The lease is the back-off. Nothing was tried, so a long outage does not bring an order nearer to being abandoned.
        Attempt.objects.filter(pk=attempt_id).update(closing_tries=F("closing_tries") - 1)
        return
    try:
        adapter = adapter_for(attempt.provider)
        result = _ask(adapter, attempt)
    except ProviderError as error:
        buying.note_health(attempt.provider, error)
        _record_error(attempt, error)
        return
    buying.note_health(attempt.provider, result)
    if isinstance(result, Snapshot):
        _record_snapshot(attempt, result)
    else:
        _record_closed(attempt.pk, result)


def _ask(adapter: SmsProvider, attempt: Attempt) -> Closed | Snapshot:
    """Cancel or finish; look first after an earlier doubt or when no SMS was read, and after a refusal look what there is."""
    provider = attempt.provider
    rate_limit.wait_turn(provider, max_wait_s=5.0)
    ref = order_ref(attempt)
    unread = attempt.closing == Closing.FINISH_DUE and not attempt.is_cost_booked
    if unread or attempt.closing_tries > 2:
        seen = adapter.fetch(ref)
        if seen.state.is_terminal or (seen.messages and attempt.closing == Closing.CANCEL_DUE):
            return seen
    try:
        return adapter.cancel(ref) if attempt.closing == Closing.CANCEL_DUE else adapter.finish(ref)
    except (TooLate, Conflict):
        return adapter.fetch(ref)


def _claim(attempt_id: uuid.UUID) -> bool:
    now = timezone.now()
    claimed = Attempt.objects.filter(pk=attempt_id, closing__in=_DUE, closing_due_at__lte=now).update(
        closing_due_at=now + _LEASE, closing_tries=F("closing_tries") + 1
    )
    return claimed == 1


@transaction.atomic
def _record_closed(attempt_id: uuid.UUID, closed: Closed) -> None:
    verification, attempt = locks.attempt(attempt_id)
    if attempt.closing not in _DUE:
        return
    was_cancel = attempt.closing == Closing.CANCEL_DUE
    attempt.closing, attempt.closing_due_at = Closing.CLOSED, None
    attempt.save(update_fields=["closing", "closing_due_at"])
    transitions.note(verification, Step.UPSTREAM_CLOSED, upstream=str(closed.state), refunded=closed.refunded)
    waits = verification.attempt_id == attempt.pk and verification.status == Status.WAITING
    if was_cancel and waits and verification.received_at is None:
        receiving.end_without_code(verification)


def _record_snapshot(attempt: Attempt, snapshot: Snapshot) -> None:
    """The order could not be closed because something happened there first: take that in."""
    receiving.apply_snapshot(attempt.pk, snapshot)
    with transaction.atomic():
        _verification, locked = locks.attempt(attempt.pk)
        if locked.closing == Closing.FINISH_DUE and snapshot.state != UpstreamState.WAITING:
            locked.closing, locked.closing_due_at = Closing.CLOSED, None
            locked.save(update_fields=["closing", "closing_due_at"])
        elif locked.closing == Closing.CANCEL_DUE and snapshot.messages:
            # What has an SMS is charged and can only be finished, and some dialects show it as received for ever.
            locked.closing, locked.closing_due_at = Closing.FINISH_DUE, timezone.now()
            locked.save(update_fields=["closing", "closing_due_at"])
        elif locked.closing in _DUE:
            _postpone(locked)


@transaction.atomic
def _record_error(attempt: Attempt, error: ProviderError) -> None:
    _verification, locked = locks.attempt(attempt.pk)
    if locked.closing not in _DUE:
        return
    gone = isinstance(error, NotSupported) or (
        isinstance(error, OrderNotFound) and locked.closing == Closing.FINISH_DUE
    )
    if gone:
        locked.closing, locked.closing_due_at = Closing.CLOSED, None
        locked.save(update_fields=["closing", "closing_due_at"])
        return
    not_before = error.not_before if isinstance(error, TooEarly) else None
    log.info("Order not closed yet", attempt=str(attempt.pk), reason=error.code, tries=locked.closing_tries)
    _postpone(locked, not_before)


def _postpone(attempt: Attempt, not_before: dt.datetime | None = None) -> None:
    """Back off, and after many tries leave it to staff: the order's own deadline has long returned the customer's money."""
    now = timezone.now()
    if attempt.closing_tries >= _MAX_TRIES:
        attempt.closing = Closing.ABANDONED
        log.error("Order could not be closed upstream", attempt=str(attempt.pk))
    delay = dt.timedelta(seconds=min(3 * 2 ** min(attempt.closing_tries, 6), 120))
    attempt.closing_due_at = max(now + dt.timedelta(seconds=1), not_before) if not_before else now + delay
    attempt.save(update_fields=["closing", "closing_due_at"])
