"""The Redis behind breakers and rate limits: small keys that may vanish at any time, asked several times per order.

It has its own client instead of the cache's: an order must not wait for a Redis that is away, and redis-py's defaults retry
a refused connection for more than four seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from namaskah.lib.redis_pause import PausingPool

log = structlog.get_logger(__name__)

_CONNECT_TIMEOUT_S = 0.25
_ANSWER_TIMEOUT_S = 0.5
# After a failure nobody asks again for this long, so that a hanging Redis costs one time-out per second and process.
_PAUSE_S = 1.0
_REPORT_EVERY_S = 30.0

_lock = threading.Lock()
_away_until = 0.0
_reported_at = 0.0


@cache
def _connected(url: str) -> Redis:
    return Redis(
        connection_pool=PausingPool.from_url(
            url, socket_connect_timeout=_CONNECT_TIMEOUT_S, socket_timeout=_ANSWER_TIMEOUT_S
        )
    )


def client() -> Redis:
    """This process's client.

    Raises:
        RedisError: Redis failed a moment ago; it is not asked again yet.
    """
    if time.monotonic() < _away_until:
        raise RedisConnectionError("away a moment ago")
    return _connected(settings.REDIS_URL)


def run_script(source: str, *, keys: Sequence[str], args: Sequence[str | float]) -> Any:
    """Run a Lua script by its hash; it is sent again when Redis has forgotten it."""
    return _registered(source, settings.REDIS_URL)(keys=keys, args=args, client=client())


@cache
def _registered(source: str, url: str) -> Any:
    return _connected(url).register_script(source)


def key(area: str, kind: str, name: object) -> str:
    """The name of a key, e.g. `namaskah:provider:open:fivesim`."""
    return f"namaskah:{area}:{kind}:{name}"


def report_away(what: str, error: RedisError) -> None:
    """Leave Redis alone for a moment, and say so now and then."""
    global _away_until, _reported_at
    now = time.monotonic()
    with _lock:
        if now >= _away_until:
            _away_until = now + _PAUSE_S
        if _reported_at and now - _reported_at < _REPORT_EVERY_S:
            return
        _reported_at = now
    log.warning("Redis is away; going on without it", what=what, reason=type(error).__name__)
