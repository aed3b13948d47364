"""Payments: webhooks acknowledged, a storm about one payment, deposits settled, and a statement of a million lines."""

from __future__ import annotations

import itertools

import uvloop

from bench import history, hooks, seed, settlings, visits
from bench.client import Connection
from bench.load import Load, closed_loop
from bench.results import Figure, Result, percentile
from bench.stack import running, running_bare
from billing.services import books

CUSTOMERS = 50
WEB_WORKERS = 2
GOAL_P99_MS = 200
SETTLED, QUICK_SETTLED = 1_500, 200


def run(*, quick: bool) -> Result:
    """Bare view, storm, settling, acknowledging, statement: in this order, since each leaves more behind than the one before."""
    seconds = 3.0 if quick else 10.0
    with running_bare(web_workers=WEB_WORKERS) as bare:
        bare_load = _bare(bare.port, seconds / 2)
    people = seed.customers(CUSTOMERS)
    staff = seed.staff(people[-1])
    with running("sandbox", "web", "worker", "beat", web_workers=WEB_WORKERS) as stack:
        document = hooks.document_of(stack)
        hooks.storm(
            stack, people[-2], staff, triggers=40
        )  # connections, caches and code paths are warm from here on
        stormed = hooks.storm(stack, people[0], staff)
        storm_books = sum(books.verify().found.values())
    with running("sandbox") as stack:
        settled = settlings.measure(
            stack, people, count=QUICK_SETTLED if quick else SETTLED, seconds=seconds / 2
        )
    with running("web", web_workers=WEB_WORKERS) as stack:
        hooks.acknowledge(stack.port, document, 1.0, repeated=True)
        distinct = hooks.acknowledge(stack.port, document, seconds, repeated=False)
        equal = hooks.acknowledge(stack.port, document, seconds, repeated=True)
    shown = history.measure(people[1], people[2], quick=quick)
    figures = (
        *_acknowledged("webhooks, each about another payment", distinct, bare_load),
        *_acknowledged("webhooks, all equal", equal, bare_load),
        *_storm(stormed, storm_books),
        *_settled(settled),
        *_statement(shown),
    )
    details = {
        "bare": bare_load.as_dict(),
        "distinct": distinct.as_dict(),
        "equal": equal.as_dict(),
        "storm": {name: load.as_dict() for name, load in stormed.by_kind.items()},
        "storm_events": stormed.events,
        "storm_drained_s": round(stormed.drained_s, 2),
        "settled": settled.product.as_dict(),
        "asked": settled.asking.as_dict(),
        "transactions_per_settle": settled.recorded.transactions,
        "cpu_ms_per_settle": settled.cpu_ms,
        "statement_bytes": {name: page.size for name, page in shown.pages.items()},
        "statement_filled_s": round(shown.filled_s, 1),
        "web_workers": WEB_WORKERS,
        "connections": hooks.CONNECTIONS,
    }
    return Result("payments", figures, details)


def _bare(port: int, seconds: float) -> Load:
    body = itertools.repeat(b"x" * 1_500)  # as long as a webhook

    async def shot(connection: Connection) -> str:
        headers = {"Content-Type": "application/json"}
        answer = await connection.request("POST", hooks.PATH, headers=headers, body=next(body))
        return "" if answer.status == 200 else f"status {answer.status}"

    return uvloop.run(closed_loop(port, shot, connections=hooks.CONNECTIONS, seconds=seconds))


def _acknowledged(name: str, load: Load, bare: Load) -> list[Figure]:
    goal, p99, bare_name = f"< {GOAL_P99_MS} ms", load.ms(0.99), "bare Django view"
    refused = sum(load.faults.values())
    return [
        Figure(f"{name}", load.per_s, "/s", bare.per_s, bare_name),
        Figure(f"{name}, p50", load.ms(0.5), "ms", bare.ms(0.5), bare_name),
        Figure(f"{name}, p99", p99, "ms", bare.ms(0.99), bare_name, goal, p99 < GOAL_P99_MS),
        Figure(f"{name}, not acknowledged", float(refused), "", goal="0", met=refused == 0),
    ]


def _storm(found: hooks.Stormed, books_found: int) -> list[Figure]:
    p99, name = found.acknowledged.ms(0.99), f"storm of {hooks.TRIGGERS:,} on one payment"
    return [
        Figure(f"{name}, credits", float(found.credits), "", goal="1", met=found.credits == 1),
        Figure(f"{name}, wrong answers", float(found.faults), "", goal="0", met=found.faults == 0),
        Figure(f"{name}, acknowledged, p99", p99, "ms", goal=f"< {GOAL_P99_MS} ms", met=p99 < GOAL_P99_MS),
        Figure(f"{name}, first trigger → credit", found.credited_s * 1000, "ms"),
        Figure(f"{name}, differences in the books", float(books_found), "", goal="0", met=books_found == 0),
    ]


def _settled(found: settlings.Settled) -> list[Figure]:
    per_s, raw, sql = found.product.per_s, found.raw, f"same SQL by psycopg, {settlings.AT_ONCE} at once"
    raw_ms = percentile(raw.latencies_s, 0.5) * 1000
    return [
        Figure("deposits settled", per_s, "/s", raw.per_s, sql),
        Figure("deposits settled", per_s, "/s", found.asking.per_s, "bare verify calls, as many at once"),
        Figure("one deposit at that load, p50", found.product.ms(0.5), "ms", raw_ms, sql),
        Figure("queries per deposit", float(found.recorded.queries), ""),
        Figure("deposits not credited once", float(found.not_once), "", goal="0", met=found.not_once == 0),
    ]  # fmt: skip


def _statement(found: history.History) -> list[Figure]:
    figures: list[Figure] = []
    for name, page in found.pages.items():
        title = f"statement of {found.transfers:,}, {name}"
        figures += visits.figures(title, page, small=f"with {history.SMALL:,} transfers")
    return figures
