"""Names that every event carries. They identify a service or country for good, so each process reads them once."""

from __future__ import annotations

from functools import lru_cache

from verifications.models import Country, Service


@lru_cache(maxsize=8192)
def service_slug(service_id: int) -> str:
    """The service's slug."""
    return Service.objects.values_list("slug", flat=True).get(pk=service_id)


@lru_cache(maxsize=512)
def country_iso2(country_id: int) -> str:
    """The country's ISO code."""
    return Country.objects.values_list("iso2", flat=True).get(pk=country_id)
