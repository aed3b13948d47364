from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from sandbox.app import create_app
from sandbox.books import Books
from tests.sandbox.client import SandboxClient


def rejected(sandbox: SandboxClient, path: str, **payload: Any) -> str:
    reply = sandbox.control(path, **payload)
    assert reply.status_code == 400
    return str(reply.json()["error"])


def test_strangers_are_kept_out_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SECRET", "s3cret")
    stranger = TestClient(create_app(), client=("203.0.113.9", 1))

    assert stranger.get("/_sandbox/state").status_code == 403
    assert stranger.get("/_sandbox/state", headers={"X-Sandbox-Secret": "wrong"}).status_code == 403
    assert stranger.get("/_sandbox/state", headers={"X-Sandbox-Secret": "s3cret"}).status_code == 200


def test_front_page_says_what_this_is(sandbox: SandboxClient) -> None:
    assert sandbox.http.get("/").text.startswith(
        "Namaskah sandbox: stands for the sellers of phone numbers and for"
    )


def test_no_secret_set_means_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX_SECRET", raising=False)
    stranger = TestClient(create_app(), client=("203.0.113.9", 1))

    assert stranger.get("/_sandbox/health", headers={"X-Sandbox-Secret": ""}).status_code == 403
    assert stranger.post("/_sandbox/reset").status_code == 403


def test_state_shows_order_with_money_and_messages(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler()
    sandbox.advance(6)

    state = sandbox.state("handler")

    (order,) = state["orders"]
    (message,) = order["messages"]
    assert set(order) == {
        "id",
        "service",
        "country",
        "operator",
        "phone",
        "price",
        "status",
        "created_at",
        "expires_at",
        "messages",
        "cancel_requests",
        "closed_at",
    }
    assert set(message) == {"id", "text", "sender", "code", "at"}
    assert (order["id"], order["service"], order["country"], order["status"]) == (
        order_id,
        "wa",
        "6",
        "received",
    )
    assert (order["cancel_requests"], order["closed_at"]) == (0, None)
    assert state["open"] == 1
    assert Decimal(state["balance"]) + Decimal(order["price"]) == 1_000_000
    assert state["counters"] == {
        "sold": 1,
        "delivered": 1,
        "cancel_requested": 0,
        "cancelled": 0,
        "finished": 0,
        "expired": 0,
        "banned": 0,
        "requests": {"getNumber": 1},
    }


def test_state_can_leave_out_and_choose(sandbox: SandboxClient) -> None:
    sandbox.buy_handler()
    silent = sandbox.buy_handler("never_arrives")
    sandbox.advance(6)

    everything = sandbox.http.get("/_sandbox/state").json()["vendors"]
    counters = sandbox.state("handler", orders="0")
    waiting = sandbox.state("handler", status="waiting")["orders"]

    assert set(everything) == {"handler", "hero", "fivesim"}
    assert "orders" not in counters
    assert counters["counters"]["sold"] == 2
    assert [order["id"] for order in waiting] == [silent]
    assert sandbox.http.get("/_sandbox/state?vendor=nobody").status_code == 400
    assert sandbox.http.get("/_sandbox/state?status=nothing").status_code == 400


def test_sales_without_fault_add_up(sandbox: SandboxClient) -> None:
    for _ in range(4):
        sandbox.buy_handler()
    for _ in range(3):
        sandbox.buy_handler("never_arrives")
    sandbox.advance(130)
    first = sandbox.state("handler")["orders"][0]["id"]
    last = sandbox.state("handler")["orders"][-1]["id"]
    sandbox.handler("setStatus", id=first, status="6")
    sandbox.handler("setStatus", id=last, status="8")
    sandbox.advance(1200)

    state = sandbox.state("handler")
    counters = state["counters"]
    charged = sum(Decimal(order["price"]) for order in state["orders"] if order["status"] == "finished")
    assert (counters["sold"], counters["finished"], counters["cancelled"], counters["expired"]) == (
        7,
        4,
        1,
        2,
    )
    assert Decimal(state["balance"]) == 1_000_000 - charged


def test_config_changes_one_vendor_or_all_and_answers_with_all(sandbox: SandboxClient) -> None:
    sandbox.control("config", vendor="hero", stock=7, price_factor="1.5")
    reply = sandbox.control("config", latency_ms=1).json()["vendors"]

    assert (reply["hero"]["stock"], reply["hero"]["price_factor"]) == (7, "1.5")
    assert (reply["handler"]["stock"], reply["handler"]["price_factor"]) == (None, "1")
    assert [vendor["latency_ms"] for vendor in reply.values()] == [1.0] * 3
    assert (reply["handler"]["cancel_lock_s"], reply["fivesim"]["cancel_lock_s"]) == (120.0, 60.0)
    assert (reply["handler"]["lifetime_s"], reply["fivesim"]["lifetime_s"]) == (1200.0, 900.0)
    assert sandbox.http.get("/_sandbox/config").json()["vendors"] == reply


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ({"latency": 1}, "Unknown field"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": True}, "latency_ms"),
        ({"fault_rate": 1.1}, "fault_rate"),
        ({"fault_rate": "1"}, "fault_rate"),
        ({"faults": ["nope"]}, "nope"),
        ({"faults": "slow"}, "faults"),
        ({"fault_actions": ["sell"]}, "sell"),
        ({"delivery_rate": 2}, "delivery_rate"),
        ({"delivery_s": [5, 1]}, "delivery_s"),
        ({"delivery_s": 5}, "delivery_s"),
        ({"stock": -1}, "stock"),
        ({"stock": 1.5}, "stock"),
        ({"price_factor": 0}, "price_factor"),
        ({"price_factor": "x"}, "price_factor"),
        ({"balance": "NaN"}, "balance"),
        ({"cancel_lock_s": None}, "cancel_lock_s"),
        ({"lifetime_s": 0}, "lifetime_s"),
        ({"hang_s": 1000}, "hang_s"),
        ({"vendor": "nobody"}, "nobody"),
        ({"vendor": 1}, "vendor"),
    ],
)
def test_config_explains_bad_values_and_changes_nothing(
    sandbox: SandboxClient, payload: dict[str, Any], word: str
) -> None:
    before = sandbox.http.get("/_sandbox/config").json()

    assert word in rejected(sandbox, "config", **{"stock": 3, **payload})

    assert sandbox.http.get("/_sandbox/config").json() == before


