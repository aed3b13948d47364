"""Hearing on Redis whose log has grown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from accounts.services.events import CHANNEL, ENDED

log = structlog.get_logger(__name__)

PING_EVERY_S = 5.0
SILENCE_S = 12.0  # a connection that answers no ping for this long is dead, whatever the kernel thinks
RECONNECT_S = (0.1, 0.5, 1.0, 2.0)


async def follow(
    on_user: Callable[[int], None], on_ended: Callable[[int], None], on_gap: Callable[[], None]
) -> None:
    """Call `on_user` or `on_ended` for each announcement, for ever.

    After each (re)connection comes `on_gap`, since some may have been missed.
    """
    failures = 0
    while True:
        client: Redis = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=None)
        pubsub = client.pubsub()
        try:
            await pubsub.subscribe(CHANNEL)
            if failures:
                log.info("Announcements heard again", attempts=failures)
            failures = 0
            on_gap()
            await _hear(pubsub, on_user, on_ended)
        except (RedisError, OSError, TimeoutError) as error:
            failures += 1
            if failures == 1:
                log.warning("Announcements lost; streams look once a second", error=error.__class__.__name__)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]
                await client.aclose()
        await asyncio.sleep(RECONNECT_S[min(failures, len(RECONNECT_S)) - 1])


async def _hear(pubsub: PubSub, on_user: Callable[[int], None], on_ended: Callable[[int], None]) -> None:
    """Read until the connection fails or falls silent."""
    clock = asyncio.get_running_loop().time
    heard_at = pinged_at = clock()
    while True:
        message = await pubsub.get_message(timeout=PING_EVERY_S)
        now = clock()
        if message is not None:
            heard_at = now
            if message["type"] == "message":
                _pass_on(message["data"], on_user, on_ended)
        if now - heard_at > SILENCE_S:
            raise TimeoutError("Redis is silent")
        if now - pinged_at >= PING_EVERY_S:
            await pubsub.ping()
            pinged_at = now


def _pass_on(message: bytes, on_user: Callable[[int], None], on_ended: Callable[[int], None]) -> None:
    user_id = message.removeprefix(ENDED.encode())
    if user_id.isdigit():
        (on_user if user_id == message else on_ended)(int(user_id))
