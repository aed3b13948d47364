"""Waiting on many providers' answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import connection

log = structlog.get_logger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


def gather(
    act: Callable[[Item], Result], items: Sequence[Item], *, limit: int | None = None
) -> Iterable[Result | None]:
    """Run `act` on each item in up to `settings.POLL_CONCURRENCY` threads; one item's fault is logged and yields None.

    With a concurrency of one everything runs in the calling thread.

    Args:
        limit: Fewer threads than that, where each needs a database connection for long.
    """

    def guarded(item: Item) -> Result | None:
        try:
            return act(item)
        except Exception:
            log.exception("One of many calls broke", work=act.__name__, item=_name(item))
            return None

    def in_thread(item: Item) -> Result | None:
        try:
            return guarded(item)
        finally:
            connection.close()

    workers = min(settings.POLL_CONCURRENCY, limit or len(items), len(items))
    if workers <= 1:
        return [guarded(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(in_thread, items))


def _name(item: object) -> str:
    """What to call an item in the log: ids only, since an item may carry what a message says."""
    return str(item[0] if isinstance(item, tuple) else getattr(item, "attempt_id", item))