def test_body_must_be_a_json_object(sandbox: SandboxClient) -> None:
    for body in (b"{", b"[]", b"\xff"):
        reply = sandbox.http.post("/_sandbox/config", content=body)
        assert reply.status_code == 400
        assert "JSON" in reply.json()["error"]


def test_stock_price_and_delivery_follow_config(sandbox: SandboxClient) -> None:
    before = sandbox.handler("getPrices", service="wa", country="6").json()["6"]["wa"]
    sandbox.control("config", stock=0, price_factor=2, delivery_rate=0)

    after = sandbox.handler("getPrices", service="wa", country="6").json()["6"]["wa"]
    sold_out = sandbox.handler("getNumber", service="wa", country="6").text
    sandbox.control("config", stock=None)
    sandbox.buy_handler()
    sandbox.advance(600)

    assert (after["count"], after["physicalCount"]) == (0, 0)
    assert after["cost"] == pytest.approx(2 * before["cost"])
    assert sold_out == "NO_NUMBERS"
    assert sandbox.order("handler")["messages"] == []


def test_delivery_lock_and_lifetime_follow_config(sandbox: SandboxClient) -> None:
    sandbox.control("config", delivery_s=[30, 30], cancel_lock_s=0, lifetime_s=20)
    first, second = sandbox.buy_handler(), sandbox.buy_handler()

    assert sandbox.handler("setStatus", id=first, status="8").text == "ACCESS_CANCEL"
    sandbox.advance(20)

    assert sandbox.handler("getStatus", id=second).text == "STATUS_CANCEL"
    assert [order["status"] for order in sandbox.state("handler")["orders"]] == ["cancelled", "expired"]


def test_latency_delays_answers(sandbox: SandboxClient) -> None:
    sandbox.control("config", latency_ms=150)

    assert sandbox.handler("getBalance").elapsed.total_seconds() >= 0.15


