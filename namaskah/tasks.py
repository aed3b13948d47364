"""The signs of life of worker and beat, for `/ready`.

Both write the time to Redis every few seconds, so they are back one period after Redis was emptied. Beat writes its own when it
sends the task, the worker when it runs it: a dead worker does not make beat look dead.
"""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task
from celery.signals import beat_init, before_task_publish
from django.core.cache import cache

HEARTBEAT = "namaskah.heartbeat"
KEYS = {"worker": "heartbeat:worker", "beat": "heartbeat:beat"}


def beat_heart(name: str) -> None:
    """Write down that `name` (worker or beat) is alive now."""
    cache.set(KEYS[name], time.time(), timeout=None)


@shared_task(name=HEARTBEAT)
def heartbeat() -> None:
    """Sent by beat alone; that it runs shows a worker that takes work."""
    beat_heart("worker")


@beat_init.connect
def _follow_beat(**_: Any) -> None:
    """In the beat process, each heartbeat sent is one of its own."""
    before_task_publish.connect(_on_publish, sender=HEARTBEAT)


def _on_publish(**_: Any) -> None:
    beat_heart("beat")
