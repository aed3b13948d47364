"""What is written about one attempt: begun, bought, refused, in doubt. Everything here runs under the verification's lock."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from namaskah.lib import rows
from verifications import locks
from verifications.enums import Closing, Failure, Outcome, Status, Step
from verifications.models import Attempt, Offer, Verification
from verifications.providers.base import Bought, UpstreamState
from verifications.providers.errors import NoStock, PriceTooHigh, ProviderError
from verifications.services import pricing, routing, transitions

_COST_UNIT = Decimal("0.000001")
_BOUGHT_FIELDS = (
    "outcome", "provider_order_id", "phone_number", "operator", "cost", "expires_at", "cancel_not_before", "can_resend",
    "watch_until", "finished_at", "settled_at", "latency_ms", "closing", "closing_due_at",
)  # fmt: skip


def begin(verification: Verification, offer: Offer, *, number: int, ceiling: Decimal) -> Attempt:
    """Record the intention to buy from an offer at no more than `ceiling` (wallet currency); the call follows the commit."""
    attempt = Attempt(
        verification=verification,
        provider=offer.provider,
        number=number,
        service_code=offer.service_code,
        country_code=offer.country_code,
        operator=offer.operator,
        offer_id=offer.pk,
        offer_cost=offer.cost,
        max_cost=(ceiling / offer.provider.rate).quantize(_COST_UNIT, rounding=ROUND_FLOOR),
        price=verification.price,
    )
    rows.insert(attempt)
    return attempt


def begin_next(verification: Verification) -> Attempt | None:
    """Record the best untried route within the price, or fail to find one."""
    tried = set(verification.attempts.values_list("offer_id", flat=True))
    if len(tried) >= settings.MAX_ROUTES_PER_ORDER:
        return None
    ceiling = pricing.max_cost_for(verification.price, verification.service_id, verification.country_id)
    offers = routing.routes(
        service=verification.service,
        country=verification.country,
        operator=verification.operator,
        max_cost=ceiling,
    )
    untried = [offer for offer in offers if offer.pk not in tried]
    if not untried:
        return None
    attempt = begin(verification, untried[0], number=len(tried) + 1, ceiling=ceiling)
    transitions.note_all(verification, [attempted(attempt)])
    return attempt


def attempted(attempt: Attempt) -> tuple[Step, dict[str, Any]]:
    """The history's step for an attempt that has just been recorded."""
    return Step.ATTEMPTED, {"attempt": str(attempt.pk), "provider": attempt.provider.slug}


@transaction.atomic
def record_bought(
    which: Attempt | uuid.UUID,
    bought: Bought,
    *,
    latency_ms: int | None = None,
    adopted: bool = False,
    ended: UpstreamState | None = None,
) -> Verification:
    """A number is ours: give it to its order, or close it at the provider when the order has ended meanwhile.

    Args:
        adopted: Found in the provider's books after its answer was lost.
        ended: How the provider has ended its order already, so that the number is of no use any more.
    """
    verification, attempt = locks.attempt(which)
    if attempt.outcome == Outcome.BOUGHT:
        return verification
    now = timezone.now()
    wanted = verification.status == Status.ORDERING and ended is None
    attempt.outcome = Outcome.BOUGHT
    attempt.provider_order_id = bought.provider_order_id
    attempt.phone_number = bought.phone_number
    attempt.operator = bought.operator or attempt.operator
    attempt.cost = bought.cost * attempt.provider.rate if bought.cost is not None else None
    attempt.expires_at = bought.expires_at
    attempt.cancel_not_before = bought.cancel_not_before
    attempt.can_resend = bought.can_resend
    attempt.watch_until = bought.expires_at + dt.timedelta(seconds=settings.LATE_SMS_WINDOW_S)
    attempt.finished_at = attempt.finished_at or now
    attempt.settled_at = now if adopted else None
    if latency_ms is not None:
        attempt.latency_ms = latency_ms
    if ended == UpstreamState.FINISHED:
        # It charged us for an SMS that nobody has read: closing reads it, so that its cost is in the books.
        attempt.closing, attempt.closing_due_at = Closing.FINISH_DUE, now
    elif ended is not None:
        attempt.closing = Closing.CLOSED
    elif not wanted:
        attempt.closing, attempt.closing_due_at = Closing.CANCEL_DUE, max(now, bought.cancel_not_before)
    rows.update(attempt, _BOUGHT_FIELDS)
    if not wanted:
        transitions.note(verification, Step.ADOPTED, attempt=str(attempt.pk), closing=attempt.closing)
        if verification.status == Status.ORDERING:
            fail(verification, Failure.NOT_CONFIRMED)
        return verification
    transitions.apply(
        verification,
        Status.WAITING,
        step=Step.ADOPTED if adopted else Step.BOUGHT,
        attempt=str(attempt.pk),
        changes={
            "attempt": attempt,
            "phone_number": bought.phone_number,
            "expires_at": bought.expires_at,
            "cancellable_at": bought.cancel_not_before,
        },
    )
    return verification


@transaction.atomic
def record_doubt(
    which: Attempt | uuid.UUID, error: ProviderError, *, latency_ms: int | None = None
) -> Verification:
    """We do not know whether a number was bought: never retry, leave the order to `settlement`."""
    verification, attempt = locks.attempt(which)
    if attempt.outcome == Outcome.CALLING:
        _decide(attempt, Outcome.DOUBTFUL, error, latency_ms)
        transitions.note(verification, Step.DOUBTFUL, attempt=str(attempt.pk), reason=error.code)
    return verification


@transaction.atomic
def record_refusal(
    which: Attempt | uuid.UUID, error: ProviderError, *, latency_ms: int | None = None, try_next: bool = True
) -> tuple[Verification, Attempt | None]:
    """The provider certainly sold nothing: record why and return the next attempt, or fail the order."""
    verification, attempt = locks.attempt(which)
    if attempt.outcome != Outcome.CALLING:
        return verification, None
    _decide(attempt, Outcome.REFUSED, error, latency_ms)
    if verification.status != Status.ORDERING:
        return verification, None
    transitions.note(verification, Step.REFUSED, attempt=str(attempt.pk), reason=error.code)
    following = begin_next(verification) if try_next else None
    if following is None:
        fail(verification, _failure_of(verification))
    return verification, following


def fail(verification: Verification, failure: Failure) -> None:
    """End a locked order without a number; the hold goes back."""
    transitions.apply(
        verification, Status.FAILED, step=Step.FAILED, changes={"failure_code": failure}, reason=str(failure)
    )


def _decide(attempt: Attempt, outcome: Outcome, error: ProviderError, latency_ms: int | None) -> None:
    attempt.outcome = outcome
    attempt.error_code = error.code
    attempt.error_detail = str(error)[:200]
    attempt.finished_at = timezone.now()
    attempt.latency_ms = latency_ms
    attempt.save(update_fields=["outcome", "error_code", "error_detail", "finished_at", "latency_ms"])


def _failure_of(verification: Verification) -> Failure:
    """The reason a customer should read, from why each provider refused."""
    reasons = set(verification.attempts.values_list("error_code", flat=True)) - {""}
    if reasons & {NoStock.code} or not reasons:
        return Failure.NO_NUMBERS
    if reasons == {PriceTooHigh.code}:
        return Failure.PRICE_CHANGED
    return Failure.PROVIDER_UNAVAILABLE
