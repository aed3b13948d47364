"""Handing work to a worker. The queue only makes it happen sooner: a sweep stands behind every task, so a lost one is late."""

from __future__ import annotations

from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from namaskah.lib import redis_pause

log = structlog.get_logger(__name__)


def enqueue(task: str, *args: Any) -> None:
    """Queue a task by its name once the open transaction has committed, or at once when there is none.

    By name, because tasks import the services that queue them. Arguments are ids.
    """
    transaction.on_commit(lambda: _send(task, args))


def _send(task: str, args: tuple[Any, ...]) -> None:
    if not redis_pause.answers(
        settings.REDIS_URL
    ):  # a broker that hangs would keep the customer for ten seconds
        log.warning("Broker away; a sweep will do it", task=task)
        return
    try:
        current_app.send_task(task, args=args)
    except OperationalError:
        log.warning("Broker away; a sweep will do it", task=task)
