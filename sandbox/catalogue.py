"""What each vendor sells, in the vendor's own words, and at which price."""

import json
import zlib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.scenarios import SCENARIOS, title_of

_DATA = Path(__file__).parent / "data"
_CHEAP = frozenset(
    [
        "RU",
        "UA",
        "KZ",
        "PH",
        "ID",
        "KE",
        "VN",
        "KG",
        "IN",
        "NG",
        "EG",
        "KH",
        "LA",
        "MA",
        "GH",
        "UZ",
        "BD",
        "PK",
        "LK",
        "MM",
    ]
)
_DEAR = frozenset(
    [
        "US",
        "CA",
        "DE",
        "FR",
        "GB",
        "JP",
        "CH",
        "AU",
        "NO",
        "DK",
        "SE",
        "FI",
        "AT",
        "BE",
        "SG",
        "IL",
        "NZ",
        "IT",
    ]
)
_SIM_OPERATORS = ("virtual1", "virtual4", "virtual21")
_PRICE_PLACES = Decimal("0.001")
_LOWEST, _HIGHEST = Decimal("0.05"), Decimal("1.50")

HERO_RUSSIA = "222"


@dataclass(frozen=True, slots=True)
class Place:
    """A country as one vendor lists it."""

    code: str
    name: str
    iso2: str
    dial: str


@cache
def _load(name: str) -> Any:
    return json.loads((_DATA / name).read_text(encoding="utf-8"))


def _share(*parts: str) -> Decimal:
    """A number from 0 to 1 that is the same in every run: prices must not move between two starts."""
    return Decimal(zlib.crc32("|".join(parts).encode()) % 10_000) / 10_000


class Catalogue:
    """Services, countries, operators, list prices and stock of one vendor; plain reads, no state."""

    def __init__(
        self,
        vendor: str,
        *,
        services: dict[str, str],
        countries: dict[str, Place],
        text_services: dict[str, str],
        operator_prices: bool,
        default_country: str | None = None,
    ) -> None:
        self.vendor = vendor
        self.default_country = default_country
        self.services = services | {code: title_of(code) for code in SCENARIOS}
        self.countries = countries
        self._text_services = text_services
        self._operator_prices = operator_prices
        # The handler table is ordered by use, so its beginning is what everybody buys.
        self._popular = frozenset([*list(_load("handler_codes.json")["services"])[:24], *SCENARIOS])
        self._prices: dict[tuple[str, str, str], Decimal] = {}

    def text_service(self, service: str) -> str:
        """The handler code under which texts.py knows a service."""
        return self._text_services.get(service, service)

    def service_name(self, service: str) -> str:
        """Readable name, as written in an SMS."""
        names: dict[str, str] = _load("handler_codes.json")["services"]
        return names.get(self.text_service(service)) or self.services[service]

    def operators(self, country: str) -> tuple[str, ...]:
        """Networks of a country, without `any`."""
        table: dict[str, list[str]] = _load("operators.json")
        return tuple(table.get(self.countries[country].iso2, _SIM_OPERATORS))

    def cheapest_operator(self, service: str, country: str) -> str:
        """The network a buyer of `any` gets."""
        return min(self.operators(country), key=lambda name: self.price(service, country, name))

    def price(self, service: str, country: str, operator: str = "any") -> Decimal:
        """List price in USD before the vendor's price factor."""
        key = (service, country, operator if self._operator_prices else "any")
        price = self._prices.get(key)
        if price is None:
            price = self._prices[key] = self._compute_price(*key)
        return price

    def _compute_price(self, service: str, country: str, operator: str) -> Decimal:
        if operator == "any" and self._operator_prices:
            return min(self.price(service, country, name) for name in self.operators(country))
        iso2, code = self.countries[country].iso2, self.text_service(service)
        base = Decimal("0.06") + _share(code, iso2) * Decimal("0.22" if code in self._popular else "0.70")
        tier = Decimal("0.7") if iso2 in _CHEAP else Decimal("1.6") if iso2 in _DEAR else Decimal(1)
        own = Decimal("0.88") + _share(self.vendor, code, iso2, operator) * Decimal("0.3")
        return min(max(base * tier * own, _LOWEST), _HIGHEST).quantize(_PRICE_PLACES)

    def stock(self, service: str, country: str, operator: str = "any") -> int:
        """Numbers on the shelf; always some, since by default everything can be bought."""
        if operator == "any" and self._operator_prices:
            return sum(self.stock(service, country, name) for name in self.operators(country))
        top = 18_000 if self.text_service(service) in self._popular else 2_400
        return 24 + int(_share("stock", self.vendor, service, country, operator) * top)


def _handler_countries(*, hero: bool) -> dict[str, Place]:
    # HeroSMS knows Russia as 222, has no 0 and no 12, and adds 203 and 204; the classic table ends at 202.
    raw = _load("handler_codes.json")["countries"]
    unlisted = {"0", "12"} if hero else {"203", "204", HERO_RUSSIA}
    return {
        code: Place(code, "Russia" if code == HERO_RUSSIA else entry["name"], entry["iso2"], entry["dial"])
        for code, entry in raw.items()
        if code not in unlisted
    }


def handler_catalogue(vendor: str, *, hero: bool) -> Catalogue:
    """The table of the handler dialect, classic or with the HeroSMS ids."""
    services: dict[str, str] = _load("handler_codes.json")["services"]
    return Catalogue(
        vendor,
        services=dict(services),
        countries=_handler_countries(hero=hero),
        text_services={},
        operator_prices=False,
        default_country=None if hero else "0",
    )


def fivesim_catalogue(vendor: str) -> Catalogue:
    """The names of 5SIM; each operator has its own price."""
    raw = _load("fivesim_names.json")
    countries = {
        slug: Place(slug, entry["name"], entry["iso2"], entry["dial"])
        for slug, entry in raw["countries"].items()
    }
    products: dict[str, str] = raw["products"]
    return Catalogue(
        vendor,
        services={slug: slug for slug in products},
        countries=countries,
        text_services=products,
        operator_prices=True,
    )
