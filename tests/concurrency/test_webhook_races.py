"""Webhooks under fire: equal deliveries at once, workers that meet at one event, and the twin without the claim."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from billing.enums import WebhookState
from billing.models import WebhookEvent
from billing.services import webhook_events, webhooks
from billing.services.webhook_events import Outcome
from tests.billing.services.test_webhooks import VECTOR, VECTOR_SIGNATURE, sign
from tests.concurrency.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worked_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The events that were really worked on, slowly."""
    seen: list[str] = []

    def handle(event: str, data: Any) -> Outcome:
        seen.append(event)
        time.sleep(0.05)  # as long as asking Paystack takes, at least
        return Outcome(WebhookState.DONE)

    monkeypatch.setattr(webhook_events, "handle", handle)
    return seen


def test_equal_deliveries_at_once_are_one_row() -> None:
    answers = race(64, lambda _: webhooks.take_in(VECTOR, signature=VECTOR_SIGNATURE, address=None))

    assert {answer.id for answer in answers} == {WebhookEvent.objects.get().pk}
    assert WebhookEvent.objects.get().deliveries == 64


def test_different_bytes_of_one_fact_are_kept_apart_and_named_alike() -> None:
    bodies = [
        json.dumps({"event": "charge.success", "data": {"id": 7, "try": " " * n}}).encode() for n in range(32)
    ]

    race(32, lambda n: webhooks.take_in(bodies[n], signature=sign(bodies[n]), address=None))

    assert WebhookEvent.objects.filter(semantic_key="charge:7").count() == 32


def test_event_is_worked_on_by_one_worker(worked_on: list[str]) -> None:
    event_id = webhooks.take_in(VECTOR, signature=VECTOR_SIGNATURE, address=None).id

    race(32, lambda _: webhooks.process(event_id))

    assert worked_on == ["charge.success"]
    assert WebhookEvent.objects.get().tries == 1


def test_without_the_claim_several_work_on_it(worked_on: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    event_id = webhooks.take_in(VECTOR, signature=VECTOR_SIGNATURE, address=None).id

    def process_unclaimed(_: int) -> None:
        row = WebhookEvent.objects.get(pk=event_id)
        if row.state == WebhookState.PENDING and (row.next_try_at or timezone.now()) <= timezone.now():
            WebhookEvent.objects.filter(pk=event_id).update(tries=F("tries") + 1)
            webhook_events.handle(row.event, None)
            webhooks._finish(row, Outcome(WebhookState.DONE))

    race(32, process_unclaimed)

    assert len(worked_on) > 1
