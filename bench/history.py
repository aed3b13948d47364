"""The statement of somebody with a million transfers, against the same pages of somebody with two thousand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from bench import bulk, seed, visits
from bench.stack import running
from billing.enums import SystemCode
from billing.services import ledger

SMALL, FULL, QUICK = 2_000, 1_000_000, 50_000
REQUESTS, QUICK_REQUESTS = 80, 20
FIRST_SEQUENCE, NEXT_ACCOUNT = 10_000_000, 10_000_000

# Two years: a top-up, a number that was charged and one that was not, over and over. The figures after each are not what the
# statement computes with, so they are plain.
_TRANSFERS = """
INSERT INTO billing_transfer (sequence, id, debit_account_id, credit_account_id, amount, kind, code, key, pending_id, reference,
    memo, reason, expires_at, created_at, balance_after, available_after)
SELECT %(first)s + n, uuidv7(at - now()),
    CASE WHEN step = 0 THEN %(exchange)s ELSE %(account)s END, CASE WHEN step = 0 THEN %(account)s ELSE %(revenue)s END,
    CASE WHEN step = 0 THEN 3.3333 ELSE 0.5 END,
    (ARRAY['posted', 'pending', 'post_pending', 'pending', 'void_pending'])[step + 1],
    (ARRAY['deposit', 'verification_hold', 'verification_capture', 'verification_hold', 'verification_release'])[step + 1],
    'history:' || %(first)s + n,
    CASE WHEN step IN (2, 4) THEN %(first)s + n - 1 END,
    CASE WHEN step = 0 THEN 'deposit:' ELSE 'verification:' END || uuidv7(at - now()),
    'Telegram, United Kingdom', '', CASE WHEN step IN (1, 3) THEN at + interval '1 day' END, at, 1000, 999.5
FROM generate_series(0, %(count)s::bigint - 1) AS n
CROSS JOIN LATERAL (SELECT n %% 5 AS step, now() - (%(count)s - n) * (interval '730 days' / %(count)s::bigint) AS at) AS planned
"""


@dataclass(frozen=True, slots=True)
class History:
    """Each page with many transfers, and how many there are."""

    pages: dict[str, visits.Timed]
    transfers: int
    filled_s: float


def measure(small: seed.Customer, large: seed.Customer, *, quick: bool) -> History:
    """Give one customer a few transfers and the other very many, then visit."""
    transfers = QUICK if quick else FULL
    started = time.perf_counter()
    _fill(small, FIRST_SEQUENCE, SMALL)
    _fill(large, FIRST_SEQUENCE + NEXT_ACCOUNT, transfers)
    bulk.analyze()
    filled_s = time.perf_counter() - started
    few = {name: visits.recorded(path, small).queries for name, path in _paths(FIRST_SEQUENCE, SMALL).items()}
    with running("web") as stack:
        pages = {
            name: visits.time(stack.port, path, large, few[name], QUICK_REQUESTS if quick else REQUESTS)
            for name, path in _paths(FIRST_SEQUENCE + NEXT_ACCOUNT, transfers).items()
        }
    return History(pages, transfers, filled_s)


def _paths(first: int, count: int) -> Mapping[str, str]:
    return {
        "newest page": "/wallet/",
        "a page in the middle": f"/wallet/?before={first + count // 2}",
        "filtered": "/wallet/?kind=charges",
        "months": "/wallet/statements/",
    }


def _fill(owner: seed.Customer, first: int, count: int) -> None:
    values = {
        "account": owner.account_id,
        "first": first,
        "count": count,
        "exchange": ledger.system_account(SystemCode.EXCHANGE, settings.WALLET_CURRENCY).pk,
        "revenue": ledger.system_account(SystemCode.REVENUE).pk,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(bulk.UNCHECKED)
        cursor.execute(_TRANSFERS, values)
