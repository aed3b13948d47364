"""A circuit breaker per provider and a short memory of empty offers. Without Redis every provider counts as well."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from namaskah.lib import breaker, shared_memory
from namaskah.lib.breaker import Breaker

log = structlog.get_logger(__name__)

State = breaker.State

_AREA = "provider"


def record_success(slug: str) -> None:
    """A call came back well: forget failures and close the breaker, unless it was tripped on purpose and still runs."""
    if _breaker(slug).record_success():
        log.info("Provider breaker closed", provider=slug)


def record_failure(slug: str, error: str) -> None:
    """A call was not answered or not made. A refusal in good order (no stock, wrong price) is no failure."""
    if _breaker(slug).record_failure(error):
        log.warning("Provider breaker opened", provider=slug, reason=error, seconds=settings.BREAKER_OPEN_S)


def trip(slug: str, seconds: float, reason: str) -> None:
    """Open the breaker at once, for faults that time or staff must mend: a refused key, a blocked account."""
    whole_seconds = _breaker(slug).trip(seconds, reason)
    log.warning("Provider breaker tripped", provider=slug, reason=reason, seconds=whole_seconds)


def allows(slug: str) -> bool:
    """Whether to call the provider now. Half open, the caller that gets True is the probe: it must report how it went."""
    return _breaker(slug).allows()


def state(slug: str) -> State:
    """The state of one breaker."""
    return _breaker(slug).state()


def states(slugs: Iterable[str]) -> dict[str, State]:
    """The states of several breakers, in one round trip."""
    return breaker.states(_AREA, slugs)


def mark_no_stock(offer_id: int, seconds: float) -> None:
    """Remember that an offer had no number, so that the next orders try another one first."""
    try:
        shared_memory.client().set(_empty(offer_id), 1, px=max(1, round(seconds * 1000)))
    except RedisError as error:
        shared_memory.report_away("empty offers", error)


def without_stock(offer_ids: Iterable[int]) -> set[int]:
    """Those of the offers that were empty a moment ago."""
    ids = list(offer_ids)
    if not ids:
        return set()
    try:
        values = shared_memory.client().mget([_empty(offer_id) for offer_id in ids])
    except RedisError as error:
        shared_memory.report_away("empty offers", error)
        return set()
    return {offer_id for offer_id, value in zip(ids, values, strict=True) if value is not None}


def _breaker(slug: str) -> Breaker:
    return Breaker(
        area=_AREA,
        name=slug,
        max_failures=settings.BREAKER_FAILURES,
        window_s=settings.BREAKER_WINDOW_S,
        open_s=settings.BREAKER_OPEN_S,
    )


def _empty(offer_id: int) -> str:
    return shared_memory.key(_AREA, "no_stock", offer_id)
