"""Refreshing a provider's price lists and balances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from django.utils import timezone
from django_redis import get_redis_connection

from tests.factories.catalog import (
    CountryFactory,
    PriceListFactory,
    PriceRuleFactory,
    ProviderFactory,
    ServiceCodeFactory,
    ServiceFactory,
)
from verifications.models import Offer, Provider, Service
from verifications.providers import PROVIDERS
from verifications.providers.base import Balance, OfferRow, ProviderAccount, ProviderCode
from verifications.providers.errors import AuthFailed, NoBalance, NotSupported, ProviderError, Unreachable
from verifications.services import catalog_sync

pytestmark = pytest.mark.django_db


@dataclass
class Shop:
    """What the provider answers, and what it was asked."""

    lists: dict[str, list[OfferRow] | ProviderError] = field(default_factory=dict)
    balance: Decimal | ProviderError = Decimal(100)
    asked: list[str] = field(default_factory=list)
    during: Iterator[None] | None = None


class ListAdapter:
    """Answers from a shop that the test holds."""

    shop = Shop()

    def __init__(self, account: ProviderAccount) -> None:
        self.account = account

    def services(self) -> list[ProviderCode]:
        raise NotSupported

    countries = services

    def offers(self, country_code: str) -> Iterator[OfferRow]:
        self.shop.asked.append(country_code)
        if self.shop.during is not None:
            next(self.shop.during)
        answer = self.shop.lists.get(country_code, [])
        if isinstance(answer, ProviderError):
            yield OfferRow("wa", country_code, "half", Decimal(1), 1)
            raise answer
        yield from answer

    def balance(self) -> Balance:
        if isinstance(self.shop.balance, ProviderError):
            raise self.shop.balance
        return Balance(self.shop.balance, "USD")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    get_redis_connection("default").flushdb()
    shop = Shop()
    monkeypatch.setattr(ListAdapter, "shop", shop)
    monkeypatch.setitem(PROVIDERS, "handler", ListAdapter)
    monkeypatch.setenv("TEST_PROVIDER_KEY", "key")
    return shop


@pytest.fixture
def provider(shop: Shop) -> Provider:
    """A provider with WhatsApp mapped and price lists for two countries, none of them read yet."""
    provider: Provider = ProviderFactory.create(rate=Decimal("0.5"))
    ServiceCodeFactory.create(provider=provider, service=ServiceFactory.create(code="wa", slug="whatsapp"))
    for iso2 in ("GB", "DE"):
        PriceListFactory.create(
            provider=provider, country=CountryFactory.create(iso2=iso2), prices_seen_at=None
        )
    return provider


def row(country: str, *, service: str = "wa", cost: str = "0.20") -> OfferRow:
    return OfferRow(service, country, "", Decimal(cost), 5)


def test_refresh_stores_every_mapped_list(shop: Shop, provider: Provider) -> None:
    shop.lists = {"gb": [row("gb"), row("gb", service="arrives_3s")], "de": [row("de", cost="0.30")]}

    result = catalog_sync.refresh_provider(provider.pk)

    assert (result.lists, result.offers, result.changed, result.errors) == (2, 2, 2, 0)
    costs = dict(Offer.objects.values_list("country__iso2", "cost"))
    assert costs == {"GB": Decimal("0.10"), "DE": Decimal("0.15")}
    provider.refresh_from_db()
    assert provider.offers_refreshed_at is not None
    assert provider.refresh_claimed_until is None


def test_list_that_fails_half_way_keeps_its_offers_and_its_age(shop: Shop, provider: Provider) -> None:
    shop.lists = {"gb": [row("gb")], "de": [row("de")]}
    catalog_sync.refresh_provider(provider.pk)
    first_read = dict(provider.country_codes.values_list("code", "prices_seen_at"))
    shop.lists["gb"] = Unreachable()

    result = catalog_sync.refresh_provider(provider.pk)

    assert (result.lists, result.errors) == (1, 1)
    assert Offer.objects.filter(country__iso2="GB").get().operator == ""
    assert provider.country_codes.get(code="gb").prices_seen_at == first_read["gb"]
    assert provider.country_codes.get(code="de").prices_seen_at != first_read["de"]


def test_fault_that_will_repeat_ends_the_run(shop: Shop, provider: Provider) -> None:
    shop.lists = {"gb": AuthFailed(), "de": [row("de")]}

    result = catalog_sync.refresh_provider(provider.pk)

    assert (len(shop.asked), result.errors) == (1, 1)
    provider.refresh_from_db()
    assert (provider.offers_refreshed_at, provider.refresh_claimed_until) == (None, None)


def test_five_errors_in_a_row_end_the_run(shop: Shop, provider: Provider) -> None:
    for number in range(9):
        PriceListFactory.create(
            provider=provider, country=CountryFactory.create(iso2="FR"), code=f"c{number}"
        )
    shop.lists = {code: Unreachable() for code in ["gb", "de", *(f"c{number}" for number in range(9))]}

    assert catalog_sync.refresh_provider(provider.pk).errors == 5


def test_only_one_refresh_of_a_provider_runs(shop: Shop, provider: Provider) -> None:
    second = []

    def start_another() -> Iterator[None]:
        second.append(catalog_sync.refresh_provider(provider.pk))
        yield
        yield

    shop.during = start_another()
    first = catalog_sync.refresh_provider(provider.pk)

    assert (first.lists, first.was_busy, second[0].was_busy) == (2, False, True)
    shop.during = None
    assert catalog_sync.refresh_provider(provider.pk).lists == 2


def test_claim_of_a_dead_refresh_runs_out(shop: Shop, provider: Provider) -> None:
    now = timezone.now()
    Provider.objects.update(refresh_claimed_until=now + dt.timedelta(seconds=60))
    assert catalog_sync.refresh_provider(provider.pk).was_busy

    Provider.objects.update(refresh_claimed_until=now - dt.timedelta(seconds=1))
    assert not catalog_sync.refresh_provider(provider.pk).was_busy


def test_missing_key_is_an_error_and_not_an_empty_list(
    shop: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.lists = {"gb": [row("gb")]}
    catalog_sync.refresh_provider(provider.pk)
    monkeypatch.delenv("TEST_PROVIDER_KEY")

    assert catalog_sync.refresh_provider(provider.pk).errors == 1
    assert Offer.objects.count() == 1


def test_lists_the_provider_does_not_name_are_not_asked_for(shop: Shop, provider: Provider) -> None:
    provider.country_codes.filter(code="gb").update(seen_at=timezone.now())

    catalog_sync.refresh_provider(provider.pk)

    assert shop.asked == ["gb"]


def test_refresh_updates_the_digest(shop: Shop, provider: Provider) -> None:
    PriceRuleFactory.create()
    shop.lists = {"gb": [row("gb", cost="0.60")], "de": [row("de", cost="0.40")]}

    catalog_sync.refresh_provider(provider.pk)

    service = Service.objects.get()
    assert (service.from_price, service.country_count) == (Decimal("0.30"), 2)


def test_refresh_keeps_the_history_of_the_provider_quiet(shop: Shop, provider: Provider) -> None:
    before = provider.history.count()

    catalog_sync.refresh_provider(provider.pk)
    catalog_sync.check_balances()

    assert provider.history.count() == before


@pytest.mark.parametrize(
    ("was_low", "balance", "is_low"),
    [
        (False, "5.00", False),
        (False, "4.99", True),
        (True, "5.50", True),
        (True, "6.00", False),
        (True, "0", True),
    ],
)
def test_low_balance_switch_does_not_flap(
    shop: Shop, provider: Provider, was_low: bool, balance: str, is_low: bool
) -> None:
    Provider.objects.update(low_balance_threshold=5, is_low_on_balance=was_low)
    shop.balance = Decimal(balance)

    catalog_sync.check_balances()

    provider.refresh_from_db()
    assert (provider.is_low_on_balance, provider.balance) == (is_low, Decimal(balance))
    assert provider.balance_checked_at is not None


def test_empty_balance_is_low_even_without_a_threshold(shop: Shop, provider: Provider) -> None:
    Provider.objects.update(low_balance_threshold=0)
    shop.balance = NoBalance()

    catalog_sync.check_balances()

    provider.refresh_from_db()
    assert (provider.is_low_on_balance, provider.balance) == (True, Decimal(0))


@pytest.mark.parametrize("error", [Unreachable(), AuthFailed()])
def test_balance_that_cannot_be_read_moves_no_switch(
    shop: Shop, provider: Provider, error: ProviderError
) -> None:
    Provider.objects.update(is_low_on_balance=True, balance=3)
    shop.balance = error

    catalog_sync.check_balances()

    provider.refresh_from_db()
    assert (provider.is_low_on_balance, provider.balance) == (True, Decimal(3))


def test_only_providers_in_use_are_refreshed(shop: Shop, provider: Provider) -> None:
    ProviderFactory.create(is_enabled=False)
    low = ProviderFactory.create(is_low_on_balance=True)

    assert sorted(catalog_sync.providers_to_refresh()) == [provider.pk, low.pk]
