"""The sandbox as three sellers, over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings

from sandbox.testing import running_sandbox
from verifications.models import Country, Offer, PriceRule, Provider, Service
from verifications.selectors import catalog
from verifications.services import pricing, routing


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture
def _sandbox(sandbox_url: str, settings: Settings) -> None:
    get_redis_connection("default").flushdb()
    settings.SANDBOX_URL = sandbox_url


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_sandbox")
def test_sandbox_sells_after_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_catalogue")
    call_command("setup_sandbox")

    out = capsys.readouterr().out
    assert "sandbox-handler: 18067 offers in 203 price lists, 0 errors." in out
    assert set(Provider.objects.values_list("slug", "is_enabled")) == {
        ("sandbox-handler", True),
        ("sandbox-hero", True),
        ("sandbox-fivesim", True),
    }
    telegram, britain = Service.objects.get(slug="telegram"), Country.objects.get(iso2="GB")
    routes = routing.routes(service=telegram, country=britain)
    assert {route.provider.slug for route in routes} == {"sandbox-handler", "sandbox-hero", "sandbox-fivesim"}
    quote = pricing.quote(telegram, britain)
    shown = {row.iso2: row for row in catalog.country_rows(telegram)}
    assert len(shown) == 205
    assert (shown["GB"].price, shown["GB"].stock > 0) == (quote.price, True)
    assert catalog.service_cards("telegram")[0].country_count == 205
    _several_ids_are_one_country()
    _scenarios_are_not_sold()
    _second_run_changes_nothing(capsys)


def _several_ids_are_one_country() -> None:
    codes = Offer.objects.filter(country__iso2__in=["US", "RU"]).values_list("provider__slug", "country_code")
    assert set(codes) == {
        ("sandbox-handler", "0"),
        ("sandbox-handler", "12"),
        ("sandbox-handler", "187"),
        ("sandbox-hero", "187"),
        ("sandbox-hero", "222"),
        ("sandbox-fivesim", "usa"),
        ("sandbox-fivesim", "russia"),
    }


def _scenarios_are_not_sold() -> None:
    for provider in Provider.objects.all():
        unmapped = set(provider.service_codes.filter(service=None).values_list("code", flat=True))
        assert {"arrives_3s", "never_arrives", "buys_then_times_out"} <= unmapped
    assert not Offer.objects.filter(service_code="arrives_3s").exists()


def _second_run_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(Provider.objects.order_by("pk").values_list("updated_at", flat=True))
    call_command("setup_sandbox")
    assert capsys.readouterr().out.splitlines()[-1] == "Sandbox: set up, its prices are fresh."
    assert list(Provider.objects.order_by("pk").values_list("updated_at", flat=True)) == before


@pytest.mark.django_db
@pytest.mark.usefixtures("_sandbox")
def test_switch_of_the_staff_stays_and_the_address_follows(settings: Settings) -> None:
    call_command("load_catalogue")
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    for slug in ("sandbox-handler", "sandbox-hero", "sandbox-fivesim"):
        Provider.objects.create(
            slug=slug,
            name="Old",
            adapter="handler",
            base_url="http://127.0.0.1:10",
            credential_variable="OLD",
            is_enabled=False,
            priority=7,
        )

    call_command("setup_sandbox")

    rows = Provider.objects.values_list("name", "base_url", "credential_variable", "is_enabled", "priority")
    assert ("Old", "http://127.0.0.1:9/v1", "SANDBOX_API_KEY", False, 7) in set(rows)


@pytest.mark.django_db
def test_without_an_address_there_is_nothing_to_set_up(settings: Settings) -> None:
    settings.SANDBOX_URL = ""
    with pytest.raises(CommandError, match="SANDBOX_URL is not set"):
        call_command("setup_sandbox")


@pytest.mark.django_db
@pytest.mark.usefixtures("_sandbox")
def test_empty_catalogue_is_named() -> None:
    with pytest.raises(CommandError, match="Run load_catalogue first"):
        call_command("setup_sandbox")


@pytest.mark.django_db
@pytest.mark.usefixtures("_sandbox")
def test_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("load_catalogue")
    monkeypatch.delenv("SANDBOX_API_KEY")

    with pytest.raises(CommandError, match="SANDBOX_API_KEY"):
        call_command("setup_sandbox")


@pytest.mark.django_db(transaction=True)
def test_sandbox_that_does_not_answer_is_a_sentence(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("load_catalogue")
    settings.SANDBOX_URL = "http://127.0.0.1:9"

    call_command("setup_sandbox")

    assert "Is the sandbox running at http://127.0.0.1:9?" in capsys.readouterr().err
    assert not Offer.objects.exists()
    assert Provider.objects.filter(refresh_claimed_until__isnull=True).count() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_sandbox")
def test_prices_of_an_earlier_run_are_read_again() -> None:
    call_command("load_catalogue")
    PriceRule.objects.update(value=Decimal(10))
    call_command("setup_sandbox")
    Provider.objects.update(is_enabled=False)
    old = timezone.now() - dt.timedelta(hours=5)
    Provider.objects.filter(slug="sandbox-fivesim").update(is_enabled=True, offers_refreshed_at=old)

    call_command("setup_sandbox")

    refreshed = Provider.objects.filter(offers_refreshed_at__gt=timezone.now() - dt.timedelta(seconds=60))
    assert "sandbox-fivesim" in refreshed.values_list("slug", flat=True)
