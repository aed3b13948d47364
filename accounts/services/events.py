"""The event log: recording what a customer may be told, and announcing that there is something to read.

Source: docs/decisions/0001-the-spine.md
"""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb
from redis.exceptions import RedisError

from accounts.enums import EventType
from accounts.models import Event
from namaskah.lib import redis_pause
from namaskah.lib.ids import uuid7

log = structlog.get_logger(__name__)

CHANNEL = "events"
ENDED = "ended:"  # before a user's number: sessions of theirs have ended; processes that do not know it pass it over
LOCK_SPACE = 0x4E53  # first half of the advisory lock's key, ours alone; the second half is the user
# One statement, because it stands in every state change. The number is drawn while the user's lock is held and the lock goes
# with the commit, so among one user's events a higher sequence is never visible before a lower one. Executing the CTE comes
# before projecting its row, which is where `nextval` is.
INSERT = """
WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(space)s, (%(user)s::bigint %% 2147483647)::int))
INSERT INTO accounts_event (id, sequence, user_id, type, subject, data, created_at)
SELECT %(id)s, nextval('accounts_event_sequence'), %(user)s, %(type)s, %(subject)s, %(data)s, %(created_at)s FROM lock
RETURNING sequence
"""


def record(*, user_id: int, type: EventType, subject: str, data: dict[str, Any]) -> Event:
    """Write one event; call it last in the transaction that changes the state, for one user per transaction.

    Args:
        user_id: Who is told.
        type: What happened.
        subject: What it happened to, as `verification:<uuid>`.
        data: JSON-ready; the same on every way out.

    Raises:
        TransactionManagementError: No transaction is open, so the event could outlive a failed change.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "An event is recorded in the transaction of the change it tells."
        )
    event = Event(
        id=uuid7(), user_id=user_id, type=type, subject=subject, data=data, created_at=timezone.now()
    )
    values: dict[str, Any] = {
        "space": LOCK_SPACE,
        "user": user_id,
        "id": event.id,
        "type": str(event.type),
        "subject": subject,
        "data": Jsonb(data),
        "created_at": event.created_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        (event.sequence,) = cursor.fetchone()
    event._state.adding = False
    event._state.db = connection.alias
    transaction.on_commit(partial(announce, user_id))
    return event


def announce(user_id: int) -> None:
    """Tell every web process that this user has news. A lost announcement costs a second, so failure is only logged."""
    _publish(user_id, str(user_id))


def announce_end(user_id: int) -> None:
    """Tell every web process that sessions of this user have ended; streams that miss it end at the next look at sessions."""
    _publish(user_id, f"{ENDED}{user_id}")


def _publish(user_id: int, message: str) -> None:
    try:
        redis_pause.client(settings.REDIS_URL).publish(CHANNEL, message)
    except (RedisError, OSError) as error:
        log.warning("Event not announced", user_id=user_id, error=error.__class__.__name__)
