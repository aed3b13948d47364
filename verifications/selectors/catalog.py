"""What is for sale and at which price: services, the countries of one service, the operators of one country.

Prices are the ones an order would be charged, so these reads leave out what routing leaves out. The offers of one service
are thousands, its countries two hundred: each query below touches the few cheapest offers of a country through the index
on (service, country, cost) and never groups over all of them. docs/benchmarks.md has the figures.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.db import connection
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils.translation import gettext

from verifications.models import Country, Provider, Service
from verifications.models.catalog import flag_of
from verifications.selectors import offers as offer_selectors
from verifications.services import health, pricing, routing

Sort = Literal["price", "stock", "name"]
_MAX_WORDS = 5
_ALL = 10_000
_LOOKS = 3  # how often a cheapest offer that was lately found empty is replaced by the next one


@dataclass(frozen=True, slots=True)
class ServiceCard:
    """A service in a list. `from_price` is the lowest of any country, None where nothing is free."""

    slug: str
    name: str
    icon: str
    from_price: Decimal | None
    country_count: int

    @property
    def initial(self) -> str:
        return next((letter for letter in self.name if letter.isalnum()), "?").upper()


@dataclass(frozen=True, slots=True)
class CountryRow:
    """A country where a service can be bought now. `stock` counts numbers that can be had at the price shown."""

    iso2: str
    name: str
    flag: str
    dial_code: str
    price: Decimal
    stock: int
    operator_count: int
    seen_at: dt.datetime


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """A choice of operator; the first of a list is any, with an empty `operator`."""

    operator: str
    label: str
    price: Decimal
    stock: int


@dataclass(frozen=True, slots=True)
class _Best:
    """The cheapest offer of one country."""

    country_id: int
    iso2: str
    name: str
    dial_code: str
    offer_id: int
    cost: Decimal
    seen_at: dt.datetime


def active_services(query: str = "") -> QuerySet[Service]:
    """Services for sale that match every word of a query in name or keywords; names that begin with it come first."""
    services = Service.objects.filter(is_active=True)
    words = query.replace("\0", "").split()[:_MAX_WORDS]
    for word in words:
        services = services.filter(
            Q(name__icontains=word) | Q(keywords__icontains=word) | Q(slug__icontains=word)
        )
    if not words:
        return services
    begins = Case(
        When(name__istartswith=words[0], then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    return services.order_by(begins, "rank", "name")


def service_cards(query: str = "", limit: int | None = None) -> list[ServiceCard]:
    """Services for sale with their lowest price, most wanted first. One query, whatever the number of offers."""
    fresh_since = offer_selectors.fresh_since()
    cards = []
    for service in active_services(query)[:limit]:
        is_fresh = service.prices_seen_at is not None and service.prices_seen_at >= fresh_since
        cards.append(
            ServiceCard(
                slug=service.slug,
                name=service.name,
                icon=service.icon,
                from_price=service.from_price if is_fresh else None,
                country_count=service.country_count if is_fresh else 0,
            )
        )
    return cards


def country_rows(service: Service, sort: str = "price") -> list[CountryRow]:
    """Every country where a service can be bought now, by price, stock or name. Four queries."""
    provider_ids = _open_providers()
    rules = pricing.Rules.load(service_id=service.pk)
    prices: dict[int, tuple[_Best, Decimal, Decimal]] = {}
    for best in _cheapest(service.pk, provider_ids):
        if markup := rules.find(service.pk, best.country_id):
            price = markup.price(best.cost)
            prices[best.country_id] = (best, price, markup.max_cost(price))
    stocks = _stock(service.pk, provider_ids, {key: limit for key, (_, _, limit) in prices.items()})
    rows = [
        CountryRow(
            iso2=best.iso2,
            name=best.name,
            flag=flag_of(best.iso2),
            dial_code=best.dial_code,
            price=price,
            stock=stocks[key][0],
            operator_count=stocks[key][1],
            seen_at=best.seen_at,
        )
        for key, (best, price, _) in prices.items()
        if key in stocks
    ]
    return sorted(rows, key=_SORT_KEYS.get(sort, _SORT_KEYS["price"]))


def operator_rows(service: Service, country: Country) -> list[OperatorRow]:
    """The operators that can be asked for, cheapest first, after `any`; empty where nothing is for sale."""
    markup = pricing.Rules.load(service_id=service.pk, country_id=country.pk).find(service.pk, country.pk)
    offers = routing.usable(routing.candidates(service.pk, country.pk, per_provider=_ALL))
    if markup is None or not offers:
        return []
    by_operator: dict[str, list[routing.Candidate]] = {}
    for offer in offers:
        by_operator.setdefault(offer.operator, []).append(offer)
    by_operator.pop("", None)
    rows = [_operator_row(markup, name, name, group) for name, group in by_operator.items()]
    rows.sort(key=lambda row: (row.price, row.label))
    return [_operator_row(markup, "", gettext("Any"), offers), *rows]


def _operator_row(
    markup: pricing.Markup, operator: str, label: str, offers: list[routing.Candidate]
) -> OperatorRow:
    price = markup.price(offers[0].cost)
    ceiling = markup.max_cost(price)
    stock = sum(offer.stock for offer in offers if offer.cost <= ceiling)
    return OperatorRow(operator=operator, label=label, price=price, stock=stock)


_SORT_KEYS: dict[str, Any] = {
    "price": lambda row: (row.price, -row.stock, row.name),
    "stock": lambda row: (-row.stock, row.price, row.name),
    "name": lambda row: row.name,
}


def _open_providers() -> list[int]:
    """Providers that can be bought from: switched on, with money, reachable."""
    rows = list(
        Provider.objects.filter(is_enabled=True, is_low_on_balance=False).order_by().values_list("pk", "slug")
    )
    closed = routing.closed_providers({slug for _, slug in rows})
    return [pk for pk, slug in rows if slug not in closed]


def _cheapest(service_id: int, provider_ids: list[int]) -> list[_Best]:
    """The cheapest offer of each country, without those that an order has just found empty."""
    skipped: set[int] = set()
    for _ in range(_LOOKS):
        found = _query_cheapest(service_id, provider_ids, skipped)
        empty = health.without_stock([best.offer_id for best in found])
        if not empty:
            return found
        skipped |= empty
    return [best for best in found if best.offer_id not in skipped]


_CHEAPEST = """
    SELECT c.id, c.iso2, c.name, c.dial_code, best.id, best.cost, best.prices_seen_at
    FROM verifications_country c
    CROSS JOIN LATERAL (
        SELECT o.id, o.cost, l.prices_seen_at
        FROM verifications_offer o
        JOIN verifications_providercountrycode l ON l.id = o.price_list_id
        WHERE o.service_id = %(service)s AND o.country_id = c.id AND o.stock > 0
          AND o.provider_id = ANY(%(providers)s) AND l.prices_seen_at >= %(fresh_since)s
          AND o.id <> ALL(%(skipped)s)
        ORDER BY o.cost
        LIMIT 1
    ) best
    WHERE c.is_active
