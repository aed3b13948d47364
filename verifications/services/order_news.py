"""Telling customers what became of their orders: an SMS that arrived, an order that ended without one.

A sweep reads it from the event log, so that an arriving code waits for none of it. What it has read is remembered in the
cache; each run reads a little again, and a notice's key names the event, so nothing is told twice. Who loses the cache is
told what is `_LOST_CACHE` old at most.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.enums import EventType
from accounts.services import notices
from accounts.services.notices import News
from namaskah.lib.money import format_money

_READ_UNTIL = "order_news:read_until"
_DAY_S = 86_400
# An event gets its id before its transaction commits: what became visible late is read by the next runs.
_AGAIN = dt.timedelta(seconds=30)
_LOST_CACHE = dt.timedelta(hours=1)
_BATCH = 1_000

# Ids of events begin with their time, so what is new is one end of the primary key. A customer's own cancel is no news to them;
# `late` is there when an SMS came to an order that had not waited for it.
NEWS = """
SELECT event.id, event.user_id, event.type, event.data ->> 'late' = 'true', ordered.id, service.name, ordered.price,
    ordered.currency
FROM accounts_event AS event
JOIN verifications_verification AS ordered ON ordered.id = (event.data ->> 'verification')::uuid
JOIN verifications_service AS service ON service.id = ordered.service_id
WHERE event.id > %(after)s AND (
    (event.type = ANY(%(ends)s) AND NOT event.data ? 'late')
    OR (event.type = 'verification.cancelled' AND ordered.cancel_requested_at IS NULL)
    OR (event.type = 'verification.expired' AND event.data ->> 'late' = 'true')
) AND NOT EXISTS (SELECT 1 FROM accounts_notice AS told WHERE told.key = 'order:' || event.id)
ORDER BY event.id
LIMIT %(limit)s
"""
_ENDS = [
    EventType.VERIFICATION_RECEIVED.value,
    EventType.VERIFICATION_EXPIRED.value,
    EventType.VERIFICATION_FAILED.value,
]


@dataclass(frozen=True, slots=True)
class _Fact:
    event_id: uuid.UUID
    user_id: int
    type: str
    is_late: bool | None
    order_id: uuid.UUID
    service: str
    price: Decimal
    currency: str


def sweep() -> int:
    """Tell what happened to orders since the last run. Safe to run twice and at once.

    Returns:
        How many facts were told by this run.
    """
    began = timezone.now()
    after = _first_id(cache.get(_READ_UNTIL, began - _LOST_CACHE) - _AGAIN)
    told = 0
    while facts := _facts(after):
        with transaction.atomic():
            told += notices.tell_all([_news(fact) for fact in facts])
        after = facts[-1].event_id
    cache.set(_READ_UNTIL, began, timeout=_DAY_S)
    return told


def _facts(after: uuid.UUID) -> list[_Fact]:
    values: dict[str, Any] = {"after": after, "ends": _ENDS, "limit": _BATCH}
    with connection.cursor() as cursor:
        cursor.execute(NEWS, values)
        return [_Fact(*row) for row in cursor.fetchall()]


def _first_id(at: dt.datetime) -> uuid.UUID:
    """The smallest id that something of this millisecond can have (`namaskah.lib.ids.uuid7`)."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _news(fact: _Fact) -> News:
    context = {"service": fact.service, "url": reverse("verifications:detail", args=[fact.order_id])}
    has_sms = fact.type == EventType.VERIFICATION_RECEIVED or bool(fact.is_late)
    if has_sms:
        context |= {"late": "yes"} if fact.is_late else {}
    else:
        context |= {
            "amount": format_money(fact.price, fact.currency),
            "outcome": fact.type.removeprefix("verification."),
        }
    template = "code_received" if has_sms else "order_ended"
    return News(fact.user_id, template, context, f"order:{fact.event_id}")
