"""Configuration, faults, clock, reset and the other things tests say to the stand-in."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from sandbox.app import create_app
from tests.sandbox.paystack.client import Merchant


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ({"latency": 1}, "Unknown field"),
        ({"delivery_s": [1, 2]}, "Unknown field"),
        ({"fault_rate": 2}, "fault_rate"),
        ({"faults": ["error_sql"]}, "error_sql"),
        ({"fault_actions": ["buy"]}, "buy"),
        ({"currencies": ["EUR"]}, "EUR"),
        ({"fees_on_customer": 1}, "fees_on_customer"),
        ({"amount_short": "1"}, "amount_short"),
        ({"metadata_shape": "list"}, "metadata_shape"),
        ({"charge_outcome": None}, "charge_outcome"),
        ({"refund_outcome": "gone"}, "refund_outcome"),
        ({"refund_s": -1}, "refund_s"),
        ({"webhook_url": "shop.example"}, "webhook_url"),
        ({"webhook_schedule": "weekly"}, "webhook_schedule"),
        ({"webhook_loss": True}, "webhook_loss"),
        ({"balance": 1.5}, "balance"),
        ({"list_time": "then"}, "list_time"),
    ],
)
def test_config_explains_bad_values_and_changes_nothing(
    merchant: Merchant, payload: dict[str, Any], word: str
) -> None:
    before = merchant.http.get("/_sandbox/config").json()

    reply = merchant.http.post(
        "/_sandbox/config", json={"vendor": "paystack", "refund_s": 9, "balance": 7, **payload}
    )

    assert reply.status_code == 400
    assert word in reply.json()["error"]
    assert merchant.http.get("/_sandbox/config").json() == before


def test_sellers_and_paystack_are_configured_apart(merchant: Merchant) -> None:
    merchant.control("config", latency_ms=1)
    shown = merchant.control("config", vendor="paystack", latency_ms=2)

    assert shown["vendors"]["hero"]["latency_ms"] == 1
    assert shown["paystack"]["latency_ms"] == 2
    assert shown["rates"]["latency_ms"] == 0


@pytest.mark.parametrize(
    ("fault", "status", "word"),
    [
        ("http_500", 500, "Internal Server Error"),
        ("html_200", 200, "Checking your browser"),
        ("rate_limited", 429, "Too many requests"),
        ("please_wait", 400, "Please wait a few minutes"),
        ("bad_key", 401, "Invalid key"),
        ("deactivated", 403, "deactivated"),
        ("redirect", 302, ""),
    ],
)
def test_faults_under_which_nothing_happens(merchant: Merchant, fault: str, status: int, word: str) -> None:
    merchant.configure(fault_rate=1, faults=[fault])
    body = {"email": "ada@example.com", "amount": 500_000, "reference": "nm-t-1"}

    reply = merchant.call("POST", "transaction/initialize", json=body)

    assert reply.status_code == status
    assert word in reply.text
    assert merchant.rows("transactions") == []


@pytest.mark.parametrize("fault", ["timeout_after", "http_502_after", "truncated_json", "empty_body"])
def test_faults_after_the_effect(merchant: Merchant, fault: str) -> None:
    merchant.configure(fault_rate=1, faults=[fault], hang_s=0)
    body = {"email": "ada@example.com", "amount": 500_000, "reference": "nm-t-1"}

    reply = merchant.call("POST", "transaction/initialize", json=body)

    assert fault == "timeout_after" or not reply.text.endswith("}")
    assert [row["reference"] for row in merchant.rows("transactions")] == ["nm-t-1"]


def test_time_out_before_the_effect(merchant: Merchant) -> None:
    merchant.configure(fault_rate=1, faults=["timeout_before"], hang_s=0)

    assert merchant.call("GET", "transaction").status_code == 503
    assert merchant.state()["counters"]["requests"] == {"transactions": 1}


def test_connection_reset_breaks_off(merchant: Merchant) -> None:
    merchant.configure(fault_rate=1, faults=["connection_reset"])

    with pytest.raises(ConnectionResetError):
        merchant.call("GET", "transaction")


def test_faults_strike_only_the_chosen_calls(merchant: Merchant) -> None:
    reference = merchant.pay()
    merchant.configure(fault_rate=1, faults=["http_500"], fault_actions=["verify", "refund"])

    assert merchant.call("GET", f"transaction/verify/{reference}").status_code == 500
    assert merchant.call("POST", "refund", json={"transaction": reference}).status_code == 500
    assert len(merchant.get("transaction")) == 1
    assert merchant.rows("refunds") == []


def test_share_of_faults_is_kept(merchant: Merchant) -> None:
    merchant.configure(fault_rate=0.5, faults=["http_500"])

    statuses = [merchant.call("GET", "balance").status_code for _ in range(200)]

    assert 50 < statuses.count(500) < 150


def test_latency_delays_answers(merchant: Merchant) -> None:
    merchant.configure(latency_ms=150)

    assert merchant.call("GET", "balance").elapsed.total_seconds() >= 0.15


def test_state_is_the_oracle(merchant: Merchant) -> None:
    reference = merchant.pay()
    merchant.pay(outcome="failed")
    merchant.flush()

    state = merchant.state()

    row = state["transactions"][0]
    assert (row["reference"], row["status"], row["paid"], row["fees"]) == (
        reference,
        "success",
        500_000,
        17_500,
    )
    assert state["transactions"][1]["paid"] == 0
    assert state["counters"]["transactions"] == {"success": 1, "failed": 1}
    assert state["counters"]["requests"] == {"initialize": 2}
    assert state["counters"]["webhooks"] == {"delivered": 1}
    assert (state["webhooks"][0]["tries"], state["webhooks"][0]["answers"]) == (1, [200])
    assert "transactions" not in merchant.http.get("/_sandbox/state?orders=0").json()["paystack"]
    assert "paystack" not in merchant.http.get("/_sandbox/state?vendor=hero").json()


def test_reset_empties_paystack_alone_or_with_everything(merchant: Merchant) -> None:
    reference = merchant.pay()
    old = merchant.verify(reference)["id"]
    merchant.configure(fault_rate=1, faults=["http_500"])

    merchant.control("reset", vendor="paystack")

    assert merchant.rows("transactions") == []
    assert merchant.verify(merchant.open(reference))["id"] > old
    merchant.advance(100)
    merchant.control("reset")
    assert merchant.rows("transactions") == []
    assert merchant.http.get("/_sandbox/health").json()["advanced_s"] == 0


def test_address_from_the_environment_outlives_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_PAYSTACK_WEBHOOK_URL", "http://shop.example/hook")
    http = TestClient(create_app(), client=("127.0.0.1", 1))
    http.post("/_sandbox/config", json={"vendor": "paystack", "webhook_url": ""})

    http.post("/_sandbox/reset")

    assert http.get("/_sandbox/config").json()["paystack"]["webhook_url"] == "http://shop.example/hook"


def test_strangers_do_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX_SECRET", raising=False)
    stranger = TestClient(create_app(), client=("203.0.113.9", 1))

    for path in ("payments/x", "paystack/settle", "paystack/events", "paystack/bulk", "paystack/flush"):
        assert stranger.post(f"/_sandbox/{path}").status_code == 403


@pytest.mark.parametrize(
    ("path", "payload", "status"),
    [
        ("payments/nobody", {"outcome": "success"}, 404),
        ("payments/nm-t-1", {}, 400),
        ("payments/nm-t-1", {"outcome": "maybe"}, 400),
        ("payments/nm-t-1", {"outcome": "success", "amount": "5"}, 400),
        ("payments/nm-t-1", {"outcome": "success", "card": "gold"}, 400),
        ("payments/nm-t-1", {"outcome": "success", "in_s": -1}, 400),
        ("payments/nm-t-1", {"outcome": "success", "later": 1}, 400),
        ("paystack/disputes", {"reference": "nobody"}, 404),
        ("paystack/disputes/1", {"resolution": "declined"}, 404),
        ("paystack/disputes/1", {}, 400),
        ("paystack/refunds/1", {"status": "processed"}, 404),
        ("paystack/refunds/1", {"status": "gone"}, 400),
        ("paystack/transfers", {"account_number": "1", "amount": 5}, 404),
        ("paystack/transfers", {"account_number": "1"}, 400),
        ("paystack/bulk", {}, 400),
        ("paystack/bulk", {"count": 0}, 400),
        ("paystack/settle", {"now": True}, 400),
    ],
)
def test_control_explains_what_is_wrong(
    merchant: Merchant, path: str, payload: dict[str, Any], status: int
) -> None:
    merchant.open("nm-t-1")

    reply = merchant.http.post(f"/_sandbox/{path}", json=payload)

    assert (reply.status_code, bool(reply.json()["error"])) == (status, True)


def test_bulk_opens_and_pays_many_without_telling(merchant: Merchant) -> None:
    made = merchant.control("paystack/bulk", count=300, amount=100_000, paid=True)["references"]
    named = merchant.control("paystack/bulk", references=["nm-t-a", "nm-t-b"])["references"]
    told = merchant.control("paystack/bulk", count=2, paid=True, webhooks=True)["references"]
    merchant.flush()

    counters = merchant.state()["counters"]["transactions"]
    assert (len(set(made)), named, len(told)) == (300, ["nm-t-a", "nm-t-b"], 2)
    assert counters == {"success": 302, "abandoned": 2}
    assert merchant.verify(made[0])["status"] == "success"
    assert merchant.receiver.events == ["charge.success"] * 2
    assert merchant.http.post("/_sandbox/paystack/bulk", json={"references": named}).status_code == 409


def test_bulk_pays_by_bank_transfer_when_asked(merchant: Merchant) -> None:
    (made,) = merchant.control("paystack/bulk", count=1, paid=True, channel="bank_transfer")["references"]

    found = merchant.verify(made)
    assert (found["channel"], found["authorization"]["channel"]) == ("bank_transfer", "bank_transfer")
    assert not found["authorization"]["reusable"]


def test_rates_in_the_form_of_the_source(merchant: Merchant) -> None:
    shown = merchant.http.get("/rates/latest/USD").json()

    assert (shown["result"], shown["base_code"]) == ("success", "USD")
    assert (shown["rates"]["NGN"], shown["rates"]["USD"]) == (1530.5, 1)
    assert {"GHS", "KES", "ZAR"} <= shown["rates"].keys()
    assert merchant.http.get("/rates/latest/NGN").json()["rates"]["USD"] == pytest.approx(
        1 / 1530.5, abs=1e-6
    )
    assert merchant.http.get("/rates/latest/ABC").json()["error-type"] == "unsupported-code"


def test_rates_can_be_changed_aged_and_broken(merchant: Merchant) -> None:
    now = merchant.http.get("/rates/latest/USD").json()["time_last_update_unix"] + 3600
    merchant.control("config", vendor="rates", rates={"NGN": 1600, "GHS": None}, age_s=7200)

    shown = merchant.http.get("/rates/latest/USD").json()

    assert (shown["rates"]["NGN"], "GHS" in shown["rates"]) == (1600, False)
    assert shown["time_last_update_unix"] == pytest.approx(now - 7200, abs=2)
    merchant.control("config", vendor="rates", fault_rate=1, faults=["http_500"])
    assert merchant.http.get("/rates/latest/USD").status_code == 500
    merchant.control("reset", vendor="rates")
    assert merchant.http.get("/rates/latest/USD").json()["rates"]["NGN"] == 1530.5


@pytest.mark.parametrize(
    "payload",
    [{"rates": {"NGN": 0}}, {"rates": {"NGN": "x"}}, {"rates": []}, {"age_s": -1}, {"faults": ["banned"]}],
)
def test_rates_explain_bad_values(merchant: Merchant, payload: dict[str, Any]) -> None:
    assert merchant.http.post("/_sandbox/config", json={"vendor": "rates", **payload}).status_code == 400
