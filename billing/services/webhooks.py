"""Paystack's webhooks: believed by their signature, kept in an inbox, answered at once, worked on afterwards.

What an event says is a hint to look, never a fact: Paystack itself is asked before anything moves. A lost event is no
problem either, since sweeps look without one. Source: docs/providers/paystack.md, webhooks
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from billing.enums import WebhookState
from billing.models import WebhookEvent
from billing.paystack.errors import PaystackError
from billing.services import webhook_events
from billing.services.webhook_events import Outcome, storable
from namaskah.lib.queueing import enqueue

log = structlog.get_logger(__name__)

_LEASE = dt.timedelta(seconds=90)  # longer than one look at Paystack and its retries last
_MAX_TRIES = 20
_LONGEST_WAIT_S = 3600
_BATCH = 100

# A delivery of the same bytes is the same row; it wakes one that had been given up.
_KEEP = """
INSERT INTO billing_webhookevent (body_sha256, event, semantic_key, body, state, source_address, is_known_address, deliveries,
    tries, next_try_at, note, received_at)
VALUES (%(digest)s, %(event)s, %(about)s, %(body)s, 'pending', %(address)s, %(is_known)s, 1, 0, %(now)s, '', %(now)s)
ON CONFLICT (body_sha256) DO UPDATE SET
    deliveries = billing_webhookevent.deliveries + 1,
    state = CASE WHEN billing_webhookevent.state = 'failed' THEN 'pending' ELSE billing_webhookevent.state END,
    next_try_at = CASE WHEN billing_webhookevent.state = 'failed' THEN %(now)s ELSE billing_webhookevent.next_try_at END
RETURNING id, state
"""


class NotSigned(Exception):
    """The signature is missing, malformed or made with another key."""


class NotAnEvent(Exception):
    """Rightly signed, and not a JSON object with the name of an event."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery that is on disk."""

    id: int
    state: str


def is_signed(body: bytes, signature: str) -> bool:
    """Whether Paystack made this signature over these very bytes, with our key or the one before it.

    Every key in force is tried, in constant time, whatever the header holds.
    """
    given = signature.encode("ascii", "replace")
    keys = [key for key in (settings.PAYSTACK_SECRET_KEY, settings.PAYSTACK_PREVIOUS_SECRET_KEY) if key]
    matches = [
        hmac.compare_digest(hmac.new(key.encode(), body, hashlib.sha512).hexdigest().encode(), given)
        for key in keys
    ]
    return any(matches)


def take_in(body: bytes, *, signature: str, address: str | None) -> Kept:
    """Check and keep one delivery; work on it follows after the answer.

    Args:
        address: Where it came from, as far as that can be trusted.

    Raises:
        NotSigned: Nothing was kept.
        NotAnEvent: Nothing was kept.
    """
    if not is_signed(body, signature):
        raise NotSigned
    event, data = _parse(body)
    is_known = is_known_address(address)
    kept = _keep(body, event, webhook_events.semantic_key(event, data), address, is_known)
    log.info("Webhook kept", webhook=kept.id, webhook_event=event, is_known_address=is_known)
    if kept.state == WebhookState.PENDING:
        enqueue("billing.process_webhook", kept.id)
    return kept


def is_known_address(address: str | None) -> bool:
    """Whether Paystack documents the address as its own; a second signal beside the signature."""
    return address in settings.PAYSTACK_WEBHOOK_ADDRESSES


def process(event_id: int) -> None:
    """Work on one delivery that is due. Whoever claims it first does; the others have nothing to do."""
    now = timezone.now()
    mine = WebhookEvent.objects.filter(pk=event_id, state=WebhookState.PENDING, next_try_at__lte=now)
    if not mine.update(next_try_at=now + _LEASE, tries=F("tries") + 1):
        return
    row = WebhookEvent.objects.get(pk=event_id)
    try:
        event, data = _parse(bytes(row.body))
        outcome = webhook_events.handle(event, data)
    except PaystackError as error:
        _postpone(row, error.code)
    except Exception as error:  # one event of its kind must not stop the others, and a later look may work
        log.exception("Webhook not processed", webhook=event_id)
        _postpone(row, error.__class__.__name__)
    else:
        _finish(row, outcome)


def process_due() -> int:
    """Work on what is due: deliveries whose task was lost, and those to be tried again. Returns how many were tried."""
    due = WebhookEvent.objects.filter(state=WebhookState.PENDING, next_try_at__lte=timezone.now())
    ids = list(due.order_by("next_try_at").values_list("pk", flat=True)[:_BATCH])
    for event_id in ids:
        process(event_id)
    return len(ids)


def replay(event_id: int) -> None:
    """Let one delivery be worked on again; what it says was done already is found done."""
    WebhookEvent.objects.filter(pk=event_id).update(
        state=WebhookState.PENDING, next_try_at=timezone.now(), tries=0, done_at=None
    )
    enqueue("billing.process_webhook", event_id)


def _parse(body: bytes) -> tuple[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAnEvent("not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("event"), str):
        raise NotAnEvent("no event")
    return storable(document["event"])[:80], document.get("data")


def _keep(body: bytes, event: str, about: str, address: str | None, is_known: bool) -> Kept:
    values = {
        "digest": hashlib.sha256(body).hexdigest(),
        "event": event,
        "about": about,
        "body": body,
        "address": address,
        "is_known": is_known,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)
        return Kept(*cursor.fetchone())


def _postpone(row: WebhookEvent, reason: str) -> None:
    given_up = row.tries >= _MAX_TRIES
    if given_up:
        log.error("Webhook given up", webhook=row.pk, reason=reason)
    wait_s = min(10 * 2 ** min(row.tries, 10), _LONGEST_WAIT_S)
    WebhookEvent.objects.filter(pk=row.pk, state=WebhookState.PENDING).update(
        state=WebhookState.FAILED if given_up else WebhookState.PENDING,
        next_try_at=None if given_up else timezone.now() + dt.timedelta(seconds=wait_s),
        note=f"try {row.tries}: {reason}"[:300],
    )


def _finish(row: WebhookEvent, outcome: Outcome) -> None:
    log.info(
        "Webhook processed",
        webhook=row.pk,
        webhook_event=row.event,
        state=str(outcome.state),
        note=outcome.note,
    )
    WebhookEvent.objects.filter(pk=row.pk).update(
        state=outcome.state, note=outcome.note[:300], next_try_at=None, done_at=timezone.now()
    )
