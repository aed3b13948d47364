"""Pages as one visitor meets them: their time, their queries, and their SQL by the raw driver."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

import uvloop
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client

from bench import seed, statements
from bench.client import Connection
from bench.results import Figure, percentile


@dataclass(frozen=True, slots=True)
class Timed:
    """One page with the full database; `queries_small` is how many it took with a small one."""

    latencies_s: list[float]
    queries: int
    queries_small: int
    raw_s: list[float]
    size: int


def figures(name: str, page: Timed, *, small: str) -> list[Figure]:
    """What one page gives for the table.

    Args:
        small: What the small database was, in words.
    """
    raw_ms = percentile(page.raw_s, 0.5) * 1000
    queries = Figure(
        name=f"{name}, queries",
        value=float(page.queries),
        unit="",
        limit=float(page.queries_small),
        limit_name=small,
        goal="constant",
        met=page.queries == page.queries_small,
    )
    return [
        Figure(f"{name}, p50", percentile(page.latencies_s, 0.5) * 1000, "ms", raw_ms, "its SQL by psycopg"),
        Figure(f"{name}, p95", percentile(page.latencies_s, 0.95) * 1000, "ms"),
        queries,
    ]


def time(port: int, path: str, person: seed.Customer, queries_small: int, requests: int) -> Timed:
    """Visit a page again and again, and replay its SQL."""
    made = recorded(path, person)
    connection.close()
    raw = statements.replay(made, url=os.environ["DATABASE_URL"], seconds=1.0)
    latencies, size = uvloop.run(_fetch(port, path, person, requests))
    return Timed(latencies, made.queries, queries_small, raw.latencies_s, size)


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


def recorded(path: str, person: seed.Customer) -> statements.Recording:
    """The SQL of one request by somebody whose session is in the cache, as it is on every page but the first."""
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.cookies.load({settings.SESSION_COOKIE_NAME: person.session_key})
    for _ in range(2):
        with statements.recording() as made:
            answer = browser.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}.")
    cache.close()
    return made
