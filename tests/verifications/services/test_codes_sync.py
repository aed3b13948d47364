"""Which of a provider's codes mean what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

import pytest
import time_machine

from tests.factories.catalog import (
    OfferFactory,
    PriceListFactory,
    ProviderFactory,
    ServiceCodeFactory,
    ServiceFactory,
)
from verifications.models import Offer, ProviderCountryCode, ProviderServiceCode
from verifications.providers.base import ProviderCode
from verifications.providers.errors import NotSupported, Unreachable
from verifications.services import catalog_load, codes_sync

pytestmark = pytest.mark.django_db


class Lists:
    """The part of an adapter that lists codes."""

    def __init__(self, services: Iterable[ProviderCode] = (), countries: Iterable[ProviderCode] = ()) -> None:
        self._services, self._countries = list(services), list(countries)
        self.calls = 0

    def services(self) -> list[ProviderCode]:
        self.calls += 1
        return self._services

    def countries(self) -> list[ProviderCode]:
        self.calls += 1
        return self._countries


def refresh(provider: object, adapter: object) -> int:
    return codes_sync.refresh_codes(provider, adapter)  # type: ignore[arg-type]


def test_seeding_a_handler_maps_every_code_of_our_table() -> None:
    catalog_load.load()
    provider = ProviderFactory.create(adapter="handler")

    assert codes_sync.seed_codes(provider) == 89 + 206
    mapped = dict(provider.country_codes.values_list("code", "country__iso2"))
    assert (mapped["12"], mapped["187"], mapped["0"], mapped["222"], mapped["18"]) == (
        "US",
        "US",
        "RU",
        "RU",
        "CD",
    )
    assert provider.service_codes.filter(code="tg", service__slug="telegram").exists()


def test_seeding_5sim_maps_its_own_names() -> None:
    catalog_load.load()
    provider = ProviderFactory.create(adapter="fivesim")
    codes_sync.seed_codes(provider)

    mapped = dict(provider.country_codes.values_list("code", "country__iso2"))
    assert (len(mapped), mapped["england"], mapped["tit"], mapped["usa"]) == (86, "GB", "TT", "US")
    services = dict(provider.service_codes.values_list("code", "service__slug"))
    assert (len(services), services["vkontakte"], services["grabtaxi"]) == (56, "vk", "grab")


def test_seeding_again_leaves_the_mappings_of_staff() -> None:
    catalog_load.load()
    provider = ProviderFactory.create()
    codes_sync.seed_codes(provider)
    provider.service_codes.filter(code="wa").update(service=None)

    assert codes_sync.seed_codes(provider) == 0
    assert provider.service_codes.get(code="wa").service is None


def test_provider_with_its_own_codes_is_not_seeded() -> None:
    catalog_load.load()
    provider = ProviderFactory.create(dialect={"own_codes": True})

    assert codes_sync.seed_codes(provider) == 0


def test_codes_new_to_us_are_recorded_unmapped() -> None:
    catalog_load.load()
    provider = ProviderFactory.create()
    codes_sync.seed_codes(provider)
    adapter = Lists(
        [ProviderCode("wa", "WhatsApp"), ProviderCode("arrives_3s", "Arrives after 3 s")],
        [ProviderCode("6", "Indonesia", "id"), ProviderCode("900", "Atlantis", "xx")],
    )

    unmapped = refresh(provider, adapter)

    assert unmapped == 2
    scenario = provider.service_codes.get(code="arrives_3s")
    assert (scenario.service, scenario.name) == (None, "Arrives after 3 s")
    assert provider.country_codes.get(code="900").name == "Atlantis (XX)"
    assert provider.service_codes.filter(code="wa", service__slug="whatsapp").exists()
    seen = provider.country_codes.filter(seen_at__isnull=False).values_list("code", flat=True)
    assert sorted(seen) == ["6", "900"]


def test_lists_are_read_once_an_hour() -> None:
    provider = ProviderFactory.create()
    adapter = Lists([ProviderCode("wa", "WhatsApp")], [ProviderCode("6", "Indonesia")])

    with time_machine.travel("2026-11-20T10:00:00Z", tick=False) as clock:
        refresh(provider, adapter)
        refresh(provider, adapter)
        assert adapter.calls == 2
        clock.shift(dt.timedelta(minutes=61))
        refresh(provider, adapter)
        assert adapter.calls == 4


def test_protocol_without_lists_is_no_error() -> None:
    class Silent(Lists):
        def services(self) -> list[ProviderCode]:
            raise NotSupported

        def countries(self) -> list[ProviderCode]:
            raise NotSupported

    provider = ProviderFactory.create()

    assert refresh(provider, Silent()) == 0


def test_error_is_not_an_empty_list() -> None:
    class Away(Lists):
        def services(self) -> list[ProviderCode]:
            raise Unreachable

    with pytest.raises(Unreachable):
        refresh(ProviderFactory.create(), Away())


def test_odd_lists_are_cut_to_size() -> None:
    provider = ProviderFactory.create()
    codes = [
        ProviderCode("x" * 81, "long"),
        ProviderCode("", "empty"),
        ProviderCode("ok", "n" * 200),
        ProviderCode("ok", "again"),
    ]

    refresh(provider, Lists(codes))

    assert provider.service_codes.get().name == "again"


def test_offers_follow_a_service_that_staff_remap() -> None:
    code = ServiceCodeFactory.create()
    offer = OfferFactory.create(provider=code.provider, service=code.service, service_code=code.code)
    other = OfferFactory.create(service=code.service, service_code=code.code)
    code.service = ServiceFactory.create()
    code.save()

    codes_sync.remap_service(code)

    assert Offer.objects.get(pk=offer.pk).service == code.service
    assert Offer.objects.get(pk=other.pk).service != code.service
    ProviderServiceCode.objects.update(service=None)
    codes_sync.remap_service(ProviderServiceCode.objects.get(pk=code.pk))
    assert list(Offer.objects.all()) == [other]


def test_offers_follow_a_country_that_staff_remap() -> None:
    offer = OfferFactory.create(cost=Decimal("0.10"))
    code = offer.price_list
    code.country = PriceListFactory.create().country
    code.save()

    codes_sync.remap_country(code)

    assert Offer.objects.get().country == code.country
    code.country = None
    code.save()
    codes_sync.remap_country(code)
    assert not Offer.objects.exists()
    assert ProviderCountryCode.objects.get(pk=code.pk).prices_seen_at is None


def test_suggestions_come_from_name_or_iso_code() -> None:
    catalog_load.load()
    provider = ProviderFactory.create(adapter="fivesim")

    def country(name: str) -> str | None:
        found = codes_sync.suggest_country(ProviderCountryCode(provider=provider, code="x", name=name))
        return found.iso2 if found else None

    def service(name: str) -> str | None:
        found = codes_sync.suggest_service(ProviderServiceCode(provider=provider, code="x", name=name))
        return found.slug if found else None

    assert (country("Afghanistan (AF)"), country("benin"), country("Ivory C (CI)"), country("Atlantis")) == (
        "AF",
        "BJ",
        "CI",
        None,
    )
    assert (service("whatsapp"), service("Nobody")) == ("whatsapp", None)
