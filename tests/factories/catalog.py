"""Services, countries, providers, price lists, offers and price rules."""

from __future__ import annotations

from decimal import Decimal

import factory
from django.utils import timezone

from verifications.models import (
    Country,
    Offer,
    PriceRule,
    Provider,
    ProviderCountryCode,
    ProviderServiceCode,
    Service,
)

_ISO = [
    "GB",
    "DE",
    "FR",
    "NL",
    "IN",
    "ID",
    "NG",
    "PH",
    "MY",
    "VN",
    "PL",
    "UA",
    "ES",
    "IT",
    "KE",
    "ZA",
    "TH",
    "SE",
]


class ServiceFactory(factory.django.DjangoModelFactory[Service]):
    """A service for sale."""

    class Meta:
        model = Service

    code = factory.Sequence(lambda number: f"s{number}")
    slug = factory.Sequence(lambda number: f"service-{number}")
    name = factory.Sequence(lambda number: f"Service {number}")
    rank = factory.Sequence(lambda number: number)


class CountryFactory(factory.django.DjangoModelFactory[Country]):
    """A country; the same ISO code again is the same row."""

    class Meta:
        model = Country
        django_get_or_create = ("iso2",)

    iso2 = factory.Sequence(lambda number: _ISO[number % len(_ISO)])
    name = factory.LazyAttribute(lambda country: f"Country {country.iso2}")
    dial_code = "44"


class ProviderFactory(factory.django.DjangoModelFactory[Provider]):
    """A provider in use, with a limit that no test meets by accident."""

    class Meta:
        model = Provider

    slug = factory.Sequence(lambda number: f"provider-{number}")
    name = factory.LazyAttribute(lambda provider: provider.slug.title())
    adapter = "handler"
    base_url = "http://127.0.0.1:9/stubs/handler_api.php"
    credential_variable = "TEST_PROVIDER_KEY"
    rate_limit_per_s = Decimal(10_000)
    burst = 10_000
    is_enabled = True


class ServiceCodeFactory(factory.django.DjangoModelFactory[ProviderServiceCode]):
    """A provider's code for a service."""

    class Meta:
        model = ProviderServiceCode

    provider = factory.SubFactory(ProviderFactory)
    service = factory.SubFactory(ServiceFactory)
    code = factory.LazyAttribute(lambda row: row.service.code)


class PriceListFactory(factory.django.DjangoModelFactory[ProviderCountryCode]):
    """A provider's code for a country, its list read just now."""

    class Meta:
        model = ProviderCountryCode
        django_get_or_create = ("provider", "code")

    provider = factory.SubFactory(ProviderFactory)
    country = factory.SubFactory(CountryFactory)
    code = factory.LazyAttribute(lambda row: row.country.iso2.lower())
    prices_seen_at = factory.LazyFunction(timezone.now)


class OfferFactory(factory.django.DjangoModelFactory[Offer]):
    """An offer that can be bought. Give `price_list`, or `provider` and `country` for a list of that pair."""

    class Meta:
        model = Offer

    provider = factory.SubFactory(ProviderFactory)
    country = factory.SubFactory(CountryFactory)
    price_list = factory.LazyAttribute(
        lambda offer: PriceListFactory(provider=offer.provider, country=offer.country)
    )
    service = factory.SubFactory(ServiceFactory)
    service_code = factory.LazyAttribute(lambda offer: offer.service.code)
    country_code = factory.LazyAttribute(lambda offer: offer.price_list.code)
    operator = ""
    cost = Decimal("0.20")
    provider_cost = factory.LazyAttribute(lambda offer: offer.cost)
    stock = 100


class PriceRuleFactory(factory.django.DjangoModelFactory[PriceRule]):
    """The default rule: half as much again, and never less than two cents."""

    class Meta:
        model = PriceRule

    kind = PriceRule.Kind.PERCENT
    value = Decimal(50)
    minimum_margin = Decimal("0.02")
