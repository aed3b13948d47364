"""Orders in a provider's list that nobody may have yet, because a purchase under way could own them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from tests.shop import Shop, age
from verifications.enums import Status
from verifications.models import Attempt, StrayOrder, Verification
from verifications.providers.base import BuyRequest
from verifications.providers.errors import Ambiguous
from verifications.services import ordering, settlement


def test_order_kept_back_for_a_purchase_under_way_keeps_the_doubt_open(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.upstream().next_buys = [("sold", Ambiguous("read timeout"))]
    doubtful = shop.order()
    order_under_way(shop, monkeypatch)
    settlement.settle_all()
    age(doubtful, 35)
    seen_ago(10)

    settlement.settle_all()

    doubtful.refresh_from_db()
    assert doubtful.status == Status.ORDERING
    seen_ago(20)
    settlement.settle_all()
    doubtful.refresh_from_db()
    assert doubtful.status == Status.WAITING


def test_order_first_seen_much_later_does_not_keep_a_doubt_open(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.upstream().next_buys = [Ambiguous("nothing sold")]
    doubtful = shop.order()
    age(doubtful, 90)
    attempt = order_under_way(shop, monkeypatch)
    shop.upstream().sell(
        BuyRequest(attempt.service_code, attempt.country_code, "", attempt.max_cost, str(attempt.pk))
    )

    settlement.settle_all()

    doubtful.refresh_from_db()
    assert doubtful.status == Status.FAILED


def order_under_way(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """An order whose purchase has been recorded and whose call has not come back."""

    def still_calling(attempt: Attempt) -> Verification:
        return attempt.verification

    monkeypatch.setattr(ordering, "drive", still_calling)
    return Attempt.objects.get(verification=shop.order())


def seen_ago(seconds: int) -> None:
    """The stray order was in the list for the first time that long ago."""
    StrayOrder.objects.update(first_seen_at=timezone.now() - dt.timedelta(seconds=seconds))
