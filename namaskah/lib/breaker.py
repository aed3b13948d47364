"""Circuit breakers in Redis, shared by all processes. Without Redis every breaker counts as closed.

Closed: all calls pass. After `max_failures` within `window_s` it opens for `open_s`. Then it is half open: one caller at a
time may try, a success closes it, a failure opens it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from redis.exceptions import RedisError

from namaskah.lib import shared_memory

# The mark of an opened breaker outlives the opening by far, so that a vendor nobody tried meanwhile is probed first.
_TROUBLE_S = 24 * 3600
# A probe that never reported back (its process died) makes room for the next one after this.
_PROBE_S = 20

# KEYS: failures, open, trouble, probe. ARGV: limit, window, open seconds, reason, trouble seconds. Returns 1 when it opened now.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One breaker.

    Attributes:
        area: Whose breakers these are, e.g. `provider`.
        is_run: Only failures in a row count: a success in between starts the count again.
    """

    area: str
    name: str
    max_failures: int
    window_s: int
    open_s: int
    is_run: bool = True

    def record_success(self) -> bool:
        """A call came back well: close the breaker, unless it was tripped on purpose and still runs. Whether it closed now."""
        failures, opened, trouble, probe = (
            self._key(kind) for kind in ("failures", "open", "trouble", "probe")
        )
        try:
            client = shared_memory.client()
            # Nearly every call of a day ends here: one round trip, and a write only after trouble.
            failed, is_open, had_trouble = client.mget(failures, opened, trouble)
            if is_open is not None or (had_trouble is None and (failed is None or not self.is_run)):
                return False
            client.delete(failures, trouble, probe)
        except RedisError as error:
            shared_memory.report_away("breaker", error)
            return False
        return had_trouble is not None

    def record_failure(self, reason: str) -> bool:
        """A call was not answered or not made; whether that opened the breaker."""
        try:
            opened = shared_memory.run_script(
                _FAIL,
                keys=[self._key(kind) for kind in ("failures", "open", "trouble", "probe")],
                args=[self.max_failures, self.window_s, self.open_s, reason, _TROUBLE_S],
            )
        except RedisError as error:
            shared_memory.report_away("breaker", error)
            return False
        return bool(opened)

    def trip(self, seconds: float, reason: str) -> int:
        """Open the breaker at once, for faults that time or staff must mend; for how many seconds."""
        whole_seconds = max(1, round(seconds))
        try:
            with shared_memory.client().pipeline(transaction=True) as pipe:
                pipe.set(self._key("open"), reason, ex=whole_seconds)
                pipe.set(self._key("trouble"), reason, ex=whole_seconds + _TROUBLE_S)
                pipe.delete(self._key("failures"), self._key("probe"))
                pipe.execute()
        except RedisError as error:
            shared_memory.report_away("breaker", error)
        return whole_seconds

    def allows(self) -> bool:
        """Whether to call now. Half open, the caller that gets True is the probe: it must report how it went."""
        try:
            current = self.state()
            if current != State.HALF_OPEN:
                return current == State.CLOSED
            return bool(shared_memory.client().set(self._key("probe"), 1, nx=True, ex=_PROBE_S))
        except RedisError as error:
            shared_memory.report_away("breaker", error)
            return True

    def state(self) -> State:
        """The state now."""
        return states(self.area, [self.name])[self.name]

    def _key(self, kind: str) -> str:
        return shared_memory.key(self.area, kind, self.name)


def states(area: str, names: Iterable[str]) -> dict[str, State]:
    """The states of several breakers, in one round trip."""
    unique = list(dict.fromkeys(names))
    if not unique:
        return {}
    keys = [shared_memory.key(area, kind, name) for name in unique for kind in ("open", "trouble")]
    try:
        values = shared_memory.client().mget(keys)
    except RedisError as error:
        shared_memory.report_away("breaker", error)
        return dict.fromkeys(unique, State.CLOSED)
    return {name: _state_of(values[2 * at], values[2 * at + 1]) for at, name in enumerate(unique)}


def _state_of(opened: object, trouble: object) -> State:
    if opened is not None:
        return State.OPEN
    return State.CLOSED if trouble is None else State.HALF_OPEN
