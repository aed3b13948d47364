"""kill -9 of web, worker, beat and Redis while 500 orders meet sellers that misbehave; then both sides' books are compared.

The seed is printed; CRASH_SEED repeats a run's kills, faults of the customers and choices (not the machine's timing), and
CRASH_ORDERS makes it longer or shorter.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from deploy.local.manage import CommandFailed
from tests.crash import reckoning
from tests.crash.reckoning import Reckoning
from tests.crash.storm import Storm
from tests.flows.buyer import Buyer
from tests.live_stack import LiveStack, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("crash")]

ORDERS = int(os.environ.get("CRASH_ORDERS", "500"))
CUSTOMERS = 25
STORM_S = 240.0
DECIDED_WITHIN_S = 200.0
MISBEHAVES_ON_S = 20.0  # so that settling, too, begins among faults
LIFETIME_S, CANCEL_LOCK_S = 40, 3
MISBEHAVIOUR: dict[str, Any] = {
    "fault_rate": 0.15,
    "faults": [
        "buy_then_timeout", "buy_then_503", "http_500", "connection_reset", "truncated_json", "slow", "html_200",
    ],
    "fault_actions": ["buy", "read", "list", "cancel", "change"],
    "latency_ms": 20,
    "delivery_rate": 0.8,
    "delivery_s": [1, 8],
    "hang_s": 4,
}  # fmt: skip
VICTIMS = ("web", "worker", "beat", "web", "worker", "beat", "web", "worker", "flush", "valkey")


@dataclass
class Wreck:
    """The stack after the storm, and what both sides' books say."""

    live: LiveStack
    storm: Storm
    seed: int
    seconds: float
    left: list[str]
    seen: Reckoning


@pytest.fixture(scope="module")
def wreck() -> Iterator[Wreck]:
    seed = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(10**6))
    print(f"crash test with CRASH_SEED={seed}, {ORDERS} orders")  # noqa: T201 - shown when the test fails
    live = LiveStack({"MAX_OPEN_ORDERS": "1000"})
    live.start()
    try:
        yield _wreck(live, seed)
    finally:
        live.stop()


