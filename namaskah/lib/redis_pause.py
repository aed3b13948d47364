"""Leaving a Redis alone that does not answer.

A Redis that is dead refuses at once; one that hangs costs a time-out each time it is asked, and a page asks it several times.
After a failure nobody in this process asks that Redis again for a few seconds. Then one caller tries, while the others still
go on without it. Cache, announcements, breakers and rate limits share the pause of the Redis they share.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Self, TypeVar

import structlog
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

log = structlog.get_logger(__name__)

T = TypeVar("T")

PAUSE_S = 3.0
TIMEOUT_S = 0.5  # for connecting, and for each answer
REPORT_EVERY_S = 30.0


class Pause:
    """Whether one Redis is left alone now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = threading.local()
        self._until = 0.0
        self._reported_at = 0.0

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Itself: redis-py copies the retry of a pool for each connection, and all connections share one pause."""
        return self

    @contextmanager
    def around(self) -> Iterator[None]:
        """Ask Redis within this block.

        Raises:
            RedisError: It did not answer a moment ago.
        """
        if getattr(self._here, "is_asking", False):  # connecting is a part of asking
            yield
            return
        if not self._may_ask():
            raise RedisConnectionError("Redis did not answer a moment ago")
        self._here.is_asking = True
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            self._begin(error)
            raise
        except ResponseError:  # a refusal is an answer
            self._end()
            raise
        else:
            self._end()
        finally:
            self._here.is_asking = False

    def _may_ask(self) -> bool:
        if not self._until:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._until:
                return False
            if self._until:
                self._until = now + PAUSE_S  # this caller tries; the others wait for what it finds
            return True

    def _begin(self, error: Exception) -> None:
        with self._lock:
            now = time.monotonic()
            self._until = now + PAUSE_S
            if self._reported_at and now - self._reported_at < REPORT_EVERY_S:
                return
            self._reported_at = now
        log.warning("Redis does not answer; going on without it", reason=type(error).__name__)

    def _end(self) -> None:
        if self._until:
            with self._lock:
                self._until = 0.0


class OnceMore(Retry):
    """One more try when a connection turns out to be closed, as pooled ones are after a restart; none after a time-out."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        self._pause = pause

    def call_with_retry(
        self,
        do: Callable[[], T],
        fail: Callable[[Exception], Any] | Callable[[Exception, int], Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> T:
        """Do it, unless Redis is left alone now."""
        with self._pause.around():
            return super().call_with_retry(do, fail, is_retryable, with_failure_count)


class PausingPool(ConnectionPool):
    """Connections to a Redis that is left alone for a while after it failed."""

    def __init__(self, **options: Any) -> None:
        address = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        super().__init__(**{**options, "retry": OnceMore(pause_of(str(address)))})


@cache
def pause_of(address: str) -> Pause:
    """The pause of the Redis at this address."""
    return Pause()


@cache
def client(url: str) -> Redis:
    """One client with its pool for each URL; short time-outs, because a customer waits behind it."""
    return Redis(
        connection_pool=PausingPool.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)
    )


def answers(url: str) -> bool:
    """Whether this Redis is there now; tells at once or within one time-out."""
    try:
        client(url).ping()
    except (RedisError, OSError):
        return False
    return True
