"""Token buckets in Redis, so that all processes share one; without Redis each process keeps its own."""

from __future__ import annotations

import threading
import time

from redis.exceptions import RedisError

from namaskah.lib import shared_memory

# Redis's own clock, so that processes on several machines agree. Returns milliseconds to wait, 0 when granted; a refusal
# takes nothing.
_TAKE = """
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]), tonumber(kept[2])
if not tokens or not at then tokens, at = burst, now end
tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000)
local wait = 0
if tokens >= wanted then tokens = tokens - wanted else wait = math.ceil((wanted - tokens) * 1000 / rate) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / rate) + 1000)
return wait
"""
_MIN_RATE = 0.001

_local: dict[str, tuple[float, float]] = {}
_local_lock = threading.Lock()


def take(area: str, name: str, *, rate_per_s: float, burst: float, tokens: float = 1) -> float:
    """Take tokens if they are there.

    Args:
        area: Whose buckets these are, e.g. `provider`.
        rate_per_s: Tokens that flow in per second.
        burst: Most tokens the bucket holds; a larger `tokens` takes a full bucket.

    Returns:
        0 when granted, otherwise the seconds after which to ask again (nothing was taken).
    """
    rate, burst = max(rate_per_s, _MIN_RATE), max(burst, 1.0)
    tokens = min(tokens, burst)
    bucket = shared_memory.key(area, "bucket", name)
    try:
        wait_ms = shared_memory.run_script(_TAKE, keys=[bucket], args=[rate, burst, tokens])
        return int(wait_ms) / 1000
    except RedisError as error:
        shared_memory.report_away("rate limit", error)
        return _take_locally(bucket, rate, burst, tokens)


def wait_for(area: str, name: str, *, rate_per_s: float, burst: float, max_wait_s: float) -> bool:
    """Take a token, sleeping for it up to `max_wait_s`; False when that would not be long enough."""
    give_up_at = time.monotonic() + max_wait_s
    while (wait_s := take(area, name, rate_per_s=rate_per_s, burst=burst)) > 0:
        if time.monotonic() + wait_s > give_up_at:
            return False
        time.sleep(wait_s)
    return True


def _take_locally(bucket: str, rate: float, burst: float, tokens: float) -> float:
    with _local_lock:
        now = time.monotonic()  # under the lock: an older time than the bucket's would take tokens away
        kept, at = _local.get(bucket, (burst, now))
        kept = min(burst, kept + (now - at) * rate)
        wait_s = 0.0 if kept >= tokens else (tokens - kept) / rate
        _local[bucket] = (kept if wait_s else kept - tokens, now)
    return wait_s
