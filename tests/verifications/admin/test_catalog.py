"""Catalogue and providers in the staff console."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_redis import get_redis_connection
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.factories.catalog import (
    CountryFactory,
    OfferFactory,
    PriceListFactory,
    PriceRuleFactory,
    ProviderFactory,
    ServiceCodeFactory,
    ServiceFactory,
)
from tests.factories.signing_in import sign_in
from verifications import tasks
from verifications.models import Offer, PriceRule, Provider, ProviderServiceCode, Service
from verifications.services import catalog_load, catalog_summary, catalog_sync, health

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    get_redis_connection("default").flushdb()
    sign_in(client, StaffFactory.create())
    return client


def url(model: str, page: str = "changelist", *args: object) -> str:
    return reverse(f"admin:verifications_{model}_{page}", args=args)


def run(staff: Client, action: str, *rows: Any, **more: str) -> Any:
    model = rows[0]._meta.model_name
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return staff.post(url(model), data, follow=True)


# --- Every page opens -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "model",
    ["service", "country", "provider", "providerservicecode", "providercountrycode", "offer", "pricerule"],
)
def test_lists_and_forms_open(staff: Client, model: str) -> None:
    PriceRuleFactory.create()
    offer = OfferFactory.create(provider__balance=Decimal("12.5"))
    ServiceCodeFactory.create(provider=offer.provider, service=offer.service)
    rows = {
        "service": offer.service,
        "country": offer.country,
        "provider": offer.provider,
        "providerservicecode": ProviderServiceCode.objects.get(),
        "providercountrycode": offer.price_list,
        "offer": offer,
        "pricerule": PriceRule.objects.latest("pk"),
    }

    assert staff.get(url(model)).status_code == 200
    assert staff.get(url(model), {"mapping": "all"} if "code" in model else {}).status_code == 200
    assert staff.get(url(model, "change", rows[model].pk)).status_code == 200
    assert staff.get(url(model, "add")).status_code == (403 if model == "offer" else 200)
    assert staff.get(url(model), {"q": "x"}).status_code == 200


@pytest.mark.parametrize("model", ["service", "provider", "offer"])
def test_customers_are_kept_out(client: Client, model: str) -> None:
    client.force_login(UserFactory.create())

    assert client.get(url(model)).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_offer_list_query_count_is_constant(
    staff: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        OfferFactory.create()

    with django_assert_num_queries(6):
        staff.get(url("offer"))


def test_offers_cannot_be_changed(staff: Client) -> None:
    offer = OfferFactory.create()

    assert staff.post(url("offer", "change", offer.pk), {"cost": "0.01"}).status_code == 403
    assert staff.post(url("offer", "delete", offer.pk), {"post": "yes"}).status_code == 403


# --- Providers --------------------------------------------------------------------------------------------------------
def test_switching_off_asks_for_a_reason_and_keeps_it(
    staff: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    provider = ProviderFactory.create()
    page = run(staff, "switch_off", provider)
    address = page.redirect_chain[-1][0]
    assert "Nothing more is sold from there" in page.text

    assert "A reason is needed" in staff.post(address, {"reason": "  "}).text
    provider.refresh_from_db()
    assert provider.is_enabled

    with django_capture_on_commit_callbacks(execute=True):
        staff.post(address, {"reason": "Sells dead numbers"})
    provider.refresh_from_db()
    assert (provider.is_enabled, provider.disabled_reason) == (False, "Sells dead numbers")
    entry = provider.history.first()
    assert (entry.history_change_reason, entry.history_user.is_staff) == ("Sells dead numbers", True)
    assert "Off: Sells dead numbers" in staff.get(url("provider")).text


def test_switching_off_takes_its_prices_from_the_service_list(
    staff: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    PriceRuleFactory.create()
    offer = OfferFactory.create()
    with django_capture_on_commit_callbacks(execute=True):
        catalog_summary.refresh()
    assert Service.objects.get(pk=offer.service.pk).from_price == Decimal("0.30")

    with django_capture_on_commit_callbacks(execute=True):
        staff.post(f"{url('provider', 'switch_off')}?ids={offer.provider.pk}", {"reason": "test"})

    assert Service.objects.get(pk=offer.service.pk).from_price is None


def test_switching_needs_its_permission(client: Client, support_may: Callable[..., None]) -> None:
    person = ClerkFactory.create()
    support_may("verifications.change_provider")
    sign_in(client, person)
    provider = ProviderFactory.create()

    assert (
        client.post(f"{url('provider', 'switch_off')}?ids={provider.pk}", {"reason": "x"}).status_code == 403
    )
    run(client, "switch_on", ProviderFactory.create(is_enabled=False))
    assert Provider.objects.filter(is_enabled=True).get() == provider


def test_old_version_is_read_and_not_put_back(client: Client, support_may: Callable[..., None]) -> None:
    """The package lets whoever may look write any version, with columns that no form shows: the switch among them."""
    provider = ProviderFactory.create(is_enabled=True)
    provider.is_enabled, provider.disabled_reason = False, "sells dead numbers"
    provider.save()
    page = url("provider", "simple_history", provider.pk, provider.history.last().pk)
    posted = {
        "name": "Mine", "slug": provider.slug, "priority": 1, "adapter": provider.adapter, "base_url": provider.base_url,
        "credential_variable": "X", "dialect": "{}", "currency": "USD", "rate": "1", "low_balance_threshold": "1",
        "rate_limit_per_s": "1", "burst": "1", "lifetime_s": "60", "cancel_lock_s": "0",
    }  # fmt: skip
    for person in (ClerkFactory.create(), StaffFactory.create()):
        support_may("verifications.view_provider")
        sign_in(client, person)

        assert client.get(page).status_code == 200
        assert client.post(page, posted).status_code == 403

    after = Provider.objects.get()
    assert (after.name, after.is_enabled) == (provider.name, False)


def test_asking_for_prices_and_balance_needs_its_permission(
    client: Client, support_may: Callable[..., None]
) -> None:
    support_may("verifications.change_provider")
    sign_in(client, ClerkFactory.create())

    offered = client.get(url("provider", "changelist")).text

    assert "refresh_offers" not in offered
    assert "check_balance" not in offered


def test_switching_on_needs_a_key(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = ProviderFactory.create(is_enabled=False, disabled_reason="old reason")

    assert "TEST_PROVIDER_KEY" in run(staff, "switch_on", provider).text
    monkeypatch.setenv("TEST_PROVIDER_KEY", "very-secret")
    run(staff, "switch_on", provider)

    provider.refresh_from_db()
    assert (provider.is_enabled, provider.disabled_reason) == (True, "")


def test_key_is_never_shown(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = ProviderFactory.create()
    page = url("provider", "change", provider.pk)
    assert "No key: set TEST_PROVIDER_KEY" in staff.get(page).text

    monkeypatch.setenv("TEST_PROVIDER_KEY", "very-secret")
    assert "very-secret" not in staff.get(page).text
    assert "No key" not in staff.get(page).text


def test_list_shows_breaker_offers_and_unmapped_codes(staff: Client) -> None:
    provider = ProviderFactory.create()
    for iso2, count in (("GB", 300), ("FR", 41)):
        PriceListFactory.create(
            provider=provider, country=CountryFactory.create(iso2=iso2), offer_count=count
        )
    ProviderServiceCode.objects.create(provider=provider, code="arrives_3s")
    health.trip(provider.slug, 60, "auth")

    page = staff.get(url("provider")).text

    assert "341" in page
    assert "1 services" in page
    assert "Open: not called" in page


def test_new_provider_gets_the_codes_of_our_table(staff: Client) -> None:
    catalog_load.load()
    form = {
        "name": "New", "slug": "new", "adapter": "handler", "base_url": "https://seller.example/api.php",
        "credential_variable": "NEW_KEY", "dialect": "{}", "currency": "USD", "rate": "1", "low_balance_threshold": "5",
        "rate_limit_per_s": "20", "burst": "20", "lifetime_s": "1200", "cancel_lock_s": "120", "priority": "100",
    }  # fmt: skip

    response = staff.post(url("provider", "add"), form)

    assert response.status_code == 302
    provider = Provider.objects.get(slug="new")
    assert (provider.is_enabled, provider.country_codes.count()) == (False, 206)

    response = staff.post(url("provider", "add"), {**form, "slug": "other", "dialect": '{"has_v9": true}'})
    assert "has_v9" in response.text


def test_refresh_is_queued(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.refresh_provider_offers, "delay", queued.append)
    provider = ProviderFactory.create()

    run(staff, "refresh_offers", provider)

    assert queued == [provider.pk]


def test_refresh_without_a_queue_says_so(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: int) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.refresh_provider_offers, "delay", away)

    assert "The queue cannot be reached" in run(staff, "refresh_offers", ProviderFactory.create()).text


@pytest.mark.parametrize(
    ("amount", "words"), [(Decimal("12.3"), "12.30 USD"), (None, "did not tell its balance")]
)
def test_balance_is_asked_for(
    staff: Client, monkeypatch: pytest.MonkeyPatch, amount: Decimal | None, words: str
) -> None:
    monkeypatch.setattr(catalog_sync, "check_balance", lambda provider: amount)

    assert words in run(staff, "check_balance", ProviderFactory.create()).text


# --- Codes ------------------------------------------------------------------------------------------------------------
def test_codes_open_with_the_unmapped_ones(staff: Client) -> None:
    mapped = ServiceCodeFactory.create(code="known-code")
    ProviderServiceCode.objects.create(provider=mapped.provider, code="arrives_3s")

    page = staff.get(url("providerservicecode")).text
    assert ("arrives_3s" in page, "known-code" in page) == (True, False)
    page = staff.get(url("providerservicecode"), {"mapping": "mapped"}).text
    assert ("arrives_3s" in page, "known-code" in page) == (False, True)


def test_mapping_in_the_list_moves_the_offers(
    staff: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    code = ServiceCodeFactory.create()
    OfferFactory.create(provider=code.provider, service=code.service, service_code=code.code)
    other = ServiceFactory.create()
    form = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(code.pk), "form-0-service": str(other.pk),
        "_save": "Save",
    }  # fmt: skip

    with django_capture_on_commit_callbacks(execute=True):
        staff.post(f"{url('providerservicecode')}?mapping=all", form)

    code.refresh_from_db()
    assert code.service == other
    assert Offer.objects.get().service == other


def test_codes_map_by_name(staff: Client) -> None:
    service = ServiceFactory.create(name="Grindr")
    provider = ProviderFactory.create()
    named = ProviderServiceCode.objects.create(provider=provider, code="yw", name="grindr")
    unknown = ProviderServiceCode.objects.create(provider=provider, code="qq", name="Nobody")
    place = PriceListFactory.create(provider=provider, country=None, code="900", name="Atlantis (DE)")
    CountryFactory.create(iso2="DE")

    assert "1 codes mapped" in run(staff, "map_by_name", named, unknown).text
    assert "1 codes mapped" in run(staff, "map_by_name", place).text
    named.refresh_from_db()
    place.refresh_from_db()
    assert (named.service, place.country and place.country.iso2) == (service, "DE")


# --- Services and rules -----------------------------------------------------------------------------------------------
def test_service_of_our_table_keeps_its_code_and_name(staff: Client) -> None:
    catalog_load.load()
    whatsapp = Service.objects.get(code="wa")

    staff.post(
        url("service", "change", whatsapp.pk), {"rank": "5", "name": "Mine", "code": "zz", "slug": "zz"}
    )

    whatsapp.refresh_from_db()
    assert (whatsapp.rank, whatsapp.name, whatsapp.code, whatsapp.is_active) == (5, "WhatsApp", "wa", False)
    assert staff.post(url("service", "delete", whatsapp.pk), {"post": "yes"}).status_code == 403


def test_rule_shows_what_it_makes_of_costs(staff: Client) -> None:
    PriceRule.objects.all().delete()
    PriceRuleFactory.create(value=50)

    page = staff.get(url("pricerule")).text

    assert "$0.20 → $0.30 · $1.00 → $1.50" in page
    assert "Everything else" in page


def test_rule_has_a_history_and_moves_the_prices_shown(
    staff: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    PriceRule.objects.all().delete()
    rule = PriceRuleFactory.create()
    offer = OfferFactory.create()
    form = {"service": "", "country": "", "kind": "fixed", "value": "0.5", "minimum_margin": "0.02"}

    with django_capture_on_commit_callbacks(execute=True):
        response = staff.post(url("pricerule", "change", rule.pk), form)

    assert response.status_code == 302
    assert rule.history.count() == 2
    assert Service.objects.get(pk=offer.service.pk).from_price == Decimal("0.70")
    assert staff.get(url("pricerule", "history", rule.pk)).status_code == 200
