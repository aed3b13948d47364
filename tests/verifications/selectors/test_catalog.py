"""What is shown for sale."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
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
from verifications.models import Country, PriceRule, Provider, Service
from verifications.selectors import catalog
from verifications.services import catalog_summary, health, pricing

pytestmark = pytest.mark.django_db

OLD = dt.timedelta(seconds=3700)


@pytest.fixture(autouse=True)
def _scene() -> None:
    get_redis_connection("default").flushdb()
    PriceRule.objects.all().delete()
    PriceRuleFactory.create()


@pytest.fixture
def service() -> Service:
    return ServiceFactory.create(name="WhatsApp", slug="whatsapp", keywords="meta business", rank=1)


@pytest.fixture
def britain() -> Country:
    return CountryFactory.create(iso2="GB", name="United Kingdom")


@pytest.fixture
def germany() -> Country:
    return CountryFactory.create(iso2="DE", name="Germany")


# --- Countries of a service -------------------------------------------------------------------------------------------
def test_country_shows_the_price_an_order_is_quoted(service: Service, britain: Country) -> None:
    OfferFactory.create(service=service, country=britain, cost="0.30")
    OfferFactory.create(service=service, country=britain, cost="0.203")

    row = catalog.country_rows(service)[0]

    assert row.price == pricing.quote(service, britain).price == Decimal("0.31")
    assert (row.iso2, row.name, row.flag, row.dial_code) == ("GB", "United Kingdom", "🇬🇧", "44")


def test_stock_counts_what_can_be_had_at_the_price_shown(service: Service, britain: Country) -> None:
    OfferFactory.create(
        service=service, country=britain, cost="0.20", stock=7, operator="o2"
    )  # sold for 0.30
    OfferFactory.create(
        service=service, country=britain, cost="0.28", stock=5, operator="ee"
    )  # still earns 0.02
    OfferFactory.create(service=service, country=britain, cost="0.29", stock=1000)

    row = catalog.country_rows(service)[0]

    assert (row.stock, row.operator_count) == (12, 2)


def test_several_codes_are_one_row(service: Service) -> None:
    states, provider = CountryFactory.create(iso2="US"), ProviderFactory.create()
    for code, stock in (("12", 3), ("187", 4)):
        prices = PriceListFactory.create(provider=provider, country=states, code=code)
        OfferFactory.create(
            service=service, country=states, provider=provider, price_list=prices, stock=stock
        )

    assert [(row.iso2, row.stock) for row in catalog.country_rows(service)] == [("US", 7)]


def test_what_cannot_be_ordered_is_not_shown(service: Service, britain: Country) -> None:
    OfferFactory.create(service=service, country=britain, stock=0)
    OfferFactory.create(service=service, country=britain, provider=ProviderFactory.create(is_enabled=False))
    OfferFactory.create(
        service=service, country=britain, provider=ProviderFactory.create(is_low_on_balance=True)
    )
    stale = PriceListFactory.create(country=britain, prices_seen_at=timezone.now() - OLD)
    OfferFactory.create(service=service, country=britain, provider=stale.provider, price_list=stale)
    broken = OfferFactory.create(service=service, country=britain)
    health.trip(broken.provider.slug, 60, "auth")
    OfferFactory.create(country=britain)
    OfferFactory.create(service=service, country=CountryFactory.create(iso2="FR", is_active=False))

    assert catalog.country_rows(service) == []


def test_offer_just_found_empty_gives_way_to_the_next(service: Service, britain: Country) -> None:
    empty = OfferFactory.create(service=service, country=britain, cost="0.10")
    OfferFactory.create(service=service, country=britain, cost="0.20")
    health.mark_no_stock(empty.pk, 45)

    assert catalog.country_rows(service)[0].price == pricing.quote(service, britain).price == Decimal("0.30")


def test_country_without_a_rule_is_not_shown(service: Service, britain: Country, germany: Country) -> None:
    OfferFactory.create(service=service, country=britain)
    OfferFactory.create(service=service, country=germany)
    PriceRule.objects.all().delete()
    PriceRuleFactory.create(country=germany)

    assert [row.iso2 for row in catalog.country_rows(service)] == ["DE"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("price", ["GB", "FR", "DE"]),
        ("stock", ["DE", "FR", "GB"]),
        ("name", ["FR", "DE", "GB"]),
        ("?", ["GB", "FR", "DE"]),
    ],
)
def test_countries_sort(
    service: Service, britain: Country, germany: Country, sort: str, order: list[str]
) -> None:
    france = CountryFactory.create(iso2="FR", name="France")
    OfferFactory.create(service=service, country=britain, cost="0.10", stock=1)
    OfferFactory.create(service=service, country=france, cost="0.20", stock=2)
    OfferFactory.create(service=service, country=germany, cost="0.30", stock=3)

    assert [row.iso2 for row in catalog.country_rows(service, sort)] == order


@pytest.mark.parametrize("count", [1, 3])
def test_country_rows_are_four_queries(
    service: Service, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for iso2 in ["GB", "DE", "FR"][:count]:
        OfferFactory.create(service=service, country=CountryFactory.create(iso2=iso2))

    with django_assert_num_queries(4):
        assert len(catalog.country_rows(service)) == count


# --- Operators of a country -------------------------------------------------------------------------------------------
def test_operators_follow_any(service: Service, britain: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PROVIDER_KEY", "key")
    fivesim = ProviderFactory.create(adapter="fivesim")
    OfferFactory.create(
        service=service, country=britain, provider=fivesim, operator="o2", cost="0.20", stock=3
    )
    OfferFactory.create(
        service=service, country=britain, provider=fivesim, operator="ee", cost="0.40", stock=4
    )
    OfferFactory.create(service=service, country=britain, cost="0.22", stock=5)

    rows = catalog.operator_rows(service, britain)

    assert [(row.operator, row.label, row.price, row.stock) for row in rows] == [
        ("", "Any", Decimal("0.30"), 8),
        ("o2", "o2", Decimal("0.30"), 3),
        ("ee", "ee", Decimal("0.60"), 4),
    ]
    for row in rows:
        assert row.price == pricing.quote(service, britain, row.operator).price


def test_operators_of_nothing_are_none(service: Service, britain: Country) -> None:
    assert catalog.operator_rows(service, britain) == []


# --- Services ---------------------------------------------------------------------------------------------------------
def test_card_has_the_lowest_price_of_any_country(
    service: Service, britain: Country, germany: Country
) -> None:
    PriceRuleFactory.create(country=germany, kind="fixed", value="0.01", minimum_margin=0)
    OfferFactory.create(service=service, country=britain, cost="0.20")
    OfferFactory.create(service=service, country=germany, cost="0.21")
    OfferFactory.create(service=service, country=germany, cost="0.30")
    catalog_summary.refresh()

    card = catalog.service_cards()[0]

    assert (card.slug, card.initial, card.from_price, card.country_count) == (
        "whatsapp",
        "W",
        Decimal("0.22"),
        2,
    )


def test_card_without_offers_has_no_price(service: Service, britain: Country) -> None:
    OfferFactory.create(service=service, country=britain)
    catalog_summary.refresh()
    Provider.objects.update(is_enabled=False)
    catalog_summary.refresh()

    card = catalog.service_cards()[0]

    assert (card.from_price, card.country_count) == (None, 0)


def test_card_of_an_old_digest_has_no_price(service: Service, britain: Country) -> None:
    OfferFactory.create(service=service, country=britain)
    catalog_summary.refresh()
    Service.objects.update(prices_seen_at=timezone.now() - OLD)

    assert catalog.service_cards()[0].from_price is None


def test_digest_without_a_rule_for_a_service_is_empty(service: Service, britain: Country) -> None:
    OfferFactory.create(service=service, country=britain)
    PriceRule.objects.all().delete()
    PriceRuleFactory.create(country=CountryFactory.create(iso2="FR"))
    catalog_summary.refresh()

    assert catalog.service_cards()[0].from_price is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["WhatsApp", "Google", "Go Taxi"]),
        ("what", ["WhatsApp"]),
        ("GMAIL", ["Google"]),
        ("meta whats", ["WhatsApp"]),
        ("go", ["Google", "Go Taxi"]),
        ("tax", ["Go Taxi"]),
        ("100%", []),
        ("a\0b", []),
        ("   ", ["WhatsApp", "Google", "Go Taxi"]),
    ],
)
def test_search_looks_at_names_and_keywords(service: Service, query: str, found: list[str]) -> None:
    ServiceFactory.create(name="Google", keywords="gmail youtube", rank=2)
    ServiceFactory.create(name="Go Taxi", rank=3)
    ServiceFactory.create(name="Gone", is_active=False)

    assert [card.name for card in catalog.service_cards(query)] == found


def test_names_that_begin_with_the_query_come_first() -> None:
    ServiceFactory.create(name="Amazing", rank=1)
    ServiceFactory.create(name="Zing", rank=2)

    assert [card.name for card in catalog.service_cards("zing")] == ["Zing", "Amazing"]


@pytest.mark.parametrize("count", [1, 3])
def test_cards_are_one_query(count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(count):
        ServiceFactory.create()

    with django_assert_num_queries(1):
        assert len(catalog.service_cards()) == count
    assert len(catalog.service_cards(limit=2)) == min(count, 2)
