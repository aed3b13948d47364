"""Deciding purchases whose answer was lost, from the provider's own books.

An order there that no attempt claims is adopted by a doubtful attempt for the same service and country, but only when no
purchase that could own it is still under way. Source: docs/decisions/0001-the-spine.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from verifications import locks
from verifications.enums import Failure, Outcome, Status, Step
from verifications.models import Attempt, Provider, StrayOrder, Verification
from verifications.providers.base import Bought, Candidate
from verifications.providers.errors import ProviderError
from verifications.services import attempts, buying, rate_limit, transitions
from verifications.services.provider_accounts import adapter_for

log = structlog.get_logger(__name__)

_CALL_DEADLINE = dt.timedelta(seconds=settings.CALL_DEADLINE_S)
_CLOCK_SKEW = dt.timedelta(seconds=120)
_REMEMBER = dt.timedelta(
    minutes=30
)  # how long an attempt settled as not bought still claims a number that turns up
_ASK_AGAIN_S = 60
_FORGET = dt.timedelta(hours=24)


def mark_lost_calls() -> int:
    """A call that has lasted longer than any may is in doubt: its process died or its answer was lost."""
    lost = Attempt.objects.filter(outcome=Outcome.CALLING, started_at__lt=timezone.now() - _CALL_DEADLINE)
    count = 0
    for attempt_id in lost.values_list("pk", flat=True)[:500]:
        attempts.record_doubt(attempt_id, ProviderError("No outcome was recorded in time."))
        count += 1
    return count


def settle_all() -> None:
    """Settle every provider that has a purchase in doubt, then end orders that have waited long enough."""
    mark_lost_calls()
    for provider in _providers_to_ask():
        try:
            settle_provider(provider)
        except ProviderError as error:
            buying.note_health(provider, error)
            log.warning("Doubtful purchases not settled yet", provider=provider.slug, reason=error.code)
    give_up_waiting()


def _providers_to_ask() -> list[Provider]:
    """Sellers with a purchase in doubt, and once a minute those that lately settled one as not made: it may turn up yet."""
    now = timezone.now()
    doubtful = Q(attempts__outcome=Outcome.DOUBTFUL, attempts__started_at__gt=now - _FORGET)
    settled = Q(attempts__outcome=Outcome.NOT_BOUGHT, attempts__started_at__gt=now - _REMEMBER)
    asked_lately = not cache.add("settle-again", 1, timeout=_ASK_AGAIN_S)
    return list(Provider.objects.filter(doubtful if asked_lately else doubtful | settled).distinct())


def settle_provider(provider: Provider) -> None:
    """Match one provider's unclaimed orders to its doubtful attempts; raises what the list call raises."""
    doubtful = list(
        Attempt.objects.filter(
            provider=provider, outcome=Outcome.DOUBTFUL, started_at__gt=timezone.now() - _FORGET
        ).order_by("started_at")
    )
    owners = doubtful + _settled_as_not_bought(provider)
    if not owners:
        return
    rate_limit.wait_turn(provider, max_wait_s=5.0)
    looked_at = timezone.now()
    candidates = adapter_for(provider).find_lost(min(owner.started_at for owner in owners) - _CLOCK_SKEW)
    buying.note_health(provider, candidates)
    free, kept_back = _unclaimed(provider, candidates)
    for candidate in free:
        owner = _owner_of(candidate, owners)
        if owner is not None:
            owners.remove(owner)
            _adopt(provider, owner, candidate)
    for attempt in doubtful:
        is_old_enough = looked_at - attempt.started_at > _decision_age()
        if attempt in owners and is_old_enough and not _may_own_one_of(kept_back, attempt):
            _settle_if_still_doubtful(attempt.pk)


def give_up_waiting() -> None:
    """Return the money of orders whose purchase stays in doubt too long; the attempt itself is still settled later."""
    limit = timezone.now() - dt.timedelta(seconds=settings.SETTLE_GIVE_UP_S)
    stuck = Attempt.objects.filter(
        outcome=Outcome.DOUBTFUL, started_at__lt=limit, verification__status=Status.ORDERING
    ).values_list("verification_id", flat=True)
    for verification_id in list(stuck[:500]):
        with transaction.atomic():
            verification = locks.verification(verification_id)
            if verification.status == Status.ORDERING:
                attempts.fail(verification, Failure.NOT_CONFIRMED)


def _decision_age() -> dt.timedelta:
    """A list taken this long after the call began must show the order, had there been one."""
    return _CALL_DEADLINE * 2


def _settled_as_not_bought(provider: Provider) -> list[Attempt]:
    recent = timezone.now() - _REMEMBER
    return list(
        Attempt.objects.filter(provider=provider, outcome=Outcome.NOT_BOUGHT, started_at__gt=recent).order_by(
            "started_at"
        )
    )


