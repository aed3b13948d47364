"""The hub: everybody who listens to this process, and the tasks that read for them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

from accounts.streams import announcements, reads
from accounts.streams.listener import Listener

log = structlog.get_logger(__name__)

COALESCE_S = 0.01  # announcements this close together share one read
LOOK_EVERY_S = (
    1.0  # every cursor is compared with the table this often, so a lost announcement costs a second
)
RECHECK_EVERY_S = 30.0  # ended sessions and closed accounts nobody announced are noticed within this time
STALLED_S = 30.0
MAX_PER_USER = 10
EVICTED = b"retry: 60000\n\n"  # without it eleven tabs would push each other out every two seconds


class Hub:
    """Delivers each user's events to their listeners, in order.

    Only `_deliver` moves cursors, so there is no lock. Its tasks run while anybody listens.
    """

    def __init__(self) -> None:
        self._listeners: defaultdict[int, list[Listener]] = defaultdict(list)
        self._announced: set[int] = set()
        self._wake = asyncio.Event()
        self._doubted: set[int] = set()
        self._doubt = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        return sum(len(listeners) for listeners in self._listeners.values())

    def __iter__(self) -> Iterator[Listener]:
        return (listener for listeners in list(self._listeners.values()) for listener in list(listeners))

    def join(self, admission: reads.Admission) -> Listener:
        """Follow an admitted user from their cursor on; beyond `MAX_PER_USER` their oldest stream ends."""
        listener = Listener(
            user_id=admission.user_id,
            session_key=admission.session_key,
            auth_hash=admission.auth_hash,
            cursor=admission.cursor,
        )
        listener.on_ready = lambda: self.announce(listener.user_id)
        own = self._listeners[listener.user_id]
        own.append(listener)
        for surplus in own[:-MAX_PER_USER]:
            self._end(surplus, EVICTED)
        if not self._tasks:
            self._start()
        self.announce(listener.user_id)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener; with the last one the tasks end."""
        own = self._listeners.get(listener.user_id, [])
        if listener in own:
            own.remove(listener)
        if not own:
            self._listeners.pop(listener.user_id, None)
        if not self._listeners:
            self._stop()

    def close(self) -> None:
        """End every stream; the browsers come back to whichever process answers then."""
        for listener in list(self):
            self._end(listener)

    def announce(self, user_id: int) -> None:
        """Read this user's log soon, if anybody here listens to it."""
        if user_id in self._listeners:
            self._announced.add(user_id)
            self._wake.set()

    def doubt(self, user_id: int) -> None:
        """Look at this user's sessions soon, if anybody here listens to them."""
        if user_id in self._listeners:
            self._doubted.add(user_id)
            self._doubt.set()

    def _announce_all(self) -> None:
        for user_id in self._listeners:
            self.announce(user_id)
            self.doubt(user_id)

    def _end(self, listener: Listener, farewell: bytes = b"") -> None:
        listener.close(farewell)
        self.leave(listener)

    def _start(self) -> None:
        jobs: list[Coroutine[Any, Any, None]] = [
            announcements.follow(self.announce, self.doubt, self._announce_all),
            self._deliver(),
            self._recheck(),
        ]
        self._tasks = [asyncio.create_task(job) for job in jobs]

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    async def _deliver(self) -> None:
        """Read what is new for the announced, and each second for all."""
        clock = asyncio.get_running_loop().time
        looked_at = read_at = 0.0
        while True:
            try:
                async with asyncio.timeout(max(looked_at + LOOK_EVERY_S - clock(), 0.001)):
                    await self._wake.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(max(read_at + COALESCE_S - clock(), 0))
            read_at = clock()
            if read_at - looked_at >= LOOK_EVERY_S:
                self._announced.update(self._listeners)
                looked_at = read_at
            self._wake.clear()
            announced, self._announced = self._announced, set()
            try:
                await self._read(announced)
            except (DatabaseError, PoolTimeout) as error:
                log.warning("Streams could not read events", error=error.__class__.__name__)
            except Exception:
                log.exception("Streams could not read events")

    async def _read(self, user_ids: set[int]) -> None:
        """One query for all these users; listeners that stand at the same place share its rows."""
        waiting: defaultdict[tuple[int, int], list[Listener]] = defaultdict(list)
        for user_id in user_ids:
            for listener in self._listeners.get(user_id, ()):
                if listener.is_ready:
                    waiting[user_id, listener.cursor].append(listener)
        if not waiting:
            return
        news = await reads.in_thread(reads.followers, reads.news, list(waiting))
        counts: Counter[tuple[int, int]] = Counter()
        for item in news:
            place = item.user_id, item.cursor
            counts[place] += 1
            for listener in waiting[place]:
                listener.put(item.frame, item.sequence)
                listener.is_behind = counts[place] == reads.BATCH

    async def _recheck(self) -> None:
        """End the streams of ended sessions, of users who may not sign in any more, and of readers who stopped reading.

        Those of the doubted at once, and now and then all.
        """
        clock = asyncio.get_running_loop().time
        looked_at = clock()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(looked_at + RECHECK_EVERY_S):
                    await self._doubt.wait()
            await asyncio.sleep(COALESCE_S)
            self._doubt.clear()
            doubted, self._doubted = self._doubted, set()
            if clock() - looked_at >= RECHECK_EVERY_S:
                doubted.update(self._listeners)
                looked_at = clock()
            try:
                await self._end_over(doubted)
            except (DatabaseError, PoolTimeout) as error:
                log.warning("Streams could not check sessions", error=error.__class__.__name__)
            except Exception:
                log.exception("Streams could not check sessions")

    async def _end_over(self, user_ids: set[int]) -> None:
        """Ask in one query which sessions of these users live."""
        asked = [each for user_id in user_ids for each in self._listeners.get(user_id, ())]
        if not asked:
            return
        sessions = [(each.session_key, each.user_id, each.auth_hash) for each in asked]
        living = await reads.in_thread(reads.followers, reads.living_sessions, sessions)
        for listener in asked:
            if (listener.session_key, listener.user_id) not in living:
                self._end(listener)
            elif listener.is_stalled(STALLED_S):
                listener.abort()
                self.leave(listener)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """The hub of the running event loop: a web process has one loop, so one hub."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
