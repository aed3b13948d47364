"""Placing orders: money, failover, doubt and repeated forms."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.enums import Role
from accounts.models import User
from billing.exceptions import InsufficientFunds
from billing.models import Transfer
from tests.shop import Shop
from verifications.enums import Failure, Outcome, Status, Step
from verifications.exceptions import BadQuote, NoNumbers, PriceChanged, PriceUnknown, TooManyOpenOrders
from verifications.models import Attempt, HistoryEntry, Offer, ProviderCountryCode, Verification
from verifications.providers.errors import (
    Ambiguous,
    AuthFailed,
    BadRequest,
    NoBalance,
    NoStock,
    PriceTooHigh,
    ProviderError,
    Suspended,
    Throttled,
    Unreachable,
)
from verifications.services import buying, ordering, polling, pricing, sweeps


def test_order_holds_the_price_and_gives_a_number(shop: Shop) -> None:
    order = shop.order()

    assert order.status == Status.WAITING
    assert order.phone_number == "+447700900001"
    assert order.price == shop.price
    assert shop.figures == (Decimal("9.65"), Decimal("0.35"))


def test_order_records_what_statistics_need(shop: Shop) -> None:
    order = shop.order()

    attempt = Attempt.objects.get(verification=order)
    assert (attempt.provider, attempt.outcome, attempt.cost, attempt.offer_cost, attempt.price) == (
        shop.alpha, Outcome.BOUGHT, Decimal("0.20"), Decimal("0.20"), Decimal("0.35"),
    )  # fmt: skip
    assert attempt.latency_ms is not None
    steps = HistoryEntry.objects.filter(verification=order).values_list("step", flat=True)
    assert list(steps) == [Step.ORDERED, Step.ATTEMPTED, Step.BOUGHT]


def test_order_sends_the_highest_cost_that_leaves_the_margin(shop: Shop) -> None:
    shop.order()

    assert shop.upstream().only.request.max_cost == Decimal("0.300000")


@pytest.mark.parametrize(
    "error",
    [
        NoStock(),
        PriceTooHigh(),
        Throttled(),
        BadRequest(),
        AuthFailed(),
        Suspended(),
        NoBalance(),
        Unreachable(),
    ],
    ids=lambda error: error.code,
)
def test_typed_refusal_moves_on_to_the_next_provider(shop: Shop, error: ProviderError) -> None:
    shop.upstream("alpha").next_buys = [error]

    order = shop.order()

    assert order.status == Status.WAITING
    outcomes = list(
        Attempt.objects.filter(verification=order)
        .order_by("number")
        .values_list("provider__slug", "outcome", "error_code")
    )
    assert outcomes == [("alpha", "refused", error.code), ("beta", "bought", "")]


def test_sold_out_everywhere_fails_with_its_reason_and_returns_the_money(shop: Shop) -> None:
    shop.upstream("alpha").next_buys = [NoStock()]
    shop.upstream("beta").next_buys = [NoStock()]

    order = shop.order()

    assert (order.status, order.failure_code) == (Status.FAILED, Failure.NO_NUMBERS)
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_providers_out_of_reach_fail_as_unavailable(shop: Shop) -> None:
    shop.upstream("alpha").next_buys = [Unreachable()]
    shop.upstream("beta").next_buys = [Unreachable()]

    assert shop.order().failure_code == Failure.PROVIDER_UNAVAILABLE


def test_ambiguous_buy_is_never_retried_and_keeps_the_hold(shop: Shop) -> None:
    shop.upstream("alpha").next_buys = [Ambiguous("HTTP 503")]

    order = shop.order()

    assert order.status == Status.ORDERING
    assert Attempt.objects.get(verification=order).outcome == Outcome.DOUBTFUL
    assert (shop.upstream("alpha").buys, shop.upstream("beta").buys) == (1, 0)
    assert shop.figures == (Decimal("9.65"), Decimal("0.35"))


def test_fault_in_an_adapter_leaves_doubt_and_not_a_second_purchase(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fake_provider.FakeProvider.buy", lambda *_: 1 / 0)

    order = shop.order()

    assert Attempt.objects.get(verification=order).outcome == Outcome.DOUBTFUL


def test_failover_never_costs_more_than_the_price_allows(shop: Shop) -> None:
    Offer.objects.filter(provider=shop.beta).update(cost=Decimal("0.31"))
    shop.upstream("alpha").next_buys = [NoStock()]

    order = shop.order()

    assert order.status == Status.FAILED
    assert shop.upstream("beta").buys == 0


def test_repeated_form_is_one_order(shop: Shop) -> None:
    form_key = uuid.uuid4()

    first, second = shop.order(form_key=form_key), shop.order(form_key=form_key)

    assert first.pk == second.pk
    assert shop.upstream().buys == 1


def test_insufficient_balance_leaves_no_order_behind(shop: Shop) -> None:
    shop.fund("-9.70")

    with pytest.raises(InsufficientFunds):
        shop.order()

    assert not Verification.objects.exists()
    assert shop.upstream().buys == 0


def test_sold_out_listing_leaves_no_order_behind(shop: Shop) -> None:
    Offer.objects.update(stock=0)

    with pytest.raises(NoNumbers):
        shop.order()

    assert not Verification.objects.exists()


def test_stale_price_is_not_sold(shop: Shop) -> None:
    ProviderCountryCode.objects.update(prices_seen_at=timezone.now() - dt.timedelta(days=1))

    with pytest.raises(PriceUnknown):
        shop.order()


def test_order_cap_is_kept(shop: Shop, settings: Settings) -> None:
    settings.MAX_OPEN_ORDERS = 2
    shop.order()
    shop.order()

    with pytest.raises(TooManyOpenOrders):
        shop.order()

    assert Verification.objects.count() == 2
    assert shop.figures == (Decimal("9.30"), Decimal("0.70"))


def test_premium_customers_hold_more_orders(shop: Shop, settings: Settings) -> None:
    settings.MAX_OPEN_ORDERS, settings.MAX_OPEN_ORDERS_PREMIUM = 1, 2
    User.objects.filter(pk=shop.user.pk).update(role=Role.PREMIUM.value)
    shop.order()
    shop.order()

    with pytest.raises(TooManyOpenOrders) as refusal:
        shop.order()

    assert "2" in str(refusal.value.message)


def test_order_that_has_its_code_does_not_count_against_the_cap(shop: Shop, settings: Settings) -> None:
    settings.MAX_OPEN_ORDERS = 1
    shop.deliver(shop.order())
    polling.poll_provider(shop.alpha.pk)

    assert shop.order().status == Status.WAITING


def test_quote_is_kept_when_the_price_rises_within_the_margin(shop: Shop) -> None:
    quote = pricing.quote(shop.service, shop.country)
    Offer.objects.update(cost=Decimal("0.29"))

    order = shop.order(quote=quote)

    assert order.price == Decimal("0.35")


def test_quote_that_would_eat_the_margin_is_answered_with_the_new_price(shop: Shop) -> None:
    quote = pricing.quote(shop.service, shop.country)
    Offer.objects.update(cost=Decimal("0.40"))

    with pytest.raises(PriceChanged) as refused:
        shop.order(quote=quote)

    assert refused.value.price == Decimal("0.55")
    assert not Verification.objects.exists()


def test_lower_current_price_is_charged_instead_of_the_quote(shop: Shop) -> None:
    quote = pricing.quote(shop.service, shop.country)
    Offer.objects.filter(provider=shop.alpha).update(cost=Decimal("0.10"))

    assert shop.order(quote=quote).price == Decimal("0.25")


def test_max_price_below_the_price_is_refused(shop: Shop) -> None:
    with pytest.raises(PriceChanged):
        shop.order(max_price=Decimal("0.34"))


def test_quote_for_another_country_is_refused(shop: Shop) -> None:
    quote = pricing.quote(shop.service, shop.country)
    other = pricing.Quote(
        quote.service_id, quote.country_id + 1, "", Decimal("0.01"), "USD", quote.expires_at
    )

    with pytest.raises(BadQuote):
        shop.order(quote=other)


def test_order_beyond_the_inline_slots_is_placed_by_the_sweep(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buying._slots, "acquire", lambda blocking=True: False)
    order = shop.order()
    assert (order.status, shop.upstream().buys) == (Status.ORDERING, 0)

    ordering.place(order.pk)
    ordering.place(order.pk)

    order.refresh_from_db()
    assert (order.status, shop.upstream().buys) == (Status.WAITING, 1)


def test_sweep_places_a_forgotten_order_once_it_is_old_enough(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buying._slots, "acquire", lambda blocking=True: False)
    order = shop.order()
    sweeps.place_forgotten()
    assert shop.upstream().buys == 0

    Verification.objects.update(created_at=timezone.now() - dt.timedelta(seconds=20))
    sweeps.place_forgotten()

    order.refresh_from_db()
    assert order.status == Status.WAITING


def test_provider_that_names_a_known_order_is_not_believed(shop: Shop) -> None:
    shop.order()
    far = shop.upstream()
    far.numbers = iter([1])  # type: ignore[assignment]

    second = shop.order()

    assert second.status == Status.ORDERING
    assert Attempt.objects.get(verification=second).outcome == Outcome.DOUBTFUL


def test_every_ledger_row_of_an_order_names_it(shop: Shop) -> None:
    order = shop.order()

    held = Transfer.objects.get(key=f"hold:{order.pk}")

    assert (held.reference, held.memo) == (f"verification:{order.pk}", "WhatsApp, United Kingdom")
