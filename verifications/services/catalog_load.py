"""Our own table of services and countries, from `verifications/data/`, into the database.

Name, icon, keywords and dial code of a row in the table follow the table. Whether it is sold and where it ranks are the
staff's from the moment the row exists, and so is every service they add themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction

from verifications.models import Country, PriceRule, Service

_DATA = Path(__file__).resolve().parent.parent / "data"
_SERVICE_COLUMNS = ("name", "icon", "keywords")
_COUNTRY_COLUMNS = ("name", "dial_code")
DEFAULT_PERCENT = Decimal(45)
DEFAULT_MINIMUM_MARGIN = Decimal("0.03")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load changed."""

    added: int
    updated: int
    added_default_rule: bool


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """One service of our table. `fivesim` is empty where 5SIM's name for it is not confirmed."""

    code: str
    slug: str
    name: str
    icon: str
    keywords: str
    fivesim: str


@dataclass(frozen=True, slots=True)
class CountryEntry:
    """One country of our table with all its ids in the handler dialect; a seller uses some of them."""

    iso2: str
    name: str
    dial_code: str
    rank: int
    handler: tuple[str, ...]
    fivesim: str


@cache
def service_table() -> tuple[ServiceEntry, ...]:
    """Every service we know, most wanted first."""
    return tuple(ServiceEntry(**row) for row in _rows("services.json"))


@cache
def country_table() -> tuple[CountryEntry, ...]:
    """Every country we know."""
    return tuple(CountryEntry(**{**row, "handler": tuple(row["handler"])}) for row in _rows("countries.json"))


@transaction.atomic
def load() -> Loaded:
    """Bring services and countries up to the table, and make sure that some price rule applies. Safe to repeat."""
    services = [
        Service(
            code=entry.code,
            slug=entry.slug,
            name=entry.name,
            icon=entry.icon,
            keywords=entry.keywords,
            rank=rank,
        )
        for rank, entry in enumerate(service_table(), start=1)
    ]
    countries = [
        Country(iso2=entry.iso2, name=entry.name, dial_code=entry.dial_code, rank=entry.rank)
        for entry in country_table()
    ]
    added_services, updated_services = _load_services(services)
    added_countries, updated_countries = _load_countries(countries)
    return Loaded(
        added=added_services + added_countries,
        updated=updated_services + updated_countries,
        added_default_rule=_ensure_default_rule(),
    )


def _load_services(table: list[Service]) -> tuple[int, int]:
    existing = {service.code: service for service in Service.objects.all()}
    changed = []
    for entry in table:
        service = existing.get(entry.code)
        if service is not None and _follow(service, entry, _SERVICE_COLUMNS):
            changed.append(service)
    missing = [entry for entry in table if entry.code not in existing]
    Service.objects.bulk_create(missing, ignore_conflicts=True)
    Service.objects.bulk_update(changed, _SERVICE_COLUMNS)
    return len(missing), len(changed)


def _load_countries(table: list[Country]) -> tuple[int, int]:
    existing = {country.iso2: country for country in Country.objects.all()}
    changed = []
    for entry in table:
        country = existing.get(entry.iso2)
        if country is not None and _follow(country, entry, _COUNTRY_COLUMNS):
            changed.append(country)
    missing = [entry for entry in table if entry.iso2 not in existing]
    Country.objects.bulk_create(missing, ignore_conflicts=True)
    Country.objects.bulk_update(changed, _COUNTRY_COLUMNS)
    return len(missing), len(changed)


def _follow(row: Service | Country, entry: Service | Country, columns: tuple[str, ...]) -> bool:
    """Copy the table's columns onto a row; whether that changed anything."""
    changed = False
    for column in columns:
        if getattr(row, column) != getattr(entry, column):
            setattr(row, column, getattr(entry, column))
            changed = True
    return changed


def _ensure_default_rule() -> bool:
    _, created = PriceRule.objects.get_or_create(
        service=None,
        country=None,
        defaults={
            "kind": PriceRule.Kind.PERCENT,
            "value": DEFAULT_PERCENT,
            "minimum_margin": DEFAULT_MINIMUM_MARGIN,
        },
    )
    return created


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_DATA / name).read_text(encoding="utf-8"))["rows"]
    return rows
