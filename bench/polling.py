"""One poll cycle with 100, 1,000 and 10,000 open orders: by list call and order by order, against a bare HTTP loop."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from bench import cpu, seed
from bench.results import Figure, Result
from bench.stack import Stack, running
from verifications.models import Attempt, Provider
from verifications.services import polling

SIZES, QUICK_SIZES = (100, 1_000, 10_000), (100, 1_000)
CUSTOMERS = 100
LIST_CYCLES = 8
GOAL_LIST_S, GOAL_RATIO, GOAL_GROWTH_MB = 2.0, 1.5, 8.0


@dataclass(frozen=True, slots=True)
class Cycles:
    """Several cycles of one kind over the same open orders."""

    seconds: float
    queries: int
    bare_s: float
    growth_mb: float
    rss_mb: float


def run(*, quick: bool) -> Result:
    """Grow the number of open orders step by step and poll at each."""
    figures: list[Figure] = []
    details: dict[str, object] = {"concurrency": settings.POLL_CONCURRENCY}
    sizes = QUICK_SIZES if quick else SIZES
    with running("sandbox") as stack:
        stack.control("/config", vendor="handler", balance="1000000")
        seller = seed.provider()
        people = seed.customers(CUSTOMERS)
        orders: list[seed.OpenOrder] = []
        for size in sizes:
            orders += _grow(stack, seller, people, size - len(orders))
            by_list = _by_list(seller, size)
            one_by_one = _one_by_one(seller, orders, repeats=1 if size >= 10_000 else 3)
            figures += _figures(size, by_list, one_by_one)
            for name, cycles in (("list", by_list), ("single", one_by_one)):
                details[f"{name}_{size}"] = {
                    field: round(getattr(cycles, field), 4) for field in Cycles.__slots__
                }
    return Result("polling", tuple(figures), details)


def _figures(size: int, by_list: Cycles, one_by_one: Cycles) -> list[Figure]:
    has_goal = size == max(SIZES)
    ratio = one_by_one.seconds / one_by_one.bare_s
    return [
        Figure(
            f"{size:,} open orders by list call",
            by_list.seconds,
            "s",
            by_list.bare_s,
            "bare call and json.loads",
            f"< {GOAL_LIST_S:g} s" if has_goal else "",
            by_list.seconds < GOAL_LIST_S if has_goal else None,
        ),
        Figure(f"{size:,} by list call, queries", float(by_list.queries), ""),
        Figure(
            f"{size:,} by list call, memory growth over {LIST_CYCLES} cycles",
            by_list.growth_mb,
            "MB",
            goal="flat" if has_goal else "",
            met=by_list.growth_mb < GOAL_GROWTH_MB if has_goal else None,
        ),
        Figure(
            f"{size:,} open orders one by one",
            one_by_one.seconds,
            "s",
            one_by_one.bare_s,
            "bare httpx2.Client loop",
            f"≤ {GOAL_RATIO:g} × bare",
            ratio <= GOAL_RATIO,
        ),
        Figure(f"{size:,} one by one, queries", float(one_by_one.queries), ""),
    ]


def _grow(
    stack: Stack, seller: Provider, people: Sequence[seed.Customer], count: int
) -> list[seed.OpenOrder]:
    """More open orders, at the sandbox and here; what was open before stays."""
    return seed.open_orders(seller, stack.control("/bulk", vendor="handler", count=count), people)


def _by_list(seller: Provider, size: int) -> Cycles:
    _speak(seller, {})
    with _client() as client:
        _bare_list(client)
        bare = [_timed(lambda: _bare_list(client)) for _ in range(3)]
    cycle, queries = _cycle(seller)  # the first one reads every order's deadline for the first time
    if cycle.listed != size:
        raise RuntimeError(f"The list call showed {cycle.listed} of {size} open orders.")
    gc.collect()
    before = cpu.rss_mb()
    cycles = [_cycle(seller) for _ in range(LIST_CYCLES)]
    gc.collect()
    after = cpu.rss_mb()
    seconds = statistics.median(cycle.seconds for cycle, _ in cycles)
    return Cycles(seconds, queries, statistics.median(bare), after - before, after)


def _one_by_one(seller: Provider, orders: Sequence[seed.OpenOrder], *, repeats: int) -> Cycles:
    """Product and bare loop take turns, so that both meet the same weather."""
    _speak(seller, {"list_open": False})
    ids = [order.order_id for order in orders]
    bare, found, queries = [], [], 0
    before = cpu.rss_mb()
    with _client() as client:
        _bare_loop(client, ids[:100])
        for _ in range(repeats):
            bare.append(_timed(lambda: _bare_loop(client, ids)))
            Attempt.objects.update(next_check_at=None)
            cycle, queries = _cycle(seller)
            if cycle.checked != len(ids):
                raise RuntimeError(f"{cycle.checked} of {len(ids)} orders were checked.")
            found.append(cycle.seconds)
    after = cpu.rss_mb()
    return Cycles(statistics.median(found), queries, statistics.median(bare), after - before, after)


def _cycle(seller: Provider) -> tuple[polling.Cycle, int]:
    queries = 0

    def count(execute: Callable[..., object], *arguments: object) -> object:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    cache.delete(f"poll:{seller.slug}")
    with connection.execute_wrapper(count):
        cycle = polling.poll_provider(seller.pk)
    if cycle is None:
        raise RuntimeError("The poll cycle did not run.")
    return cycle, queries


def _speak(seller: Provider, dialect: dict[str, object]) -> None:
    Provider.objects.filter(pk=seller.pk).update(dialect=dialect)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _client() -> httpx2.Client:
    """The library as it comes; making one takes 40 ms (certificates), which is nobody's poll cycle."""
    return httpx2.Client(
        trust_env=False, timeout=30, limits=httpx2.Limits(max_connections=settings.POLL_CONCURRENCY)
    )


def _bare_list(client: httpx2.Client) -> object:
    return client.get(_url(), params=_params(action="getActiveActivations")).json()


def _bare_loop(client: httpx2.Client, ids: Sequence[str]) -> None:
    """The same requests by the same library, as many at once, and nothing else."""
    with ThreadPoolExecutor(settings.POLL_CONCURRENCY) as pool:

        def check(order_id: str) -> str:
            return client.get(_url(), params=_params(action="getStatus", id=order_id)).text

        for text in pool.map(check, ids):
            if text != "STATUS_WAIT_CODE":
                raise RuntimeError(f"The sandbox answered {text!r}.")


def _url() -> str:
    return f"{settings.SANDBOX_URL}/stubs/handler_api.php"


def _params(**fields: str) -> dict[str, str]:
    return {**fields, "api_key": os.environ["SANDBOX_API_KEY"]}