"""
_STOCK = """
    SELECT wanted.country_id, sum(o.stock), count(DISTINCT NULLIF(o.operator, ''))
    FROM unnest(%(countries)s::bigint[], %(ceilings)s::numeric[]) AS wanted(country_id, ceiling)
    JOIN verifications_offer o
      ON o.service_id = %(service)s AND o.country_id = wanted.country_id AND o.cost <= wanted.ceiling
    JOIN verifications_providercountrycode l ON l.id = o.price_list_id
    WHERE o.stock > 0 AND o.provider_id = ANY(%(providers)s) AND l.prices_seen_at >= %(fresh_since)s
    GROUP BY wanted.country_id
"""


def _query_cheapest(service_id: int, provider_ids: list[int], skipped: set[int]) -> list[_Best]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CHEAPEST,
            {
                "service": service_id,
                "providers": provider_ids,
                "fresh_since": offer_selectors.fresh_since(),
                "skipped": sorted(skipped),
            },
        )
        return [_Best(*row) for row in cursor.fetchall()]


def _stock(
    service_id: int, provider_ids: list[int], ceilings: dict[int, Decimal]
) -> dict[int, tuple[int, int]]:
    """Per country: numbers and operators whose cost still leaves the margin at the price shown."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STOCK,
            {
                "service": service_id,
                "providers": provider_ids,
                "fresh_since": offer_selectors.fresh_since(),
                "countries": list(ceilings),
                "ceilings": list(ceilings.values()),
            },
        )
        return {country_id: (stock, operators) for country_id, stock, operators in cursor.fetchall()}
