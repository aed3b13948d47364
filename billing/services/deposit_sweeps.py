"""Looking at deposits without any webhook: each that is due, once, a few at a time.

Source: docs/providers/paystack.md, reconciliation
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import connections
from django.db.models import Q
from django.utils import timezone

from billing.models import Deposit
from billing.paystack import client
from billing.services import settling

log = structlog.get_logger(__name__)

BATCH = 30  # two questions a second for the time between two runs
AT_ONCE = 4  # an answer takes longer than half a second now and then
Look = Callable[[uuid.UUID], object]


def due(now: dt.datetime, *, limit: int = BATCH) -> list[uuid.UUID]:
    """Deposits whose look is due and that nobody is looking at, the longest waiting first."""
    free = Q(looking_until__isnull=True) | Q(looking_until__lt=now)
    waiting = Deposit.objects.filter(free, next_look_at__lte=now).order_by("next_look_at")
    return list(waiting.values_list("pk", flat=True)[:limit])


def sweep(*, at_once: int = AT_ONCE) -> int:
    """Look at what is due. Safe to run twice and at once: each look is claimed by one.

    The client keeps within Paystack's rate; what it lets wait is put off by a minute.

    Returns:
        How many deposits this run has looked at or found looked at.
    """
    if not client.is_available():
        return 0  # looks stay due, and none is lost
    found = due(timezone.now())
    if at_once == 1 or len(found) < 2:
        return sum(_look(deposit_id) for deposit_id in found)
    with ThreadPoolExecutor(at_once, thread_name_prefix="deposits") as pool:
        return sum(pool.map(_look_in_thread, found))


def _look_in_thread(deposit_id: uuid.UUID) -> bool:
    try:
        return _look(deposit_id)
    finally:
        connections.close_all()


def _look(deposit_id: uuid.UUID) -> bool:
    try:
        settling.settle(deposit_id)
    except Exception:  # one deposit must not keep the others waiting
        log.exception("Deposit not settled", deposit=str(deposit_id))
        return False
    return True
