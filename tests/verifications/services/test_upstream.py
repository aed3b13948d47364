"""Closing orders at their providers."""

from __future__ import annotations

from django.utils import timezone
from django_redis import get_redis_connection

from tests.shop import Shop, age
from verifications.enums import Closing, Visibility
from verifications.models import Attempt
from verifications.providers.base import UpstreamState
from verifications.services import cancelling, health, sweeps, upstream


def test_waiting_for_a_breaker_is_no_try(shop: Shop) -> None:
    order = shop.order()
    health.trip("alpha", 60, "test")

    cancelling.cancel(order.pk, actor_id=shop.user.pk)

    attempt = Attempt.objects.get()
    assert (attempt.closing, attempt.closing_tries) == (Closing.CANCEL_DUE, 0)
    assert shop.upstream().only.cancel_calls == 0


def test_cancel_that_finds_a_late_sms_becomes_a_finish(shop: Shop) -> None:
    order = shop.order()
    age(order, 1400)
    health.trip("alpha", 60, "test")
    sweeps.end_order(order.pk)
    shop.deliver(order)
    get_redis_connection("default").flushdb()

    for _ in range(2):
        Attempt.objects.update(closing_due_at=timezone.now())
        upstream.close_due()

    attempt = Attempt.objects.get()
    assert (attempt.closing, attempt.closing_due_at) == (Closing.CLOSED, None)
    assert shop.upstream().only.state == UpstreamState.FINISHED
    assert order.messages.get().visibility == Visibility.LATE
