"""The open pages: landing, services, one service."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django_redis import get_redis_connection
from pytest_django import DjangoAssertNumQueries

from tests.factories.catalog import CountryFactory, OfferFactory, PriceRuleFactory, ServiceFactory
from verifications.models import PriceRule, Service
from verifications.services import catalog_summary

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_redis_connection("default").flushdb()


def sell(service: Service, count: int) -> None:
    """Offers for a service in some countries, with a price rule."""
    PriceRule.objects.all().delete()
    PriceRuleFactory.create()
    for iso2 in ["GB", "DE", "FR"][:count]:
        OfferFactory.create(service=service, country=CountryFactory.create(iso2=iso2))
    catalog_summary.refresh()


def test_landing_shows_the_services_most_asked_for(client: Client) -> None:
    for rank in range(15):
        ServiceFactory.create(rank=rank)

    response = client.get("/")

    assert response.status_code == 200
    assert len(response.context["cards"]) == 12
    assert response.context["service_count"] == 15


def test_service_list_shows_lowest_prices(client: Client) -> None:
    sell(ServiceFactory.create(name="WhatsApp"), 2)

    response = client.get(reverse("verifications:service-list"))

    assert response.status_code == 200
    assert "WhatsApp" in response.text
    assert "$0.30" in response.text


def test_search_works_without_scripts(client: Client) -> None:
    ServiceFactory.create(name="WhatsApp")
    ServiceFactory.create(name="Telegram")

    response = client.get(reverse("verifications:service-list"), {"q": " tele "})

    assert [card.name for card in response.context["cards"]] == ["Telegram"]
    assert response.context["query"] == "tele"
    assert "<html" in response.text


def test_search_while_typing_gets_the_results_alone(client: Client) -> None:
    ServiceFactory.create(name="Telegram")

    response = client.get(
        reverse("verifications:service-list"), {"q": "tele"}, headers={"HX-Request": "true"}
    )

    assert "Telegram" in response.text
    assert "<html" not in response.text
    assert "HX-Request" in response["Vary"]


def test_page_restored_from_history_is_whole(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}

    response = client.get(reverse("verifications:service-list"), headers=headers)

    assert "<html" in response.text


@pytest.mark.parametrize("query", ["x" * 5000, "%_\\'\"", "\0", "<script>alert(1)</script>", "💥"])
def test_search_bears_odd_queries(client: Client, query: str) -> None:
    response = client.get(reverse("verifications:service-list"), {"q": query})

    assert response.status_code == 200
    assert "<script>alert(1)" not in response.text


def test_service_page_lists_countries_with_prices(client: Client) -> None:
    service = ServiceFactory.create(name="WhatsApp", slug="whatsapp")
    sell(service, 3)

    response = client.get("/services/whatsapp/", {"sort": "name"})

    assert response.status_code == 200
    assert [row.iso2 for row in response.context["rows"]] == ["DE", "FR", "GB"]
    assert response.context["sort"] == "name"
    assert "$0.30" in response.text


def test_service_page_falls_back_to_sorting_by_price(client: Client) -> None:
    ServiceFactory.create(slug="whatsapp")

    assert client.get("/services/whatsapp/", {"sort": "'; DROP"}).context["sort"] == "price"


@pytest.mark.parametrize("slug", ["nothing", "hidden"])
def test_service_that_is_not_sold_is_not_found(client: Client, slug: str) -> None:
    ServiceFactory.create(slug="hidden", is_active=False)

    assert client.get(f"/services/{slug}/").status_code == 404


def test_pages_are_read_only(client: Client) -> None:
    assert client.post("/services/").status_code == 405


@pytest.mark.parametrize("count", [1, 3])
def test_service_page_query_count_is_constant(
    client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sell(ServiceFactory.create(slug="whatsapp"), count)

    with django_assert_num_queries(5):
        client.get("/services/whatsapp/")


@pytest.mark.parametrize("count", [1, 3])
def test_list_pages_query_count_is_constant(
    client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        ServiceFactory.create()

    with django_assert_num_queries(1):
        client.get("/services/")
    with django_assert_num_queries(3):
        client.get("/")
