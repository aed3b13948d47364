"""Which offers an order tries, and in which order."""

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
    ProviderFactory,
    ServiceFactory,
)
from verifications.models import Country, Provider, Service
from verifications.services import health, routing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_redis_connection("default").flushdb()


@pytest.fixture
def service() -> Service:
    return ServiceFactory.create()


@pytest.fixture
def country() -> Country:
    return CountryFactory.create()


def test_cheapest_comes_first_and_priority_decides_at_equal_cost(service: Service, country: Country) -> None:
    late = OfferFactory.create(service=service, country=country, provider__priority=20)
    early = OfferFactory.create(service=service, country=country, provider__priority=10)
    cheap = OfferFactory.create(service=service, country=country, cost="0.10", provider__priority=90)

    assert routing.routes(service=service, country=country) == [cheap, early, late]


def test_one_provider_takes_at_most_two_of_four_routes(service: Service, country: Country) -> None:
    crowd = ProviderFactory.create()
    for number in range(9):
        prices = PriceListFactory.create(provider=crowd, country=country, code=f"pool{number}")
        OfferFactory.create(
            service=service, country=country, provider=crowd, price_list=prices, cost=f"0.1{number}"
        )
    others = [
        OfferFactory.create(service=service, country=country, cost=f"0.{cost}") for cost in (30, 40, 50)
    ]

    routes = routing.routes(service=service, country=country)

    assert [route.provider_id for route in routes] == [
        crowd.pk,
        crowd.pk,
        others[0].provider_id,
        others[1].provider_id,
    ]


def test_other_services_countries_empty_and_stale_offers_are_left_out(
    service: Service, country: Country
) -> None:
    stale = PriceListFactory.create(country=country, prices_seen_at=timezone.now() - dt.timedelta(hours=2))
    never_read = PriceListFactory.create(country=country, prices_seen_at=None)
    OfferFactory.create(service=service, country=country, stock=0)
    OfferFactory.create(service=service, price_list=stale, provider=stale.provider, country=country)
    OfferFactory.create(service=service, price_list=never_read, provider=never_read.provider, country=country)
    OfferFactory.create(country=country)
    OfferFactory.create(service=service, country=CountryFactory.create(iso2="US"))

    assert routing.routes(service=service, country=country) == []


@pytest.mark.parametrize("switch", [{"is_enabled": False}, {"is_low_on_balance": True}])
def test_provider_out_of_use_is_left_out(service: Service, country: Country, switch: dict[str, bool]) -> None:
    OfferFactory.create(service=service, country=country, provider=ProviderFactory.create(**switch))

    assert routing.routes(service=service, country=country) == []


def test_open_breaker_is_left_out(service: Service, country: Country) -> None:
    broken = OfferFactory.create(service=service, country=country, cost="0.10")
    well = OfferFactory.create(service=service, country=country, cost="0.20")
    health.trip(broken.provider.slug, 60, "ambiguous")

    assert routing.routes(service=service, country=country) == [well]


def test_offer_found_empty_gives_way_to_the_next_of_its_provider(service: Service, country: Country) -> None:
    provider = ProviderFactory.create()
    empty, second = (
        OfferFactory.create(service=service, country=country, provider=provider, cost=cost, operator=cost)
        for cost in ("0.10", "0.11")
    )
    health.mark_no_stock(empty.pk, 45)

    assert routing.routes(service=service, country=country) == [second]


def test_maximum_cost_is_inclusive(service: Service, country: Country) -> None:
    fits = OfferFactory.create(service=service, country=country, cost="0.25")
    OfferFactory.create(service=service, country=country, cost="0.250001")

    assert routing.routes(service=service, country=country, max_cost=Decimal("0.25")) == [fits]


def test_operator_is_asked_of_protocols_that_know_operators(
    service: Service, country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PROVIDER_KEY", "key")
    knows = ProviderFactory.create(adapter="fivesim")
    named = OfferFactory.create(service=service, country=country, provider=knows, operator="virtual21")
    OfferFactory.create(service=service, country=country, provider=knows, operator="o2", cost="0.10")
    OfferFactory.create(service=service, country=country)

    assert routing.routes(service=service, country=country, operator="virtual21") == [named]


def test_any_operator_is_bought_without_a_name_once_a_list(service: Service, country: Country) -> None:
    provider = ProviderFactory.create()
    cheap, _ = (
        OfferFactory.create(service=service, country=country, provider=provider, cost=cost, operator=name)
        for cost, name in (("0.10", "o2"), ("0.11", "ee"))
    )

    routes = routing.routes(service=service, country=country)

    assert [(route.pk, route.operator, route.cost) for route in routes] == [(cheap.pk, "", Decimal("0.10"))]
    cheap.refresh_from_db()
    assert cheap.operator == "o2"


def test_several_codes_of_one_country_are_one_market(service: Service, country: Country) -> None:
    provider = ProviderFactory.create()
    virtual = PriceListFactory.create(provider=provider, country=country, code="12")
    physical = PriceListFactory.create(provider=provider, country=country, code="187")
    cheap = OfferFactory.create(
        service=service, country=country, provider=provider, price_list=virtual, cost="0.10"
    )
    dear = OfferFactory.create(
        service=service, country=country, provider=provider, price_list=physical, cost="0.90"
    )

    routes = routing.routes(service=service, country=country)

    assert [(route.pk, route.country_code) for route in routes] == [(cheap.pk, "12"), (dear.pk, "187")]


@pytest.mark.parametrize("count", [1, 3])
def test_routes_are_one_query_once_the_providers_are_known(
    service: Service, country: Country, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        OfferFactory.create(service=service, country=country)

    routing.routes(service=service, country=country)

    with django_assert_num_queries(1):
        routes = routing.routes(service=service, country=country)

    with django_assert_num_queries(0):
        assert len({route.provider.slug for route in routes}) == count


def test_provider_of_a_route_is_as_in_the_database(service: Service, country: Country) -> None:
    offer = OfferFactory.create(service=service, country=country)
    routing.routes(service=service, country=country)[0].provider.name = "changed by a caller"

    Provider.objects.update(rate=Decimal("1.5"))
    route = routing.routes(service=service, country=country)[0]
    assert (route.provider.rate, route.provider.name) == (Decimal("1.5"), offer.provider.name)

    Provider.objects.update(rate=Decimal("2.5"))
    assert routing.routes(service=service, country=country)[0].provider.rate == Decimal("2.5")


@pytest.mark.parametrize(("operator", "left"), [("", ["0.30"]), ("o2", ["0.20"])])
def test_purchase_that_found_nothing_marks_all_it_asked_for(
    service: Service, country: Country, operator: str, left: list[str]
) -> None:
    provider = ProviderFactory.create(rate=Decimal(2))
    asked, *_ = (
        OfferFactory.create(
            service=service,
            country=country,
            provider=provider,
            cost=cost,
            provider_cost=Decimal(cost) / 2,
            operator=name,
        )
        for cost, name in (("0.10", "o2"), ("0.20", "ee"), ("0.30", "three"))
    )

    routing.mark_empty(asked.pk, operator=operator, max_cost=Decimal("0.10"))

    assert [str(route.cost) for route in routing.routes(service=service, country=country)] == [
        f"{left[0]}0000"
    ]


def test_purchase_from_an_offer_that_is_gone_marks_nothing_else() -> None:
    routing.mark_empty(999_999, operator="", max_cost=Decimal(1))

    assert health.without_stock([999_999]) == {999_999}
