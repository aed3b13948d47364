"""Our own table of services and countries."""

from __future__ import annotations

import re
from decimal import Decimal

import phonenumbers
import pytest
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries
from simplepycons import all_icons  # type: ignore[attr-defined]

from verifications.models import Country, PriceRule, Service
from verifications.services import catalog_load


def test_table_is_complete_and_consistent() -> None:
    services, countries = catalog_load.service_table(), catalog_load.country_table()

    assert len(services) == 89
    assert len({code for country in countries for code in country.handler}) == 206
    for column in ("code", "slug", "name"):
        assert len({getattr(service, column) for service in services}) == 89
    assert len({country.iso2 for country in countries}) == len({country.name for country in countries}) == 205
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", service.slug) for service in services)


def test_readable_slugs() -> None:
    slugs = {service.code: service.slug for service in catalog_load.service_table()}

    assert [slugs[code] for code in ("wa", "go", "tw", "me", "ot", "lf")] == [
        "whatsapp",
        "google",
        "twitter",
        "line",
        "any-other",
        "tiktok",
    ]


def test_icons_exist_in_the_package() -> None:
    known = set(all_icons.names())

    assert {service.icon for service in catalog_load.service_table()} - {""} <= known


@pytest.mark.parametrize("country", catalog_load.country_table(), ids=lambda country: country.iso2)
def test_dial_code_is_the_countrys(country: catalog_load.CountryEntry) -> None:
    assert str(phonenumbers.country_code_for_region(country.iso2)) == country.dial_code


def test_several_ids_may_mean_one_country() -> None:
    ids = {country.iso2: country.handler for country in catalog_load.country_table()}

    assert (ids["US"], ids["RU"]) == (("12", "187"), ("0", "222"))


@pytest.mark.django_db
def test_loading_again_changes_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first = catalog_load.load()

    with django_assert_num_queries(5):  # two savepoint statements, three reads
        second = catalog_load.load()

    assert (first.added, first.added_default_rule) == (89 + 205, True)
    assert (second.added, second.updated, second.added_default_rule) == (0, 0, False)
    assert (Service.objects.count(), Country.objects.count()) == (89, 205)


@pytest.mark.django_db
def test_staff_keep_what_is_sold_and_where_it_ranks() -> None:
    catalog_load.load()
    Service.objects.filter(code="wa").update(is_active=False, rank=77, name="Wrong name")
    Service.objects.create(code="own", slug="own", name="Ours")
    Country.objects.filter(iso2="GB").update(is_active=False, dial_code="1")

    loaded = catalog_load.load()

    whatsapp = Service.objects.get(code="wa")
    assert loaded.updated == 2
    assert (whatsapp.name, whatsapp.is_active, whatsapp.rank) == ("WhatsApp", False, 77)
    assert Service.objects.filter(code="own").exists()
    assert (Country.objects.get(iso2="GB").is_active, Country.objects.get(iso2="GB").dial_code) == (
        False,
        "44",
    )


@pytest.mark.django_db
def test_default_rule_of_the_staff_stays() -> None:
    PriceRule.objects.all().delete()
    PriceRule.objects.create(kind="fixed", value=Decimal(1))

    assert not catalog_load.load().added_default_rule
    assert PriceRule.objects.get().kind == "fixed"


@pytest.mark.django_db
def test_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_catalogue")
    call_command("load_catalogue")

    assert capsys.readouterr().out.splitlines() == [
        "Catalogue: 294 added, 0 updated.",
        "Price rule added: 45 % on top of the cost, at least 0.03.",
        "Catalogue: 0 added, 0 updated.",
    ]
