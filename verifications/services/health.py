"""A circuit breaker per provider and a short memory of empty offers, both in Redis. Without Redis every provider counts as well.

Closed: all calls pass. After `BREAKER_FAILURES` failures in a row within `BREAKER_WINDOW_S` it opens for `BREAKER_OPEN_S`.
Then it is half open: one caller at a time may try, a success closes it, a failure opens it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from verifications.services import shared_memory
from verifications.services.shared_memory import key

log = structlog.get_logger(__name__)

# The mark of an opened breaker outlives the opening by far, so that a provider nobody tried meanwhile is probed first.
_TROUBLE_S = 24 * 3600
# A probe that never reported back (its process died) makes room for the next one after this.
_PROBE_S = 20

# KEYS: failures, open, trouble. ARGV: limit, window, open seconds, reason, trouble seconds. Returns 1 when it opened now.
_FAIL = """
local failures = redis.call('INCR', KEYS[1])
if failures == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if failures < tonumber(ARGV[1]) and redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3])
redis.call('SET', KEYS[3], ARGV[4], 'EX', ARGV[5])
redis.call('DEL', KEYS[1], KEYS[4])
return 1
"""


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def record_success(slug: str) -> None:
    """A call came back well: forget failures and close the breaker, unless it was tripped on purpose and still runs."""
    try:
        client = shared_memory.client()
        # Nearly every call of a day ends here: one round trip, and a write only after trouble.
        failures, opened, trouble = client.mget(_failures(slug), _open(slug), _trouble(slug))
        if opened is None and (failures is not None or trouble is not None):
            client.delete(_failures(slug), _trouble(slug), _probe(slug))
            if trouble is not None:
                log.info("Provider breaker closed", provider=slug)
    except RedisError as error:
        shared_memory.report_away("breaker", error)


def record_failure(slug: str, error: str) -> None:
    """A call was not answered or not made. A refusal in good order (no stock, wrong price) is no failure."""
    try:
        opened = shared_memory.run_script(
            _FAIL,
            keys=[_failures(slug), _open(slug), _trouble(slug), _probe(slug)],
            args=[
                settings.BREAKER_FAILURES,
                settings.BREAKER_WINDOW_S,
                settings.BREAKER_OPEN_S,
                error,
                _TROUBLE_S,
            ],
        )
    except RedisError as problem:
        shared_memory.report_away("breaker", problem)
        return
    if opened:
        log.warning("Provider breaker opened", provider=slug, reason=error, seconds=settings.BREAKER_OPEN_S)


def trip(slug: str, seconds: float, reason: str) -> None:
    """Open the breaker at once, for faults that time or staff must mend: a refused key, a blocked account."""
    whole_seconds = max(1, round(seconds))
    try:
        with shared_memory.client().pipeline(transaction=True) as pipe:
            pipe.set(_open(slug), reason, ex=whole_seconds)
            pipe.set(_trouble(slug), reason, ex=whole_seconds + _TROUBLE_S)
            pipe.delete(_failures(slug), _probe(slug))
            pipe.execute()
    except RedisError as error:
        shared_memory.report_away("breaker", error)
    log.warning("Provider breaker tripped", provider=slug, reason=reason, seconds=whole_seconds)


def allows(slug: str) -> bool:
    """Whether to call the provider now. Half open, the caller that gets True is the probe: it must report how it went."""
    try:
        current = state(slug)
        if current != State.HALF_OPEN:
            return current == State.CLOSED
        return bool(shared_memory.client().set(_probe(slug), 1, nx=True, ex=_PROBE_S))
    except RedisError as error:
        shared_memory.report_away("breaker", error)
        return True


def state(slug: str) -> State:
    """The state of one breaker."""
    return states([slug])[slug]


def states(slugs: Iterable[str]) -> dict[str, State]:
    """The states of several breakers, in one round trip."""
    names = list(dict.fromkeys(slugs))
    if not names:
        return {}
    try:
        values = shared_memory.client().mget(
            [part for slug in names for part in (_open(slug), _trouble(slug))]
        )
    except RedisError as error:
        shared_memory.report_away("breaker", error)
        return dict.fromkeys(names, State.CLOSED)
    return {slug: _state_of(values[2 * at], values[2 * at + 1]) for at, slug in enumerate(names)}


def _state_of(opened: object, trouble: object) -> State:
    if opened is not None:
        return State.OPEN
    return State.CLOSED if trouble is None else State.HALF_OPEN


def mark_no_stock(offer_id: int, seconds: float) -> None:
    """Remember that an offer had no number, so that the next orders try another one first."""
    try:
        shared_memory.client().set(key("no_stock", offer_id), 1, px=max(1, round(seconds * 1000)))
    except RedisError as error:
        shared_memory.report_away("empty offers", error)


def without_stock(offer_ids: Iterable[int]) -> set[int]:
    """Those of the offers that were empty a moment ago."""
    ids = list(offer_ids)
    if not ids:
        return set()
    try:
        values = shared_memory.client().mget([key("no_stock", offer_id) for offer_id in ids])
    except RedisError as error:
        shared_memory.report_away("empty offers", error)
        return set()
    return {offer_id for offer_id, value in zip(ids, values, strict=True) if value is not None}


def _failures(slug: str) -> str:
    return key("failures", slug)


def _open(slug: str) -> str:
    return key("open", slug)


def _trouble(slug: str) -> str:
    return key("trouble", slug)


def _probe(slug: str) -> str:
    return key("probe", slug)
