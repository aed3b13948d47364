"""Purchases whose answer was lost: adopted, cancelled or settled as not made; never made twice."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.fake_provider import FakeProvider
from tests.shop import Shop, age
from verifications.enums import Closing, Failure, Outcome, Status, Visibility
from verifications.models import Attempt, StrayOrder, Verification
from verifications.providers.base import Candidate, UpstreamState
from verifications.providers.errors import Ambiguous, Unreachable
from verifications.services import attempts, ordering, settlement, upstream

LOST = ("sold", Ambiguous("read timeout"))


def test_purchase_that_was_made_is_adopted(shop: Shop) -> None:
    shop.upstream().next_buys = [LOST]
    order = shop.order()

    settlement.settle_all()

    order.refresh_from_db()
    assert (order.status, order.phone_number) == (Status.WAITING, shop.upstream().only.phone_number)
    assert shop.upstream().buys == 1
    assert StrayOrder.objects.get().resolution == "adopted"


def test_purchase_that_was_not_made_returns_the_money(shop: Shop) -> None:
    shop.upstream().next_buys = [Ambiguous("HTTP 500")]
    order = shop.order()
    settlement.settle_all()
    order.refresh_from_db()
    assert order.status == Status.ORDERING  # too early to say
    age(order, 60)

    settlement.settle_all()

    order.refresh_from_db()
    assert (order.status, order.failure_code) == (Status.FAILED, Failure.NOT_CONFIRMED)
    assert Attempt.objects.get().outcome == Outcome.NOT_BOUGHT
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_number_that_turns_up_after_the_money_went_back_is_cancelled_upstream(shop: Shop) -> None:
    shop.upstream().next_buys = [LOST]
    shop.upstream().read_error = Unreachable()
    order = shop.order()
    age(order, 200)
    settlement.settle_all()
    order.refresh_from_db()
    assert order.status == Status.FAILED
    shop.upstream().read_error = None

    settlement.settle_all()
    upstream.close_due()

    assert shop.upstream().only.state == UpstreamState.CANCELLED
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.closing) == (Outcome.BOUGHT, Closing.CLOSED)
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_call_cut_off_by_a_crash_becomes_doubtful_and_is_settled(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "drive", lambda attempt: attempt.verification)
    order = shop.order()
    far = shop.upstream()
    attempt = Attempt.objects.get()
    far.sell(_request_of(attempt))
    age(order, 20)

    settlement.settle_all()

    order.refresh_from_db()
    assert order.status == Status.WAITING


def test_order_of_a_purchase_still_under_way_is_not_adopted_by_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.upstream().next_buys = [Ambiguous("nothing sold")]
    doubtful = shop.order()
    monkeypatch.setattr(ordering, "drive", lambda attempt: attempt.verification)
    under_way = shop.order()
    attempt = Attempt.objects.get(verification=under_way)
    shop.upstream().sell(_request_of(attempt))

    settlement.settle_all()

    doubtful.refresh_from_db()
    assert doubtful.status == Status.ORDERING
    assert StrayOrder.objects.get().resolution == ""


def test_two_doubts_share_two_strays_one_each(shop: Shop) -> None:
    shop.upstream().next_buys = [LOST, LOST]
    first, second = shop.order(), shop.order()

    settlement.settle_all()

    numbers = set(
        Verification.objects.filter(pk__in=[first.pk, second.pk]).values_list("phone_number", flat=True)
    )
    assert numbers == {order.phone_number for order in shop.upstream().orders.values()}


def test_lost_purchase_that_ended_upstream_is_recorded_and_fails_the_order(shop: Shop) -> None:
    shop.upstream().next_buys = [LOST]
    order = shop.order()
    shop.upstream().only.state = UpstreamState.EXPIRED

    settlement.settle_all()

    order.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (order.status, order.failure_code) == (Status.FAILED, Failure.NOT_CONFIRMED)
    assert (attempt.outcome, attempt.provider_order_id, attempt.closing) == (
        Outcome.BOUGHT,
        "up-1",
        Closing.CLOSED,
    )
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_lost_purchase_that_was_charged_upstream_costs_what_it_cost(shop: Shop) -> None:
    shop.upstream().next_buys = [LOST]
    order = shop.order()
    shop.upstream().deliver("up-1", "Your code is 482913", "482913")
    shop.upstream().only.state = UpstreamState.FINISHED

    settlement.settle_all()
    upstream.close_due()

    order.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (order.status, order.code, attempt.closing) == (Status.FAILED, "", Closing.CLOSED)
    assert (attempt.is_cost_booked, attempt.messages.get().visibility) == (True, Visibility.STAFF)
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_charge_of_an_order_older_than_its_adopter_is_booked_too(shop: Shop) -> None:
    shop.upstream().next_buys = [LOST]
    shop.order()
    before = timezone.now() - dt.timedelta(seconds=90)
    shop.upstream().deliver("up-1", "Your code is 482913", "482913", sent_at=before)
    shop.upstream().only.sold_at, shop.upstream().only.state = before, UpstreamState.FINISHED

    settlement.settle_all()
    upstream.close_due()

    attempt = Attempt.objects.get()
    assert (attempt.messages.get().visibility, attempt.is_cost_booked) == (Visibility.STALE, True)


def test_ended_order_of_a_history_without_names_is_the_doubts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.upstream().next_buys = [LOST]
    order = shop.order()
    shop.upstream().only.state = UpstreamState.FINISHED
    find = FakeProvider.find_lost

    def nameless(self: FakeProvider, since: dt.datetime) -> list[Candidate]:
        return [replace(found, service_code="", country_code="") for found in find(self, since)]

    monkeypatch.setattr(FakeProvider, "find_lost", nameless)

    settlement.settle_all()

    order.refresh_from_db()
    assert (order.status, Attempt.objects.get().provider_order_id) == (Status.FAILED, "up-1")


def test_number_that_turns_up_after_it_was_settled_as_not_bought_is_cancelled(shop: Shop) -> None:
    shop.upstream().next_buys = [Ambiguous("HTTP 500")]
    order = shop.order()
    age(order, 60)
    settlement.settle_all()
    attempt = Attempt.objects.get()
    assert attempt.outcome == Outcome.NOT_BOUGHT
    late = shop.upstream().sell(_request_of(attempt))
    cache.delete("settle-again")

    settlement.settle_all()
    upstream.close_due()

    assert late.state == UpstreamState.CANCELLED
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_order_of_somebody_else_on_the_account_is_left_alone(shop: Shop) -> None:
    shop.upstream().next_buys = [Ambiguous("nothing sold")]
    order = shop.order()
    foreign = _request_of(Attempt.objects.get(verification=order))
    object.__setattr__(foreign, "service_code", "tg")
    stray = shop.upstream().sell(foreign)
    age(order, 60)

    settlement.settle_all()

    assert stray.state == UpstreamState.WAITING
    order.refresh_from_db()
    assert order.status == Status.FAILED


def test_late_answer_after_the_order_failed_closes_the_number(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "drive", lambda attempt: attempt.verification)
    order = shop.order()
    attempt = Attempt.objects.select_related("provider").get()
    age(order, 200)
    settlement.mark_lost_calls()
    settlement.give_up_waiting()
    from verifications.services.provider_accounts import adapter_for

    adapter = adapter_for(attempt.provider)
    assert isinstance(adapter, FakeProvider)
    attempts.record_bought(attempt.pk, adapter.buy(_request_of(attempt)))

    order.refresh_from_db()
    attempt.refresh_from_db()
    assert (order.status, attempt.closing) == (Status.FAILED, Closing.CANCEL_DUE)


def test_doubt_older_than_a_day_is_left_to_staff(shop: Shop) -> None:
    shop.upstream().next_buys = [LOST]
    order = shop.order()
    age(order, 25 * 3600)

    settlement.settle_all()

    assert Attempt.objects.get().outcome == Outcome.DOUBTFUL
    assert Verification.objects.get(pk=order.pk).status == Status.FAILED
    assert timezone.now() - Attempt.objects.get().started_at > dt.timedelta(hours=24)


def _request_of(attempt: Attempt):  # type: ignore[no-untyped-def]
    from verifications.providers.base import BuyRequest

    return BuyRequest(
        attempt.service_code, attempt.country_code, attempt.operator, attempt.max_cost, str(attempt.pk)
    )
