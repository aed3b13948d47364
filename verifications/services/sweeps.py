"""Bringing every order to its end by its own deadline, whatever was lost on the way."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from verifications import locks
from verifications.enums import Closing, Failure, Outcome, Status, Step
from verifications.models import Attempt, Verification
from verifications.providers.errors import ProviderError
from verifications.services import attempts, buying, health, ordering, rate_limit, receiving, transitions
from verifications.services.concurrently import gather
from verifications.services.provider_accounts import adapter_for
from verifications.services.upstream import order_ref

log = structlog.get_logger(__name__)

_UNPLACED_AFTER = dt.timedelta(seconds=8)
_BATCH = 500
_LAST_LOOK_WAIT_S = 2.0


def sweep_orders() -> None:
    """Place orders nobody is placing and end those past their deadline."""
    place_forgotten()
    end_overdue()


def place_forgotten() -> None:
    """Orders without a purchase under way: their worker died or the broker lost the task."""
    now = timezone.now()
    forgotten = (
        Verification.objects.filter(status=Status.ORDERING, created_at__lt=now - _UNPLACED_AFTER)
        .exclude(attempts__outcome__in=[Outcome.CALLING, Outcome.DOUBTFUL])
        .values_list("pk", "created_at")
    )
    patience = dt.timedelta(seconds=settings.SETTLE_GIVE_UP_S)
    rows = list(forgotten[:_BATCH])
    gather(ordering.place, [pk for pk, created_at in rows if now - created_at < patience])
    for verification_id in [pk for pk, created_at in rows if now - created_at >= patience]:
        _fail_unplaced(verification_id)


def end_overdue() -> int:
    """End orders past the provider's deadline: take a last look there, then return the money or complete."""
    limit = timezone.now() - dt.timedelta(seconds=settings.EXPIRY_GRACE_S)
    overdue = list(
        Verification.objects.filter(status__in=[Status.WAITING, Status.RECEIVED], expires_at__lt=limit)
        .order_by("expires_at")
        .values_list("pk", flat=True)[:_BATCH]
    )
    gather(end_order, overdue)
    return len(overdue)


def end_order(verification_id: uuid.UUID) -> None:
    """End one overdue order. A provider that cannot be reached does not keep the customer's money waiting."""
    verification = Verification.objects.get(pk=verification_id)
    if verification.received_at is None:
        _last_look(locks.bought_attempt(verification))
    _end(verification_id)


def _last_look(attempt: Attempt) -> None:
    provider = attempt.provider
    if not health.allows(provider.slug):
        return
    try:
        rate_limit.wait_turn(provider, max_wait_s=_LAST_LOOK_WAIT_S)
        snapshot = adapter_for(provider).fetch(order_ref(attempt))
    except ProviderError as error:
        buying.note_health(provider, error)
        log.info("Last look failed", attempt=str(attempt.pk), reason=error.code)
        return
    buying.note_health(provider, snapshot)
    receiving.apply_snapshot(attempt.pk, snapshot)


@transaction.atomic
def _end(verification_id: uuid.UUID) -> None:
    verification = locks.verification(verification_id)
    limit = timezone.now() - dt.timedelta(seconds=settings.EXPIRY_GRACE_S)
    overdue = verification.expires_at is not None and verification.expires_at < limit
    if verification.status not in {Status.WAITING, Status.RECEIVED} or not overdue:
        return
    attempt = locks.bought_attempt(verification)
    if verification.received_at is not None:
        transitions.apply(verification, Status.COMPLETED, step=Step.COMPLETED, by="deadline")
        due = Closing.FINISH_DUE
    else:
        receiving.end_without_code(verification)
        receiving.watch_late(attempt)
        due = Closing.CANCEL_DUE
    # Said to the provider as well: a cancel or finish is kinder to our standing there than a time-out.
    Attempt.objects.filter(pk=attempt.pk, closing=Closing.OPEN).update(
        closing=due, closing_due_at=timezone.now()
    )


@transaction.atomic
def _fail_unplaced(verification_id: uuid.UUID) -> None:
    verification = locks.verification(verification_id)
    undecided = verification.attempts.filter(outcome__in=[Outcome.CALLING, Outcome.DOUBTFUL]).exists()
    if verification.status == Status.ORDERING and not undecided:
        attempts.fail(verification, Failure.PROVIDER_UNAVAILABLE)
