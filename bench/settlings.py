"""Deposits settled through the service that settles them all, against its SQL and against asking Paystack alone."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import httpx2
from django.conf import settings
from django.db import connection, connections

from bench import cpu, seed, statements
from bench.load import Load
from bench.stack import Stack
from billing.enums import TransferCode
from billing.models import Deposit, Transfer
from billing.services import settling

AT_ONCE = 8
WARM = 40
REPLAYED = 4_000  # rows for the raw SQL, more than a run needs


@dataclass(frozen=True, slots=True)
class Settled:
    """Everything that one run gave."""

    product: Load
    asking: Load
    raw: statements.Replay
    recorded: statements.Recording
    cpu_ms: dict[str, float]
    not_once: int


def measure(stack: Stack, people: Sequence[seed.Customer], *, count: int, seconds: float) -> Settled:
    """Settle this many paid deposits; afterwards replay the SQL of one, which leaves the books in disorder."""
    _settle_all(_paid(stack, WARM, people))
    deposits = _paid(stack, count, people)
    before = cpu.seconds(stack.pids)
    product = _settle_all(deposits)
    used = {name: total - before.get(name, 0.0) for name, total in cpu.seconds(stack.pids).items()}
    asking = _ask_all([deposit.reference for deposit in deposits])
    recorded, raw = _raw_sql(stack, people, seconds)
    return Settled(
        product=product,
        asking=asking,
        raw=raw,
        recorded=recorded,
        cpu_ms={name: round(total * 1000 / count, 2) for name, total in used.items()},
        not_once=_not_credited_once(deposits),
    )


def _paid(stack: Stack, count: int, people: Sequence[seed.Customer]) -> list[Deposit]:
    """Deposits that were paid by bank transfer: the sandbox has one card, and payments by one card stand in line."""
    made = seed.deposits(count, people)
    references = [deposit.reference for deposit in made]
    stack.control(
        "/paystack/bulk", references=references, amount=seed.PAID_SUBUNITS, paid=True, channel="bank_transfer"
    )
    return made


def _settle_all(deposits: Sequence[Deposit]) -> Load:
    return _in_threads([partial(settling.settle, deposit.pk) for deposit in deposits])


def _ask_all(references: Sequence[str]) -> Load:
    """The same questions in as many threads, by a plain client and `json.loads`."""
    own = threading.local()
    headers = {"Authorization": f"Bearer {settings.PAYSTACK_SECRET_KEY}"}

    def ask(reference: str) -> None:
        if not hasattr(own, "http"):
            own.http = httpx2.Client(base_url=settings.PAYSTACK_BASE_URL, headers=headers, trust_env=False)
        json.loads(own.http.get(f"/transaction/verify/{reference}").text)

    return _in_threads([partial(ask, reference) for reference in references])


def _in_threads(calls: Sequence[Callable[[], object]]) -> Load:
    load = Load()

    def one(call: Callable[[], object]) -> float:
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="settling") as pool:
        started = time.perf_counter()
        load.latencies_s = list(pool.map(one, calls))
        load.seconds = time.perf_counter() - started
        list(pool.map(lambda _: connections.close_all(), range(AT_ONCE)))
    return load


def _raw_sql(
    stack: Stack, people: Sequence[seed.Customer], seconds: float
) -> tuple[statements.Recording, statements.Replay]:
    """Record what settles one deposit of one customer, then execute it for deposits of eight others at once."""
    (deposit,) = _paid(stack, 1, people)
    with statements.recording() as recorded:
        done = settling.settle(deposit.pk)
    assert done.paystack_id is not None
    rows = [
        statements.Row(
            texts={str(deposit.pk): str(other.pk), deposit.reference: other.reference},
            numbers={done.paystack_id: done.paystack_id + 1_000_000_000 + number},
        )
        for number, other in enumerate(seed.deposits(REPLAYED, people))
    ]
    owners = [
        {people[0].user_id: other.user_id, people[0].account_id: other.account_id}
        for other in people[1 : AT_ONCE + 1]
    ]
    connection.close()
    raw = statements.replay(
        recorded,
        url=os.environ["DATABASE_URL"],
        seconds=seconds,
        renew=[each for each in statements.generated_ids(recorded) if each != str(deposit.pk)],
        owners=owners,
        rows=iter(rows),
    )
    return recorded, raw


def _not_credited_once(deposits: Sequence[Deposit]) -> int:
    wanted = {f"deposit:{deposit.pk}" for deposit in deposits}
    credited = list(
        Transfer.objects.filter(code=TransferCode.DEPOSIT, reference__in=wanted).values_list(
            "reference", flat=True
        )
    )
    return len(wanted - set(credited)) + len(credited) - len(set(credited))
