"""Orders through HTTP: how many a second, how fast at 50 a second, against a bare view and against the raw SQL."""

from __future__ import annotations

import itertools
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import uvloop
from django.db import connection
from django.test import Client

from bench import cpu, seed, statements
from bench.client import Connection, form
from bench.load import Load, Shot, closed_loop, open_loop
from bench.results import Figure, Result, percentile
from bench.stack import Stack, running, running_bare
from billing.services import books
from verifications.enums import Outcome, Status
from verifications.models import Attempt, Country, Service, Verification
from verifications.services import pricing

CUSTOMERS = 200
COUNTRIES = ("GB", "US", "DE", "FR")
PATH = "/verifications/new/"
WEB_WORKERS = 2
CONNECTIONS = 16
RATE_PER_S = 50.0
GOAL_PER_S, GOAL_P95_MS = 120, 150
DRAIN_S = 60.0
CORES = os.cpu_count() or 1

Order = tuple[dict[str, str], str]  # the fields of a form, the cookie of who sends it


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything one run of the product gave."""

    steady: Load
    most: Load
    drained_steady_s: float
    drained_s: float
    cpu_ms: dict[str, float]
    undecided: int
    unlike_sandbox: int
    books_found: int
    recorded: statements.Recording
    raw: statements.Replay


def run(*, quick: bool) -> Result:
    """Bare view first, then the product, then its SQL."""
    seconds = 4.0 if quick else 15.0
    with running_bare(web_workers=WEB_WORKERS) as bare:
        fields = {"service": "telegram", "country": "GB", "form_key": str(uuid.uuid4()), "quote": "x" * 120}
        bare_load = _closed(bare, _shot(itertools.repeat((fields, ""))), seconds / 2)
    with running("sandbox", "web", "worker", "beat", web_workers=WEB_WORKERS) as stack:
        found = _measure(stack, seconds)
    most, steady = found.most, found.steady
    refused = sum(most.faults.values()) + sum(steady.faults.values())
    cpu_ms = sum(spent for name, spent in found.cpu_ms.items() if name != "load generator")
    may_ms = CORES * 1000 / GOAL_PER_S
    goal, raw_ms = f"≥ {GOAL_PER_S}/s", percentile(found.raw.latencies_s, 0.5) * 1000
    figures = (
        Figure("orders, most", most.per_s, "/s", bare_load.per_s, "bare Django view", goal, most.per_s >= GOAL_PER_S),
        Figure("orders, most", most.per_s, "/s", found.raw.per_s, "same SQL by psycopg"),
        Figure("one order at that load, p50", most.ms(0.5), "ms", bare_load.ms(0.5), "bare Django view"),
        Figure("one order at that load, p95", most.ms(0.95), "ms", bare_load.ms(0.95), "bare Django view"),
        Figure("one order at 50/s, p50", steady.ms(0.5), "ms", raw_ms, "same SQL by psycopg, 8 at once"),
        Figure("one order at 50/s, p95", steady.ms(0.95), "ms", goal=f"< {GOAL_P95_MS} ms", met=steady.ms(0.95) < GOAL_P95_MS),
        Figure("processor time per order, all processes", cpu_ms, "ms", may_ms, f"what {CORES} cores have for {GOAL_PER_S}/s"),
        Figure("last code after the last order, 50/s", found.drained_steady_s, "s"),
        Figure("last code after the last order, most", found.drained_s, "s"),
        Figure("orders refused or undecided", float(refused + found.undecided), "", goal="0", met=refused + found.undecided == 0),
        Figure("orders the sandbox counts otherwise", float(found.unlike_sandbox), "", goal="0", met=found.unlike_sandbox == 0),
        Figure("differences in the books", float(found.books_found), "", goal="0", met=found.books_found == 0),
    )  # fmt: skip
    details = {
        "bare": bare_load.as_dict(),
        "most": most.as_dict(),
        "steady": steady.as_dict(),
        "raw_sql_per_s": round(found.raw.per_s, 1),
        "statements_per_order": found.recorded.queries,
        "transactions_per_order": found.recorded.transactions,
        "cpu_ms_per_order": found.cpu_ms,
        "web_workers": WEB_WORKERS,
        "connections": CONNECTIONS,
    }
    return Result("orders", figures, details)


def _measure(stack: Stack, seconds: float) -> Measured:
    stack.control("/config", vendor="handler", balance="1000000")
    people = seed.customers(CUSTOMERS)
    seed.price_lists(seed.provider(), COUNTRIES)
    orders = _shot(_forms(people))
    _closed(stack, orders, 2.0)  # connections, caches and code paths are warm from here on
    _drain()
    steady = uvloop.run(open_loop(stack.port, orders, rate_per_s=RATE_PER_S, seconds=seconds))
    drained_steady_s = _drain()
    before = cpu.seconds(stack.pids)
    most = _closed(stack, orders, seconds)
    used = {name: total - before.get(name, 0.0) for name, total in cpu.seconds(stack.pids).items()}
    drained_s = _drain()
    undecided, report = _undecided(), books.verify()
    unlike = abs(stack.counters("handler")["sold"] - Attempt.objects.filter(outcome=Outcome.BOUGHT).count())
    recorded, raw = _raw_sql(people, seconds / 2)
    return Measured(
        steady=steady,
        most=most,
        drained_steady_s=drained_steady_s,
        drained_s=drained_s,
        cpu_ms={name: round(total * 1000 / max(1, len(most.latencies_s)), 2) for name, total in used.items()},
        undecided=undecided,
        unlike_sandbox=unlike,
        books_found=sum(report.found.values()),
        recorded=recorded,
        raw=raw,
    )


def _closed(stack: Stack, shot: Shot, seconds: float) -> Load:
    return uvloop.run(closed_loop(stack.port, shot, connections=CONNECTIONS, seconds=seconds))


def _forms(people: Sequence[seed.Customer]) -> Iterator[Order]:
    """The form each customer would send, in turn and for one country after the other."""
    service = Service.objects.get(slug="telegram")
    quotes = {iso2: pricing.quote(service, Country.objects.get(iso2=iso2)).signed() for iso2 in COUNTRIES}
    return (
        (
            {
                "service": service.slug,
                "country": iso2,
                "operator": "",
                "form_key": str(uuid.uuid4()),
                "quote": quotes[iso2],
                "csrfmiddlewaretoken": seed.CSRF,
            },
            person.cookie,
        )
        for person, iso2 in zip(itertools.cycle(people), itertools.cycle(COUNTRIES), strict=False)
    )


def _shot(forms: Iterator[Order]) -> Shot:
    async def shot(connection: Connection) -> str:
        fields, cookie = next(forms)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        answer = await connection.request("POST", PATH, headers=headers, body=form(fields))
        return "" if answer.status == 302 else f"status {answer.status}"

    return shot


def _drain() -> float:
    """Wait until every order has its number and its code; returns how long that took."""
    started = time.perf_counter()
    while _undecided() and time.perf_counter() - started < DRAIN_S:
        time.sleep(0.1)
    return time.perf_counter() - started


def _undecided() -> int:
    """Orders without a number or a code, and purchases whose outcome is not known."""
    open_orders = Verification.objects.filter(status__in=[Status.ORDERING, Status.WAITING]).count()
    return open_orders + Attempt.objects.filter(outcome__in=[Outcome.CALLING, Outcome.DOUBTFUL]).count()


def _raw_sql(
    people: Sequence[seed.Customer], seconds: float
) -> tuple[statements.Recording, statements.Replay]:
    """Record the statements of one order by one customer, then execute them for eight others at once."""
    forms = _forms(people)
    buyer = people[0]
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.cookies.load(buyer.cookie)
    for _ in range(2):  # the first fills caches
        fields = next(forms)[0]
        with statements.recording() as recorded:
            browser.post(PATH, fields)
    attempt = Attempt.objects.latest("started_at")
    renew = statements.generated_ids(recorded, attempt.provider_order_id)
    owners = [{buyer.user_id: other.user_id, buyer.account_id: other.account_id} for other in people[1:9]]
    connection.close()
    return recorded, statements.replay(
        recorded, url=os.environ["DATABASE_URL"], seconds=seconds, renew=renew, owners=owners
    )
