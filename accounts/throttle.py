"""Counting tries at the forms that anybody may fill in.

django-ratelimit counts in Redis, for all processes together. When Redis is away the counting goes on in this process alone:
closing the door would lock every customer out with Redis, opening it would make stopping Redis worth an attacker's while.
"""

from __future__ import annotations

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest
from django_ratelimit import core

log = structlog.get_logger(__name__)

_own_counts = LocMemCache("throttle", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


def seconds_to_wait(request: HttpRequest, *, group: str, rate: str, email: str = "") -> int:
    """Count one try, by address and if given by e-mail; 0 when it may go on, else how long until the next.

    Args:
        group: What is tried; each has counters of its own.
        rate: As django-ratelimit writes it, `20/m`.
        email: Whose account is tried, in any spelling of case; or the id of what is tried.
    """
    values = {"address": request.META.get("REMOTE_ADDR") or "unknown"}
    if email:
        values["email"] = email.strip().lower()
    waits = [_count(request, f"{group}.{kind}", rate, value) for kind, value in values.items()]
    if any(waits):
        log.warning("Too many tries", group=group)
    return max(waits)


def _count(request: HttpRequest, group: str, rate: str, value: str) -> int:
    key = "ip" if group.endswith(".address") and value != "unknown" else lambda *_: value
    usage = core.get_usage(request, group=group, key=key, rate=rate, increment=True)
    if usage is None:
        return 0
    if usage["time_left"] < 0 and usage["limit"] == 0:
        return _count_here(group, rate, value)
    return max(usage["time_left"], 1) if usage["should_limit"] else 0


def _count_here(group: str, rate: str, value: str) -> int:
    limit, period_s = core._split_rate(rate)
    key = f"{group}:{value}"
    if _own_counts.add(key, 1, period_s):
        return 0
    try:
        count = _own_counts.incr(key)
    except ValueError:  # it expired in between
        return 0
    return period_s if count > limit else 0