def test_deliver_reaches_open_cancelled_and_expired_orders(sandbox: SandboxClient) -> None:
    cancelled, expired, opened = (sandbox.buy_handler("never_arrives") for _ in range(3))
    sandbox.advance(130)
    sandbox.handler("setStatus", id=cancelled, status="8")

    open_reply = sandbox.control(f"orders/{opened}/deliver", text="Code 123-456", sender="Me").json()
    sandbox.advance(1200)
    replies = [
        sandbox.control(f"orders/{order_id}/deliver", text="late 777", sender="Me", code="AB12").json()
        for order_id in (cancelled, expired)
    ]

    assert (open_reply["vendor"], open_reply["order"]["status"]) == ("handler", "received")
    assert open_reply["order"]["messages"][0]["code"] == "123456"
    assert [reply["order"]["status"] for reply in replies] == ["cancelled", "expired"]
    assert [reply["order"]["messages"][0]["code"] for reply in replies] == ["AB12", "AB12"]


def test_deliver_explains_what_is_wrong(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_fivesim("never_arrives")

    assert sandbox.control("orders/1/deliver", text="a", sender="b").status_code == 404
    assert (
        sandbox.control(f"orders/{order_id}/deliver", text="a", sender="b", vendor="hero").status_code == 404
    )
    assert "text" in rejected(sandbox, f"orders/{order_id}/deliver", sender="b")
    assert "code" in rejected(sandbox, f"orders/{order_id}/deliver", text="a", sender="b", code=1)
    assert "later" in rejected(sandbox, f"orders/{order_id}/deliver", text="a", sender="b", later=1)


@pytest.mark.parametrize("seconds", [-1, "5", None, True, 10**12])
def test_clock_takes_only_sane_seconds(sandbox: SandboxClient, seconds: Any) -> None:
    assert "advance_s" in rejected(sandbox, "clock", advance_s=seconds)


def test_reset_empties_books_config_and_clock_but_not_used_ids(sandbox: SandboxClient) -> None:
    before = int(sandbox.buy_handler())
    sandbox.fail("http_500")
    sandbox.advance(500)

    assert sandbox.control("reset").status_code == 200

    assert sandbox.http.get("/_sandbox/health").json()["advanced_s"] == 0
    state = sandbox.state("handler")
    assert (state["orders"], state["counters"]["sold"], state["balance"]) == ([], 0, "1000000.00")
    assert int(sandbox.buy_handler()) > before


def test_reset_of_one_vendor_leaves_the_others(sandbox: SandboxClient) -> None:
    sandbox.buy_handler()
    sandbox.buy_hero()

    sandbox.control("reset", vendor="hero")

    assert (sandbox.state("handler")["open"], sandbox.state("hero")["open"]) == (1, 0)
    assert "nobody" in rejected(sandbox, "reset", vendor="nobody")


@pytest.mark.parametrize("vendor", ["handler", "hero", "fivesim"])
def test_bulk_opens_orders_that_stay_silent(sandbox: SandboxClient, vendor: str) -> None:
    reply = sandbox.control("bulk", vendor=vendor, count=500).json()
    sandbox.advance(600)

    state = sandbox.state(vendor)
    assert len(set(reply["ids"])) == len(set(reply["phones"])) == 500
    assert [order["id"] for order in state["orders"]] == reply["ids"]
    assert [order["phone"] for order in state["orders"]] == reply["phones"]
    assert (state["counters"]["sold"], state["counters"]["delivered"], state["open"]) == (500, 0, 500)


def test_bulk_explains_what_is_wrong(sandbox: SandboxClient) -> None:
    assert "vendor" in rejected(sandbox, "bulk", count=1)
    assert "count" in rejected(sandbox, "bulk", vendor="hero", count=0)
    assert "hero" in rejected(sandbox, "bulk", vendor="hero", count=1, country="0")
    assert sandbox.control("bulk", vendor="hero", count=1, service="wa", country=222).status_code == 200


def test_old_closed_orders_are_forgotten_but_stay_in_the_books(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.vendor.Books", lambda: Books(keep_closed=2))
    sandbox.control("reset")
    ids = [sandbox.buy_handler() for _ in range(5)]
    sandbox.advance(1200)

    orders = sandbox.state("handler")["orders"]

    assert [order["id"] for order in orders] == ids
    assert all(order["status"] == "finished" and order["messages"] for order in orders)
    assert [sandbox.handler("getStatus", id=order_id).text for order_id in ids] == [
        "NO_ACTIVATION",
        "NO_ACTIVATION",
        "NO_ACTIVATION",
        "STATUS_CANCEL",
        "STATUS_CANCEL",
    ]
    assert len(sandbox.state("handler", status="finished")["orders"]) == 5
