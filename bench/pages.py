"""The pages people look at, with a million offers and a million orders in the database."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import uvloop
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client

from bench import bulk, seed, statements
from bench.client import Connection
from bench.results import Figure, Result, percentile
from bench.stack import running
from verifications.services import catalog_summary

SMALL, FULL, QUICK = 2_000, 1_000_000, 50_000
CUSTOMERS = 2_000
REGULAR_SHARE = 0.01  # of all orders are those of the customer whose history is looked at
REQUESTS, QUICK_REQUESTS = 120, 30


@dataclass(frozen=True, slots=True)
class Timed:
    """One page with the full database."""

    latencies_s: list[float]
    queries: int
    queries_small: int
    raw_s: list[float]
    size: int


def run(*, quick: bool) -> Result:
    """Count the queries with a small database, fill it up, and time each page and its SQL."""
    rows = QUICK if quick else FULL
    (regular,) = seed.customers(1)
    bulk.strangers(CUSTOMERS)
    providers = bulk.providers()
    bulk.offers(providers, SMALL)
    bulk.orders(SMALL, regular=regular.user_id, share=REGULAR_SHARE)
    catalog_summary.refresh()
    small = {name: _recorded(path, regular).queries for name, path in _paths(regular).items()}
    started = time.perf_counter()
    bulk.offers(providers, rows)
    bulk.orders(rows - SMALL, regular=regular.user_id, share=REGULAR_SHARE)
    filled_s = time.perf_counter() - started
    started = time.perf_counter()
    catalog_summary.refresh()
    summary_s = time.perf_counter() - started
    with running("web") as stack:
        timed = {
            name: _time(stack.port, path, regular, small[name], QUICK_REQUESTS if quick else REQUESTS)
            for name, path in _paths(regular).items()
        }
    figures: list[Figure] = []
    for name, page in timed.items():
        figures += _figures(name, page)
    counts = bulk.counts()
    figures.append(
        Figure(f"digest of {counts['offers']:,} offers for the list, after a refresh", summary_s, "s")
    )
    return Result(
        "pages",
        tuple(figures),
        {
            "rows": counts,
            "filled_s": round(filled_s, 1),
            "bytes": {name: page.size for name, page in timed.items()},
            "raw_p95_ms": {
                name: round(percentile(page.raw_s, 0.95) * 1000, 2) for name, page in timed.items()
            },
        },
    )


def _paths(regular: seed.Customer) -> Mapping[str, str]:
    newest, oldest = bulk.newest_and_oldest(regular.user_id)
    return {
        "services list": "/services/",
        "service page": "/services/telegram/",
        "order form": "/verifications/new/?service=telegram&country=GB",
        "order page": f"/verifications/{newest}/",
        "history": "/verifications/",
        "history, last page": f"/verifications/?older={oldest}",
        "history, filtered": "/verifications/?status=completed&service=telegram",
        "wallet": "/wallet/",
    }


def _figures(name: str, page: Timed) -> list[Figure]:
    raw_ms = percentile(page.raw_s, 0.5) * 1000
    queries = Figure(
        name=f"{name}, queries",
        value=float(page.queries),
        unit="",
        limit=float(page.queries_small),
        limit_name=f"with {SMALL:,} rows",
        goal="constant",
        met=page.queries == page.queries_small,
    )
    return [
        Figure(f"{name}, p50", percentile(page.latencies_s, 0.5) * 1000, "ms", raw_ms, "its SQL by psycopg"),
        Figure(f"{name}, p95", percentile(page.latencies_s, 0.95) * 1000, "ms"),
        queries,
    ]


def _time(port: int, path: str, person: seed.Customer, queries_small: int, requests: int) -> Timed:
    recorded = _recorded(path, person)
    connection.close()
    raw = statements.replay(recorded, url=os.environ["DATABASE_URL"], seconds=1.0)
    latencies, size = uvloop.run(_fetch(port, path, person, requests))
    return Timed(latencies, recorded.queries, queries_small, raw.latencies_s, size)


async def _fetch(port: int, path: str, person: seed.Customer, requests: int) -> tuple[list[float], int]:
    """One request after the other: the time a single visitor waits, without a queue."""
    latencies = []
    async with Connection(port) as visitor:
        for number in range(requests + 10):
            answer = await visitor.request("GET", path, headers={"Cookie": person.cookie})
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}.")
            if number >= 10:
                latencies.append(answer.seconds)
            await asyncio.sleep(0)
    return latencies, len(answer.body)


def _recorded(path: str, person: seed.Customer) -> statements.Recording:
    """The SQL of one request by somebody whose session is in the cache, as it is on every page but the first."""
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.cookies.load({settings.SESSION_COOKIE_NAME: person.session_key})
    for _ in range(2):
        with statements.recording() as recorded:
            answer = browser.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}.")
    cache.close()
    return recorded
