"""Money back to customers, and how its events look."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.paystack.client import Merchant


def test_refund_goes_its_way_and_reverses_the_payment(merchant: Merchant) -> None:
    reference = merchant.pay()
    made = merchant.post("refund", transaction=reference, merchant_note="nmr-1")
    assert (made["status"], made["amount"], made["transaction"]["reference"]) == (
        "pending",
        500_000,
        reference,
    )
    assert merchant.verify(reference)["status"] == "reversal-pending"

    merchant.advance(3)
    assert merchant.get(f"refund/{made['id']}")["status"] == "processing"
    merchant.advance(3)

    shown = merchant.get(f"refund/{made['id']}")
    assert (shown["status"], shown["merchant_note"], shown["transaction"]) == (
        "processed",
        "nmr-1",
        made["transaction"]["id"],
    )
    assert merchant.verify(reference)["status"] == "reversed"
    merchant.flush()
    assert sorted(merchant.receiver.events) == [
        "charge.success",
        "refund.pending",
        "refund.processed",
        "refund.processing",
    ]


def test_failed_refund_gives_the_money_back_to_the_merchant(merchant: Merchant) -> None:
    merchant.configure(refund_outcome="failed")
    reference = merchant.pay()
    before = merchant.state()["balances"]
    made = merchant.post("refund", transaction=reference)
    assert merchant.state()["balances"]["NGN"] == before["NGN"] - 500_000

    merchant.advance(5)

    assert merchant.get(f"refund/{made['id']}")["status"] == "failed"
    assert merchant.verify(reference)["status"] == "success"
    assert merchant.state()["balances"] == before
    merchant.post("refund", transaction=reference)


def test_two_equal_partial_refunds_are_two_refunds(merchant: Merchant) -> None:
    reference = merchant.pay()
    first = merchant.post("refund", transaction=reference, amount=100_000)
    second = merchant.post("refund", transaction=str(merchant.verify(reference)["id"]), amount=100_000)
    merchant.advance(5)

    assert first["id"] != second["id"]
    assert merchant.verify(reference)["status"] == "success"
    rows = merchant.get("refund")
    assert [row["id"] for row in rows] == [second["id"], first["id"]]
    assert [row["id"] for row in merchant.get("refund", perPage=1, page=2)] == [first["id"]]
    assert merchant.get("refund", **{"from": "2000-01-01", "to": "2001-01-01"}) == []


def test_never_more_than_was_paid(merchant: Merchant) -> None:
    reference = merchant.pay()
    merchant.post("refund", transaction=reference, amount=400_000)

    assert merchant.refused("POST", "refund", json={"transaction": reference, "amount": 100_001})[0] == 400
    merchant.post("refund", transaction=reference)
    assert merchant.refused("POST", "refund", json={"transaction": reference}) == (
        400,
        "Transaction has been fully reversed",
    )
    assert [row["amount"] for row in merchant.rows("refunds")] == [400_000, 100_000]


def test_refusals_in_paystacks_words(merchant: Merchant) -> None:
    reference, opened = merchant.pay(), merchant.open()
    dollars = merchant.pay(merchant.open(currency="USD", amount=1_000))

    assert merchant.refused("POST", "refund", json={"transaction": "nobody"}) == (
        400,
        "Transaction not found",
    )
    assert merchant.refused("POST", "refund", json={})[0] == 400
    assert merchant.refused("POST", "refund", json={"transaction": opened})[0] == 400
    assert merchant.refused("POST", "refund", json={"transaction": dollars, "amount": 99}) == (
        400,
        "Cannot refund less than USD 1",
    )
    merchant.configure(balance=499_999)
    assert merchant.refused("POST", "refund", json={"transaction": reference}) == (
        400,
        "Insufficient balance to fulfill this refund. Please top up.",
    )
    assert merchant.rows("refunds") == []


def test_refund_that_needs_details_is_completed_with_them(merchant: Merchant) -> None:
    merchant.configure(refund_outcome="needs-attention")
    made = merchant.post("refund", transaction=merchant.pay())
    details = {"currency": "NGN", "account_number": "0123456789", "bank_id": "9"}
    path = f"refund/retry_with_customer_details/{made['id']}"
    assert merchant.refused("POST", path, json={"refund_account_details": details})[0] == 422
    merchant.advance(5)
    assert merchant.get(f"refund/{made['id']}")["status"] == "needs-attention"
    assert merchant.refused("POST", path, json={})[0] == 400

    assert merchant.post(path, refund_account_details=details)["status"] == "processing"
    merchant.advance(5)

    assert merchant.get(f"refund/{made['id']}")["status"] == "processed"


def test_banks_of_nigeria_are_listed_by_page_and_by_cursor(merchant: Merchant) -> None:
    everything = merchant.get("bank", country="nigeria")
    first = merchant.call("GET", "bank", params={"use_cursor": "true", "perPage": 10}).json()
    rest = merchant.get("bank", use_cursor="true", perPage=10, next=first["meta"]["next"])

    assert len(everything) == len({row["id"] for row in everything}) == 12
    assert first["data"] + rest == everything
    assert merchant.get("bank", perPage=5, page=2) == everything[5:10]
    assert merchant.get("bank", country="ghana") == []
    assert merchant.refused("GET", "bank", params={"country": "france"})[0] == 400


def test_stuck_refund_waits_for_a_hand(merchant: Merchant) -> None:
    merchant.configure(refund_outcome="stuck")
    made = merchant.post("refund", transaction=merchant.pay())
    merchant.advance(30 * 86_400)
    assert merchant.get(f"refund/{made['id']}")["status"] == "processing"

    merchant.control(f"paystack/refunds/{made['id']}", status="processed")

    assert merchant.get(f"refund/{made['id']}")["status"] == "processed"


@pytest.mark.parametrize(
    ("card", "status"), [("refund_fails", "failed"), ("refund_needs_attention", "needs-attention")]
)
def test_some_cards_decide_how_refunds_end(merchant: Merchant, card: str, status: str) -> None:
    made = merchant.post("refund", transaction=merchant.pay(card=card))
    merchant.advance(5)

    assert merchant.get(f"refund/{made['id']}")["status"] == status


def test_events_carry_amounts_as_text_or_number_and_no_safe_id(merchant: Merchant) -> None:
    merchant.configure(refund_outcome="needs-attention")
    for _ in range(4):
        merchant.post("refund", transaction=merchant.pay())
    merchant.advance(5)
    merchant.flush()

    told = [json.loads(body) for body, _ in merchant.receiver.taken]
    refunds = [event["data"] for event in told if event["event"].startswith("refund.")]
    assert {type(data["amount"]) for data in refunds} == {str, int}
    assert all(data["refund_reference"] is None for data in refunds if data["status"] == "pending")
    assert {"id" in data for data in refunds if data["status"] != "needs-attention"} == {False}
    assert all(isinstance(data["id"], str) for data in refunds if data["status"] == "needs-attention")


def test_payment_reversed_by_hand_shows_a_refund_nobody_asked_for(merchant: Merchant) -> None:
    reference = merchant.pay()
    merchant.pay(reference, outcome="reversed")

    assert merchant.verify(reference)["status"] == "reversed"
    (refund,) = merchant.get("refund")
    assert (refund["status"], refund["amount"]) == ("processed", 500_000)