def _unclaimed(
    provider: Provider, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], list[tuple[Candidate, dt.datetime]]]:
    """Orders, also ended ones, that belong to no attempt: those free to be adopted, and those that a purchase still under way
    may own, with the time each of these was first seen.

    Purchases under way are read before claimed ids, so one that commits in between shows up among the claimed.
    """
    calling = set(
        Attempt.objects.filter(provider=provider, outcome=Outcome.CALLING).values_list(
            "service_code", "country_code"
        )
    )
    ids = [candidate.provider_order_id for candidate in candidates]
    claimed = set(
        Attempt.objects.filter(provider=provider, provider_order_id__in=ids).values_list(
            "provider_order_id", flat=True
        )
    )
    unclaimed = [candidate for candidate in candidates if candidate.provider_order_id not in claimed]
    first_seen = _remember(provider, unclaimed)
    old_enough = timezone.now() - _CALL_DEADLINE - dt.timedelta(seconds=2)
    free: list[Candidate] = []
    kept_back: list[tuple[Candidate, dt.datetime]] = []
    for candidate in unclaimed:
        seen_at = first_seen[candidate.provider_order_id]
        if (candidate.service_code, candidate.country_code) not in calling or seen_at < old_enough:
            free.append(candidate)
        else:
            kept_back.append((candidate, seen_at))
    return free, kept_back


def _may_own_one_of(kept_back: Sequence[tuple[Candidate, dt.datetime]], attempt: Attempt) -> bool:
    """Whether a decision now would give up a number that turns out to be the attempt's when its turn comes.

    What is first seen long after the call was not its doing, so steady traffic cannot keep a doubt open for ever.
    """
    latest = attempt.started_at + _decision_age() * 2
    return any(seen_at < latest and _owner_of(candidate, [attempt]) for candidate, seen_at in kept_back)


def _remember(provider: Provider, unclaimed: Sequence[Candidate]) -> dict[str, dt.datetime]:
    """Note when each unclaimed order was first seen."""
    StrayOrder.objects.bulk_create(
        [
            StrayOrder(
                provider=provider,
                provider_order_id=candidate.provider_order_id,
                service_code=candidate.service_code,
                country_code=candidate.country_code,
                phone_number=candidate.phone_number,
            )
            for candidate in unclaimed
        ],
        ignore_conflicts=True,
    )
    ids = [candidate.provider_order_id for candidate in unclaimed]
    rows = StrayOrder.objects.filter(provider=provider, provider_order_id__in=ids)
    return dict(rows.values_list("provider_order_id", "first_seen_at"))


def _owner_of(candidate: Candidate, owners: Sequence[Attempt]) -> Attempt | None:
    """The oldest attempt this order may belong to."""
    for attempt in owners:
        in_time = candidate.created_at is None or candidate.created_at > attempt.started_at - _CLOCK_SKEW
        affordable = candidate.cost is None or candidate.cost <= attempt.max_cost
        if in_time and affordable and _names(candidate, attempt):
            return attempt
    return None


def _names(candidate: Candidate, attempt: Attempt) -> bool:
    """Whether the order is for what the attempt asked.

    Some histories name neither service nor country. Such an ended order of the very minutes of the call is taken for the
    attempt's: nobody gets its number any more, and the books agree with the seller's.
    """
    if candidate.service_code or candidate.country_code:
        return (candidate.service_code, candidate.country_code) == (
            attempt.service_code,
            attempt.country_code,
        )
    return (
        candidate.state.is_terminal
        and candidate.created_at is not None
        and candidate.created_at < attempt.started_at + _CALL_DEADLINE + _CLOCK_SKEW
    )


def _adopt(provider: Provider, attempt: Attempt, candidate: Candidate) -> None:
    now = timezone.now()
    bought = Bought(
        provider_order_id=candidate.provider_order_id,
        phone_number=candidate.phone_number,
        cost=candidate.cost,
        expires_at=candidate.expires_at or attempt.started_at + dt.timedelta(seconds=provider.lifetime_s),
        cancel_not_before=(candidate.created_at or now) + dt.timedelta(seconds=provider.cancel_lock_s),
        can_resend=True,
        operator=candidate.operator,
    )
    try:
        ended = candidate.state if candidate.state.is_terminal else None
        attempts.record_bought(attempt.pk, bought, adopted=True, ended=ended)
    except IntegrityError:
        log.info(
            "Stray order was claimed meanwhile", provider=provider.slug, order=candidate.provider_order_id
        )
        return
    wanted = Attempt.objects.filter(pk=attempt.pk, verification__attempt=attempt.pk).exists()
    StrayOrder.objects.filter(provider=provider, provider_order_id=candidate.provider_order_id).update(
        resolution="adopted" if wanted else "cancelled", resolved_at=now
    )
    log.info("Lost purchase found", attempt=str(attempt.pk), provider=provider.slug, adopted=wanted)


@transaction.atomic
def _settle_if_still_doubtful(attempt_id: uuid.UUID) -> None:
    verification, attempt = locks.attempt(attempt_id)
    if attempt.outcome == Outcome.DOUBTFUL:
        settle_as_not_bought(verification, attempt)


def settle_as_not_bought(verification: Verification, attempt: Attempt) -> None:
    """Decide a doubtful attempt under the verification's lock: nothing was sold, the money goes back."""
    attempt.outcome, attempt.settled_at = Outcome.NOT_BOUGHT, timezone.now()
    attempt.save(update_fields=["outcome", "settled_at"])
    transitions.note(verification, Step.NOT_BOUGHT, attempt=str(attempt.pk))
    if verification.status == Status.ORDERING:
        attempts.fail(verification, Failure.NOT_CONFIRMED)