def _wreck(live: LiveStack, seed: int) -> Wreck:
    rng = random.Random(seed)
    storm = Storm(live, live.create_customers(CUSTOMERS, "500.00"), ORDERS, rng.randrange(2**32), STORM_S)
    kills = sorted((rng.randrange(ORDERS // 20, ORDERS * 19 // 20), rng.random(), name) for name in VICTIMS)
    live.terms(lifetime_s=LIFETIME_S, cancel_lock_s=CANCEL_LOCK_S)
    live.sandbox_config(**MISBEHAVIOUR)
    started = time.monotonic()
    with storm.start():
        for count, _, name in kills:
            while storm.placed < count and not storm.is_over:
                time.sleep(0.02)
            _strike(live, name)
            print(f"{time.monotonic() - started:6.1f} s, {storm.placed} orders: {name}")  # noqa: T201
    print(f"{time.monotonic() - started:6.1f} s: {storm.placed} orders placed, answers {dict(storm.answers)}")  # noqa: T201
    clears = time.monotonic() + MISBEHAVES_ON_S
    until = time.monotonic() + DECIDED_WITHIN_S
    while left := reckoning.undecided(seen := reckoning.take(live)):
        if time.monotonic() > until:
            break
        if time.monotonic() > clears:
            live.sandbox_config(fault_rate=0)
        time.sleep(1)
    seconds = time.monotonic() - started
    print(f"{seconds:6.1f} s: {len(left)} things left undecided")  # noqa: T201
    return Wreck(live, storm, seed, seconds, left, seen)


def _strike(live: LiveStack, name: str) -> None:
    if name == "flush":
        with live.redis() as redis:
            redis.flushall()
    else:
        live.kill(name)


def test_every_order_was_taken_once(wreck: Wreck) -> None:
    assert wreck.storm.placed == ORDERS, wreck.storm.answers
    assert [paths for paths in wreck.storm.paths.values() if len(paths) > 1] == []
    assert len(wreck.seen.orders) == ORDERS


def test_every_order_is_decided(wreck: Wreck) -> None:
    assert wreck.left == []


def test_books_add_up(wreck: Wreck) -> None:
    assert "The books are right" in wreck.live.manage("verify_books")


def test_sellers_books_equal_ours(wreck: Wreck) -> None:
    assert reckoning.differences(wreck.seen) == []


def test_storm_was_one(wreck: Wreck) -> None:
    """The calm that the other tests find must not come from a storm that never was."""
    outcomes = {attempt["outcome"] for attempt in wreck.seen.ours.values()}
    statuses = {order["status"] for order in wreck.seen.orders.values()}

    assert {"bought", "not_bought"} <= outcomes
    assert {"completed", "cancelled", "expired"} <= statuses
    settled = wreck.live.rows(
        "SELECT count(*) AS n FROM verifications_attempt WHERE settled_at IS NOT NULL AND outcome = 'bought'"
    )
    assert settled[0]["n"] > ORDERS // 50


# The same checks must find what is wrong when something is.


def _any(found: dict[Any, dict[str, Any]], **wanted: object) -> Any:
    return next(
        key for key, row in found.items() if all(row[name] == value for name, value in wanted.items())
    )


def _changed(rows: dict[Any, dict[str, Any]], key: Any, **changes: object) -> dict[Any, dict[str, Any]]:
    return rows | {key: rows[key] | changes}


def _lost_sale(seen: Reckoning) -> Reckoning:
    lost = _any(seen.ours, outcome="bought")
    return replace(seen, ours=_changed(seen.ours, lost, outcome="not_bought"))


def _unknown_sale(seen: Reckoning) -> Reckoning:
    return replace(seen, theirs=dict(list(seen.theirs.items())[1:]))


def _unbooked_cost(seen: Reckoning) -> Reckoning:
    return replace(seen, ours=_changed(seen.ours, _any(seen.ours, is_cost_booked=True), is_cost_booked=False))


def _refund_we_did_not_get(seen: Reckoning) -> Reckoning:
    return replace(seen, theirs=_changed(seen.theirs, _any(seen.theirs, status="cancelled"), status="finished"))  # fmt: skip


def _kept_money(seen: Reckoning) -> Reckoning:
    return replace(seen, orders=_changed(seen.orders, _any(seen.orders, status="expired"), resolutions=None))


def _refund_twice(seen: Reckoning) -> Reckoning:
    key = _any(seen.orders, status="cancelled")
    twice = seen.orders[key]["resolutions"] * 2
    return replace(seen, orders=_changed(seen.orders, key, resolutions=twice))


def _somebody_elses_code(seen: Reckoning) -> Reckoning:
    key = _any(seen.orders, status="completed")
    return replace(seen, orders=_changed(seen.orders, key, code="not that"))


@pytest.mark.parametrize(
    "harm",
    [
        _lost_sale,
        _unknown_sale,
        _unbooked_cost,
        _refund_we_did_not_get,
        _kept_money,
        _refund_twice,
        _somebody_elses_code,
    ],
)
def test_checks_find_a_difference(wreck: Wreck, harm: Any) -> None:
    known = set(reckoning.differences(wreck.seen))

    assert set(reckoning.differences(harm(wreck.seen))) - known


def test_verify_books_finds_a_balance_out_of_thin_air(wreck: Wreck) -> None:
    add = (
        "UPDATE billing_account SET credits_posted = credits_posted + %s"
        " WHERE id = (SELECT min(id) FROM billing_account WHERE kind = 'customer')"
    )
    wreck.live.execute(add, 1)

    with pytest.raises(CommandFailed, match="do not add up"):
        wreck.live.manage("verify_books")

    wreck.live.execute(add, -1)


def test_without_settlement_lost_answers_stay_undecided(wreck: Wreck) -> None:
    """The negative control: the same kind of trouble with the worker frozen, so that nobody settles anything."""
    live = wreck.live
    live.calm_sandbox()
    live.forget_troubles()
    buyer = Buyer(live, live.create_customer())
    buyer.sign_in()
    worker = wait_for(lambda: live.pid("worker"), "the worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        live.sandbox_config(fault_rate=1, faults=["buy_then_503"], fault_actions=["buy"])
        ids = [buyer.order(service).path.split("/")[2] for service in ("whatsapp", "telegram", "google")]
        live.sandbox_config(fault_rate=0)
        time.sleep(2 * float(live.env["CALL_DEADLINE_S"]) + 5)  # longer than settlement takes
        frozen = reckoning.take(live)
    finally:
        os.kill(worker, signal.SIGCONT)

    mine = reckoning.only(frozen, ids)
    assert len([line for line in reckoning.undecided(mine) if "is doubtful" in line]) == 3
    assert len([line for line in reckoning.differences(mine) if "we do not know it" in line]) == 3

    def thawed() -> bool:
        mine = reckoning.only(reckoning.take(live), ids)
        return all(order["status"] == "received" for order in mine.orders.values())

    wait_for(thawed, "the settlement after the thaw", 60, every_s=1)
    buyer.close()
