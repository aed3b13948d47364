"""Rules, rounding, quotes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.core import signing
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import DjangoAssertNumQueries

from tests.factories.catalog import (
    CountryFactory,
    OfferFactory,
    PriceListFactory,
    PriceRuleFactory,
    ProviderFactory,
    ServiceFactory,
)
from verifications.exceptions import BadQuote, NoNumbers, PriceUnknown, ProviderUnavailable
from verifications.models import PriceRule
from verifications.services import health, pricing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_redis_connection("default").flushdb()


@pytest.mark.parametrize(
    ("kind", "value", "margin", "cost", "price"),
    [
        ("percent", "50", "0.02", "0.20", "0.30"),
        ("percent", "50", "0.02", "0.201", "0.31"),
        ("percent", "0", "0.02", "0.20", "0.22"),
        ("percent", "10", "0.05", "0.20", "0.25"),
        ("fixed", "0.15", "0.02", "0.20", "0.35"),
        ("fixed", "0.01", "0.05", "0.20", "0.25"),
        ("fixed", "0", "0", "0.000001", "0.01"),
        ("percent", "33.3333", "0", "0.333333", "0.45"),
    ],
)
def test_price_is_rounded_up_and_keeps_the_margin(
    kind: str, value: str, margin: str, cost: str, price: str
) -> None:
    markup = pricing.Markup(kind, Decimal(value), Decimal(margin))

    assert markup.price(Decimal(cost)) == Decimal(price)
    assert markup.max_cost(Decimal(price)) >= Decimal(cost)


def test_most_specific_rule_wins() -> None:
    service, country = ServiceFactory.create(), CountryFactory.create(iso2="GB")
    other_service, other_country = ServiceFactory.create(), CountryFactory.create(iso2="DE")
    PriceRule.objects.all().delete()
    for value, rule_service, rule_country in [
        (1, None, None),
        (2, None, country),
        (3, service, None),
        (4, service, country),
    ]:
        PriceRuleFactory.create(
            kind="fixed", value=value, service=rule_service, country=rule_country, minimum_margin=0
        )

    def price(in_service: object, in_country: object) -> Decimal:
        return pricing.price_for(Decimal(1), in_service.pk, in_country.pk)  # type: ignore[attr-defined]

    assert price(service, country) == 5
    assert price(service, other_country) == 4
    assert price(other_service, country) == 3
    assert price(other_service, other_country) == 2


def test_price_without_any_rule_is_unknown() -> None:
    PriceRule.objects.all().delete()
    with pytest.raises(PriceUnknown):
        pricing.price_for(Decimal(1), 1, 1)


def test_rules_are_read_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    PriceRuleFactory.create()

    with django_assert_num_queries(1):
        pricing.markup_for(1, 1)


def test_quote_is_the_price_of_the_cheapest_offer() -> None:
    PriceRuleFactory.create()
    service, country = ServiceFactory.create(), CountryFactory.create()
    OfferFactory.create(service=service, country=country, cost="0.30")
    OfferFactory.create(service=service, country=country, cost="0.20")

    quote = pricing.quote(service, country)

    assert (quote.price, quote.currency, quote.is_expired) == (Decimal("0.30"), "USD", False)


def test_quote_survives_the_page() -> None:
    quote = pricing.Quote(1, 2, "virtual21", Decimal("0.3000"), "USD", dt.datetime(2030, 1, 1, tzinfo=dt.UTC))

    assert pricing.Quote.from_signed(quote.signed()) == quote


def test_expired_quote_is_readable_and_says_so() -> None:
    with time_machine.travel("2026-11-20T10:00:00Z", tick=False):
        text = pricing.Quote(1, 2, "", Decimal(1), "USD", timezone.now() + dt.timedelta(seconds=900)).signed()

    with time_machine.travel("2026-11-20T10:15:00Z", tick=False):
        assert pricing.Quote.from_signed(text).is_expired
    with time_machine.travel("2026-11-20T10:14:59Z", tick=False):
        assert not pricing.Quote.from_signed(text).is_expired


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "a:b:c", signing.dumps([1, 2, "", "0.01", "USD", 4_000_000_000], salt="other")],
    ids=["empty", "nonsense", "like a signature", "signed for something else"],
)
def test_quote_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(BadQuote):
        pricing.Quote.from_signed(text)


def test_altered_quote_is_refused() -> None:
    text = pricing.Quote(1, 2, "", Decimal(1), "USD", timezone.now()).signed()

    with pytest.raises(BadQuote):
        pricing.Quote.from_signed("X" + text[1:])


@pytest.mark.parametrize(
    "payload", [[1], None, [1, 2, "", "no number", "USD", 1], [1, 2, "", "1", "USD", "soon"]]
)
def test_signed_text_of_another_shape_is_refused(payload: object) -> None:
    with pytest.raises(BadQuote):
        pricing.Quote.from_signed(signing.dumps(payload, salt="verifications.quote"))


def test_quote_without_offers_says_no_numbers() -> None:
    PriceRuleFactory.create()
    with pytest.raises(NoNumbers):
        pricing.quote(ServiceFactory.create(), CountryFactory.create())


def test_quote_of_a_switched_off_provider_says_no_numbers() -> None:
    PriceRuleFactory.create()
    offer = OfferFactory.create(provider=ProviderFactory.create(is_enabled=False))

    with pytest.raises(NoNumbers):
        pricing.quote(offer.service, offer.country)


def test_quote_of_a_stale_list_says_price_unknown() -> None:
    PriceRuleFactory.create()
    old = timezone.now() - dt.timedelta(seconds=3601)
    offer = OfferFactory.create(price_list=PriceListFactory.create(prices_seen_at=old))

    with pytest.raises(PriceUnknown):
        pricing.quote(offer.service, offer.country)


def test_quote_behind_an_open_breaker_says_unavailable() -> None:
    PriceRuleFactory.create()
    offer = OfferFactory.create()
    health.trip(offer.provider.slug, 60, "auth")

    with pytest.raises(ProviderUnavailable):
        pricing.quote(offer.service, offer.country)


def test_quote_without_a_rule_says_price_unknown() -> None:
    offer = OfferFactory.create()
    PriceRule.objects.all().delete()

    with pytest.raises(PriceUnknown):
        pricing.quote(offer.service, offer.country)
