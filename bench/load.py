"""Ways to put load on a server: as much as it takes (closed loop), as much as people bring (open loop), and a burst."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from bench.client import BadAnswer, Connection
from bench.results import percentile

# Makes one request on a connection, judges the answer, and says why it was not as it should be (empty when it was).
Shot = Callable[[Connection], Awaitable[str]]


@dataclass(slots=True)
class Load:
    """What came of it. Only shots that went well count in `latencies_s`."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def per_s(self) -> float:
        return len(self.latencies_s) / self.seconds if self.seconds else 0.0

    def ms(self, share: float) -> float:
        """A percentile in milliseconds."""
        return percentile(self.latencies_s, share) * 1000

    def note(self, fault: str, latency_s: float) -> None:
        if fault:
            self.faults[fault] = self.faults.get(fault, 0) + 1
        else:
            self.latencies_s.append(latency_s)

    def as_dict(self) -> dict[str, object]:
        """For the results file."""
        return {
            "done": len(self.latencies_s),
            "per_s": round(self.per_s, 1),
            "p50_ms": round(self.ms(0.5), 2),
            "p95_ms": round(self.ms(0.95), 2),
            "p99_ms": round(self.ms(0.99), 2),
            "max_ms": round(self.ms(1.0), 2),
            "faults": self.faults,
        }


async def closed_loop(port: int, shot: Shot, *, connections: int, seconds: float) -> Load:
    """Each connection sends its next request when the last answer is there."""
    load = Load()
    started = time.perf_counter()
    until = started + seconds

    async def run() -> None:
        async with Connection(port) as connection:
            while (sent_at := time.perf_counter()) < until:
                fault = await _guarded(shot, connection)
                load.note(fault, time.perf_counter() - sent_at)

    await asyncio.gather(*(run() for _ in range(connections)))
    load.seconds = time.perf_counter() - started
    return load


async def burst(port: int, shots: Iterable[tuple[str, Shot]], *, connections: int) -> dict[str, Load]:
    """Every shot once, as fast as the connections take them; what came of each kind, by its name."""
    loads: dict[str, Load] = {}
    left = iter(shots)
    started = time.perf_counter()

    async def run() -> None:
        async with Connection(port) as connection:
            for name, shot in left:
                sent_at = time.perf_counter()
                fault = await _guarded(shot, connection)
                loads.setdefault(name, Load()).note(fault, time.perf_counter() - sent_at)

    await asyncio.gather(*(run() for _ in range(connections)))
    for load in loads.values():
        load.seconds = time.perf_counter() - started
    return loads


async def open_loop(
    port: int, shot: Shot, *, rate_per_s: float, seconds: float, connections: int = 64
) -> Load:
    """Requests come at a fixed rate whatever the server does, and are timed from the moment they were due.

    A server that stalls is thus charged with everybody who would have waited meanwhile.
    """
    load = Load()
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    pool = [Connection(port) for _ in range(connections)]
    for connection in pool:
        free.put_nowait(connection)

    async def one(due_at: float) -> None:
        connection = await free.get()
        try:
            fault = await _guarded(shot, connection)
            load.note(fault, time.perf_counter() - due_at)
        finally:
            free.put_nowait(connection)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate_per_s * seconds)):
            due_at = started + number / rate_per_s
            await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
            group.create_task(one(due_at))
    load.seconds = time.perf_counter() - started
    for connection in pool:
        connection.close()
    return load


async def _guarded(shot: Shot, connection: Connection) -> str:
    try:
        return await shot(connection)
    except BadAnswer as error:
        return str(error)
