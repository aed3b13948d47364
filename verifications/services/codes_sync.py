"""Which of a provider's codes mean which service and country: seeded from our table, checked against its own lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

import structlog
from django.utils import timezone

from verifications.models import (
    Country,
    Offer,
    Provider,
    ProviderCountryCode,
    ProviderServiceCode,
    Service,
)
from verifications.providers.base import ProviderCode, SmsProvider
from verifications.providers.errors import NotSupported
from verifications.services import catalog_load
from verifications.services.provider_accounts import OWN_CODES

log = structlog.get_logger(__name__)

_CODE_LENGTH = 80
_NAME_LENGTH = 120
_LISTS_MAX_AGE = dt.timedelta(hours=1)


def seed_codes(provider: Provider) -> int:
    """Write the mappings our table knows for a provider's protocol; existing rows are the staff's and stay.

    A row with the flag `own_codes` uses a table of its own, where ours would map wrongly. A seller uses only some of the
    handler ids we write (HeroSMS has 222 for Russia, others 0); its own list tells which, and only those are read.
    """
    if provider.dialect.get(OWN_CODES):
        return 0
    services = dict(Service.objects.values_list("code", "pk"))
    countries = dict(Country.objects.values_list("iso2", "pk"))
    service_rows = [
        ProviderServiceCode(provider=provider, code=code, name=entry.name, service_id=services[entry.code])
        for entry in catalog_load.service_table()
        if entry.code in services and (code := _service_code(provider, entry))
    ]
    country_rows = [
        ProviderCountryCode(provider=provider, code=code, name=entry.name, country_id=countries[entry.iso2])
        for entry in catalog_load.country_table()
        if entry.iso2 in countries
        for code in _country_codes(provider, entry)
    ]
    known = provider.service_codes.count() + provider.country_codes.count()
    ProviderServiceCode.objects.bulk_create(service_rows, ignore_conflicts=True)
    ProviderCountryCode.objects.bulk_create(country_rows, ignore_conflicts=True)
    return provider.service_codes.count() + provider.country_codes.count() - known


def refresh_codes(provider: Provider, adapter: SmsProvider) -> int:
    """Record what a provider itself lists; codes new to us wait unmapped for staff, and nothing is sold under them.

    Lists read within the last hour are not asked for again. Returns the number of codes nobody has mapped.
    """
    now = timezone.now()
    if not provider.service_codes.filter(seen_at__gt=now - _LISTS_MAX_AGE).exists():
        rows = [
            ProviderServiceCode(provider=provider, code=code.code, name=code.name[:_NAME_LENGTH], seen_at=now)
            for code in _listed(adapter.services)
        ]
        ProviderServiceCode.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["provider", "code"], update_fields=["name", "seen_at"]
        )
    if not provider.country_codes.filter(seen_at__gt=now - _LISTS_MAX_AGE).exists():
        places = [
            ProviderCountryCode(provider=provider, code=code.code, name=_country_name(code), seen_at=now)
            for code in _listed(adapter.countries)
        ]
        ProviderCountryCode.objects.bulk_create(
            places,
            update_conflicts=True,
            unique_fields=["provider", "code"],
            update_fields=["name", "seen_at"],
        )
    return (
        provider.service_codes.filter(service=None).count()
        + provider.country_codes.filter(country=None).count()
    )


def remap_service(code: ProviderServiceCode) -> None:
    """Make offers follow a mapping that staff changed; a code just mapped gets its offers with the next refresh."""
    offers = Offer.objects.filter(provider_id=code.provider_id, service_code=code.code)
    if code.service_id is None:
        offers.delete()
    else:
        offers.exclude(service_id=code.service_id).update(service_id=code.service_id)


def remap_country(code: ProviderCountryCode) -> None:
    """As `remap_service`, for a country."""
    offers = Offer.objects.filter(price_list=code)
    if code.country_id is None:
        offers.delete()
        ProviderCountryCode.objects.filter(pk=code.pk).update(offer_count=0, prices_seen_at=None)
    else:
        offers.exclude(country_id=code.country_id).update(country_id=code.country_id)


def suggest_country(code: ProviderCountryCode) -> Country | None:
    """The country of the name or ISO code a provider gives for a code that nobody has mapped."""
    name, _, rest = code.name.partition(" (")
    return (
        Country.objects.filter(iso2=rest.rstrip(")")).first()
        or Country.objects.filter(name__iexact=name).first()
    )


def suggest_service(code: ProviderServiceCode) -> Service | None:
    """The service of the name a provider gives for a code that nobody has mapped."""
    return Service.objects.filter(name__iexact=code.name).first()


def _service_code(provider: Provider, entry: catalog_load.ServiceEntry) -> str:
    return entry.fivesim if provider.adapter == "fivesim" else entry.code


def _country_codes(provider: Provider, entry: catalog_load.CountryEntry) -> tuple[str, ...]:
    if provider.adapter == "fivesim":
        return (entry.fivesim,) if entry.fivesim else ()
    return entry.handler


def _country_name(code: ProviderCode) -> str:
    return f"{code.name} ({code.iso2.upper()})"[:_NAME_LENGTH] if code.iso2 else code.name[:_NAME_LENGTH]


def _listed(ask: Callable[[], Iterable[ProviderCode]]) -> list[ProviderCode]:
    """The codes a provider lists, once each; none where its protocol has no such list."""
    try:
        codes = {code.code: code for code in ask() if 0 < len(code.code) <= _CODE_LENGTH}
    except NotSupported:
        return []
    return list(codes.values())
