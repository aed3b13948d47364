"""Sellers that answer wrongly, late or not at all: each order is decided in bounded time and both sides' books agree.

All orders are placed first, one fault after the other, and then come to their ends side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

from tests.crash import reckoning
from tests.crash.reckoning import Reckoning
from tests.flows.buyer import FULL, Buyer
from tests.live_stack import QUICK, LiveStack, shared_stack, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("live")]

SERVICES = (
    "whatsapp", "telegram", "google", "facebook", "instagram", "twitter", "discord", "viber", "wechat", "uber", "tiktok",
    "tinder", "yahoo", "microsoft", "amazon", "apple", "steam", "netflix", "snapchat", "line", "linkedin", "paypal",
)  # fmt: skip
SOLD = {"received"}
NOT_SOLD = {"failed"}
ENDS = {
    # Nothing was sold: refused for sure, or after asking the seller what it sold us.
    "timeout_before": NOT_SOLD,
    "connection_reset": NOT_SOLD,
    "html_200": NOT_SOLD,
    "http_500": NOT_SOLD,
    "error_sql": NOT_SOLD,
    "unknown_literal": NOT_SOLD,
    "rate_limited": NOT_SOLD,
    "rate_limited_bare": NOT_SOLD,
    "banned": NOT_SOLD,
    "bad_key": NOT_SOLD,
    "no_balance": NOT_SOLD,
    "no_stock": NOT_SOLD,
    "huge_body": NOT_SOLD,
    "redirect": NOT_SOLD,
    # Sold, and the answer lost or damaged: found in the seller's list.
    "buy_then_timeout": SOLD,
    "buy_then_503": SOLD,
    "buy_then_html": SOLD,
    "truncated_json": SOLD,
    "empty_body": SOLD,
    "slow": SOLD,
    "big_id": SOLD,
}
DECIDED_WITHIN_S = 60


@dataclass(frozen=True)
class Outcomes:
    """What became of one order per fault; `orders` has their ids."""

    seen: Reckoning
    orders: dict[str, str]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Outcomes:
    live = shared_stack(request.config)
    live.calm_sandbox()
    cap = int(QUICK["MAX_OPEN_ORDERS"])
    emails = live.create_customers(-(-len(ENDS) // cap), "25.00")
    orders = {}
    with ExitStack() as stack:
        buyers = [stack.enter_context(closing(Buyer(live, email))) for email in emails]
        for buyer in buyers:
            buyer.sign_in()
        for place, (fault, service) in enumerate(zip(ENDS, SERVICES, strict=False)):
            _forget_all(live)
            form = buyers[place // cap].order_page(service).form("/verifications/new/")
            live.sandbox_config(fault_rate=1, faults=[fault], fault_actions=["buy"])
            orders[fault] = buyers[place // cap].send(form).path.split("/")[2]
            live.sandbox_config(fault_rate=0)
    _forget_all(live)

    def decided() -> Reckoning | None:
        seen = reckoning.only(reckoning.take(live), list(orders.values()))
        is_open = any(order["status"] in {"ordering", "waiting"} for order in seen.orders.values())
        unsure = any(attempt["outcome"] in {"calling", "doubtful"} for attempt in seen.ours.values())
        return None if is_open or unsure else seen

    seen = wait_for(decided, "the decision on every order", DECIDED_WITHIN_S, every_s=0.5)
    assert seen is not None
    return Outcomes(seen, orders)


def _forget_all(live: LiveStack) -> None:
    """One fault at a time: what the last one did to a seller's standing must not decide the next order."""
    live.forget_troubles()
    live.execute("UPDATE verifications_provider SET is_low_on_balance = false")


@pytest.mark.parametrize("fault", ENDS)
def test_purchase_that_meets_a_fault_is_decided(outcomes: Outcomes, fault: str) -> None:
    seen = reckoning.only(outcomes.seen, [outcomes.orders[fault]])

    assert {order["status"] for order in seen.orders.values()} <= ENDS[fault]
    (order,) = seen.orders.values()
    kind = "post_pending" if order["has_code"] else "void_pending"
    assert order["resolutions"] == [f"{kind} {order['held']}"]


def test_sellers_sold_what_we_know_of(outcomes: Outcomes) -> None:
    sold = {key for key, order in outcomes.seen.theirs.items() if order["created_at"]}

    assert set(outcomes.seen.bought) <= sold
    for fault, ends in ENDS.items():
        bought = reckoning.only(outcomes.seen, [outcomes.orders[fault]]).bought
        assert bool(bought) == (ends == SOLD), fault


def test_faulty_reads_delay_a_code_and_never_double_it(
    live: LiveStack, new_buyer: Callable[..., Buyer]
) -> None:
    buyer = new_buyer()
    paths = [buyer.order(service).path for service in SERVICES[:3]]

    faults = [
        "html_200", "http_500", "truncated_json", "empty_body", "connection_reset", "sms_null", "duplicate_sms",
        "unknown_literal",
    ]  # fmt: skip
    live.sandbox_config(fault_rate=0.5, faults=faults, fault_actions=["read", "list"])

    def all_received() -> bool:
        live.forget_troubles()  # this is about reading, not about the breaker's patience
        return all(order["status"] == "received" for order in buyer.orders())

    wait_for(all_received, "every code", 60, every_s=0.5)
    live.sandbox_config(fault_rate=0)
    assert len(paths) == 3
    for attempt in buyer.attempts():
        stored = live.rows(
            "SELECT count(*) AS n FROM verifications_message WHERE attempt_id = %s", attempt["id"]
        )
        assert stored[0]["n"] == len(live.sandbox_orders()[attempt["provider_order_id"]]["messages"]) == 1


def test_faulty_cancels_return_the_money_on_both_sides(
    live: LiveStack, new_buyer: Callable[..., Buyer]
) -> None:
    buyer = new_buyer()
    live.terms(lifetime_s=1200, cancel_lock_s=1)
    live.sandbox_config(delivery_rate=0)
    faults = [
        "buy_then_timeout",
        "buy_then_503",
        "truncated_json",
        "http_500",
        "early_cancel_denied",
        "html_200",
    ]
    paths = [buyer.order(service).path for service in SERVICES[:3]]

    live.sandbox_config(fault_rate=0.7, faults=faults, fault_actions=["cancel"])
    for path in paths:
        buyer.post(path + "cancel/", {})

    def all_cancelled() -> bool:
        live.forget_troubles()
        return all(order["status"] == "cancelled" for order in buyer.orders())

    wait_for(all_cancelled, "every cancel", 120, every_s=0.5)
    sold = live.sandbox_orders()
    assert {sold[attempt["provider_order_id"]]["status"] for attempt in buyer.attempts()} == {"cancelled"}
    assert buyer.wallet() == FULL


def test_books_are_right_after_all_this(live: LiveStack) -> None:
    assert "The books are right" in live.manage("verify_books")
