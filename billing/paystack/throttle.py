"""How fast Paystack is called, and when not at all: one rate limit and one breaker for all processes, in Redis.

Paystack publishes no rates, so these are our own: a bucket for all calls, narrower ones for verify and refunds, half of it
for five minutes after a refusal for haste. The breaker opens after ten failures in half a minute and tries again after
half a minute; a refused key opens it for longer. Source: docs/providers/paystack.md, "Pace"
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from enum import StrEnum

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from billing.paystack.errors import (
    BadKey,
    ChargeTooSoon,
    NotReached,
    OutcomeUnknown,
    Paused,
    PaystackError,
    Throttled,
)
from namaskah.lib import shared_memory, token_bucket
from namaskah.lib.breaker import Breaker, State

log = structlog.get_logger(__name__)

SLOW_S = 300
LONGEST_QUIET_S = 3600.0  # a `Retry-After` beyond it is a fault of somebody's clock
BAD_KEY_S = 300.0
_FAILURES, _WINDOW_S, _OPEN_S = 10, 30, 30
_AREA = "paystack"

# When Redis is away, each process remembers for itself until when.
_own_until: dict[str, float] = {}


class Lane(StrEnum):
    """Calls that have a narrower bucket besides the common one."""

    ANY = "any"
    VERIFY = "verify"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Throttle:
    """The limits of one key at one address: a new key starts without the old one's troubles."""

    scope: str

    def enter(self, lane: Lane, *, max_wait_s: float) -> None:
        """Wait for the turn of one call.

        Raises:
            Paused: It does not come within `max_wait_s`, Paystack has asked for quiet, or the breaker is open.
        """
        give_up_at = time.monotonic() + max_wait_s
        slow, quiet = self._is_set("slow"), self._is_set("quiet")
        if quiet:
            raise Paused("Paystack has asked us to wait.")
        share = 0.5 if slow else 1.0
        for name, rate, burst in _buckets(lane):
            granted = token_bucket.wait_for(
                _AREA,
                f"{self.scope}:{name}",
                rate_per_s=rate * share,
                burst=burst,
                max_wait_s=max(0.0, give_up_at - time.monotonic()),
            )
            if not granted:
                raise Paused("Our own rate limit for Paystack is used up.")
        if not self._breaker().allows():
            raise Paused("The breaker for Paystack is open.")

    def note(self, error: PaystackError | None) -> None:
        """Learn from how a call ended; None is success. A refusal in good order is a sign of health."""
        match error:
            case BadKey():
                log.error("Paystack refuses our key or account", reason=error.message, status=error.status)
                self._breaker().trip(BAD_KEY_S, error.code)
            case OutcomeUnknown() | NotReached():
                if self._breaker().record_failure(error.code):
                    log.error("Paystack breaker opened", reason=error.message, seconds=_OPEN_S)
            case _:
                if isinstance(error, Throttled) and not isinstance(error, ChargeTooSoon):
                    self._slow_down(error)
                if self._breaker().record_success():
                    log.info("Paystack breaker closed")

    def is_open(self) -> bool:
        """Whether the breaker lets no call through at all."""
        return self._breaker().state() == State.OPEN

    def _slow_down(self, error: Throttled) -> None:
        quiet_s = min(error.retry_after_s or 0.0, LONGEST_QUIET_S)
        log.warning("Paystack asks for patience", retry_after_s=quiet_s, slower_for_s=SLOW_S)
        self._set("slow", SLOW_S)
        if quiet_s > 0:
            self._set("quiet", quiet_s)

    def _set(self, kind: str, seconds: float) -> None:
        key = shared_memory.key(_AREA, kind, self.scope)
        try:
            shared_memory.client().set(key, 1, px=max(1, round(seconds * 1000)))
        except RedisError as problem:
            shared_memory.report_away("patience", problem)
            _own_until[key] = time.monotonic() + seconds

    def _is_set(self, kind: str) -> bool:
        key = shared_memory.key(_AREA, kind, self.scope)
        if _own_until.get(key, 0.0) > time.monotonic():
            return True
        try:
            return bool(shared_memory.client().exists(key))
        except RedisError as problem:
            shared_memory.report_away("patience", problem)
            return False

    def _breaker(self) -> Breaker:
        return Breaker(
            area=_AREA,
            name=self.scope,
            max_failures=_FAILURES,
            window_s=_WINDOW_S,
            open_s=_OPEN_S,
            is_run=False,
        )


def throttle_of(base_url: str, key: str) -> Throttle:
    """The throttle all processes with this key share; its name does not tell the key."""
    return Throttle(hashlib.sha256(f"{base_url}\n{key}".encode()).hexdigest()[:16])


def _buckets(lane: Lane) -> list[tuple[str, float, float]]:
    """Name, rate and burst; the narrow one first, so that who waits there takes nothing from the others."""
    every = (Lane.ANY.value, settings.PAYSTACK_RATE_PER_S, float(settings.PAYSTACK_BURST))
    narrow = {Lane.VERIFY: settings.PAYSTACK_VERIFY_PER_S, Lane.REFUND: settings.PAYSTACK_REFUND_PER_S}
    if lane not in narrow:
        return [every]
    return [(lane.value, narrow[lane], float(math.ceil(narrow[lane]))), every]
