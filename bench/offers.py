"""Refresh of a large price list against plain COPY of the same rows into an identical table."""

from __future__ import annotations

import datetime as dt
import resource
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from verifications.models import Country, Provider, ProviderCountryCode, Service
from verifications.providers.base import OfferRow
from verifications.services import catalog_load, offer_store

LISTS = 200
ROWS, QUICK_ROWS = 500_000, 50_000
ROUNDS = 3
GOAL_RATIO, GOAL_RSS_MB = 4, 400
USUAL_STOCK = 1000

_COPY = """
    COPY bench_offer (price_list_id, provider_id, country_id, country_code, service_id, service_code, operator, cost,
        provider_cost, stock, success_rate) FROM STDIN
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One provider with its empty price lists."""

    lists: list[ProviderCountryCode]
    services: dict[str, int]
    rows_a_list: int


def run(full: bool = True) -> dict[str, Any]:
    """COPY, then the same rows through the product: all new, every stock changed, every tenth changed, nothing changed."""
    shelf = _prepare((ROWS if full else QUICK_ROWS) // LISTS)
    copies = [_copy(shelf) for _ in range(ROUNDS)]
    clock = _Clock()
    fresh_s = _store(shelf, clock, stock=10)
    _vacuum()
    changed = [_store(shelf, clock, stock=20 + round_) for round_ in range(ROUNDS)]
    _store(shelf, clock, stock=30, every=10)
    tenth = [_store(shelf, clock, stock=31 + round_, every=10) for round_ in range(ROUNDS)]
    unchanged = [_store(shelf, clock, stock=30 + ROUNDS, every=10) for _ in range(ROUNDS)]
    copies.append(_copy(shelf))
    copy_s = statistics.median(copies)
    measured = {
        "fresh_s": fresh_s,
        "changed_s": statistics.median(changed),
        "tenth_changed_s": statistics.median(tenth),
        "unchanged_s": statistics.median(unchanged),
    }
    return {
        "name": "offers",
        "rows": shelf.rows_a_list * LISTS,
        "copy_s": round(copy_s, 3),
        **{name: round(seconds, 3) for name, seconds in measured.items()},
        "worst_ratio": round(max(measured.values()) / copy_s, 2),
        "goal_ratio": GOAL_RATIO,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "goal_rss_mb": GOAL_RSS_MB,
        "copies_s": [round(seconds, 3) for seconds in copies],
        **_sizes(),
    }


class _Clock:
    """Each refresh is a minute after the one before."""

    def __init__(self) -> None:
        self.now = timezone.now() - dt.timedelta(hours=1)

    def tick(self) -> dt.datetime:
        self.now += dt.timedelta(minutes=1)
        return self.now


def _prepare(rows_a_list: int) -> Shelf:
    catalog_load.load()
    provider = Provider.objects.create(
        slug="bench-offers",
        name="Bench",
        adapter="fivesim",
        base_url="http://127.0.0.1:9",
        credential_variable="NONE",
    )
    lists = ProviderCountryCode.objects.bulk_create(
        ProviderCountryCode(provider=provider, code=country.iso2.lower(), country=country)
        for country in Country.objects.order_by("pk")[:LISTS]
    )
    return Shelf(lists, dict(Service.objects.values_list("slug", "pk")), rows_a_list)


def _rows(shelf: Shelf, *, stock: int, every: int = 1) -> Iterator[OfferRow]:
    """One list as an adapter yields it; one row in `every` has the stock asked for, the others the usual one."""
    slugs = list(shelf.services)
    for number in range(shelf.rows_a_list):
        yield OfferRow(
            service_code=slugs[number % len(slugs)],
            country_code="",
            operator=f"virtual{number // len(slugs)}",
            cost=Decimal(100 + number % 900) / 1000,
            stock=stock if number % every == 0 else USUAL_STOCK,
            success_rate=Decimal("61.5"),
        )


def _copy(shelf: Shelf) -> float:
    """Plain COPY into a table with the same columns, checks and indexes."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_offer")
        cursor.execute("CREATE TABLE bench_offer (LIKE verifications_offer INCLUDING ALL)")
        started = time.perf_counter()
        with cursor.copy(_COPY) as copy:
            for price_list in shelf.lists:
                head = (price_list.pk, price_list.provider_id, price_list.country_id, price_list.code)
                for row in _rows(shelf, stock=10):
                    service_id = shelf.services[row.service_code]
                    copy.write_row(
                        (*head, service_id, row.service_code, row.operator, row.cost, row.cost, row.stock, row.success_rate)
                    )  # fmt: skip
        elapsed = time.perf_counter() - started
        cursor.execute("DROP TABLE bench_offer")
    return elapsed


def _store(shelf: Shelf, clock: _Clock, *, stock: int, every: int = 1) -> float:
    seen_at = clock.tick()
    started = time.perf_counter()
    for price_list in shelf.lists:
        rows = _rows(shelf, stock=stock, every=every)
        offer_store.store_list(price_list, rows, services=shelf.services, rate=Decimal(1), seen_at=seen_at)
    return time.perf_counter() - started


def _vacuum() -> None:
    """What autovacuum does within a minute of a first fill."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) verifications_offer")


def _sizes() -> dict[str, float]:
    """Megabytes after all rounds: what the updates have left behind."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size('verifications_offer') / 1e6, pg_indexes_size('verifications_offer') / 1e6"
        )
        table, indexes = cursor.fetchone()
    return {"table_mb": round(float(table), 1), "indexes_mb": round(float(indexes), 1)}
