"""The pages people look at, with a million offers and a million orders in the database."""

from __future__ import annotations

import time
from collections.abc import Mapping

from bench import bulk, seed, visits
from bench.results import Figure, Result, percentile
from bench.stack import running
from verifications.services import catalog_summary

SMALL, FULL, QUICK = 2_000, 1_000_000, 50_000
CUSTOMERS = 2_000
REGULAR_SHARE = 0.01  # of all orders are those of the customer whose history is looked at
REQUESTS, QUICK_REQUESTS = 120, 30


def run(*, quick: bool) -> Result:
    """Count the queries with a small database, fill it up, and time each page and its SQL."""
    rows = QUICK if quick else FULL
    (regular,) = seed.customers(1)
    bulk.strangers(CUSTOMERS)
    providers = bulk.providers()
    bulk.offers(providers, SMALL)
    bulk.orders(SMALL, regular=regular.user_id, share=REGULAR_SHARE)
    catalog_summary.refresh()
    small = {name: visits.recorded(path, regular).queries for name, path in _paths(regular).items()}
    started = time.perf_counter()
    bulk.offers(providers, rows)
    bulk.orders(rows - SMALL, regular=regular.user_id, share=REGULAR_SHARE)
    filled_s = time.perf_counter() - started
    started = time.perf_counter()
    catalog_summary.refresh()
    summary_s = time.perf_counter() - started
    with running("web") as stack:
        timed = {
            name: visits.time(stack.port, path, regular, small[name], QUICK_REQUESTS if quick else REQUESTS)
            for name, path in _paths(regular).items()
        }
    figures: list[Figure] = []
    for name, page in timed.items():
        figures += visits.figures(name, page, small=f"with {SMALL:,} rows")
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
