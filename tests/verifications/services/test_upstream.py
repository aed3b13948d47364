"""Closing orders at their providers."""

from __future__ import annotations

from tests.shop import Shop
from verifications.enums import Closing
from verifications.models import Attempt
from verifications.services import cancelling, health


def test_waiting_for_a_breaker_is_no_try(shop: Shop) -> None:
    order = shop.order()
    health.trip("alpha", 60, "test")

    cancelling.cancel(order.pk, actor_id=shop.user.pk)

    attempt = Attempt.objects.get()
    assert (attempt.closing, attempt.closing_tries) == (Closing.CANCEL_DUE, 0)
    assert shop.upstream().only.cancel_calls == 0
