"""Account numbers of customers, settlements, and the balance between them."""

from __future__ import annotations

from typing import Any

from tests.sandbox.paystack.client import Merchant

WISH = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Example",
    "phone": "08000000000",
    "preferred_bank": "test-bank",
    "country": "NG",
}


def account(merchant: Merchant) -> dict[str, Any]:
    merchant.post("dedicated_account/assign", **WISH)
    merchant.advance(2)
    (found,) = merchant.get("dedicated_account", customer="ada@example.com")
    made: dict[str, Any] = found
    return made


def test_assigned_account_comes_by_webhook(merchant: Merchant) -> None:
    made = account(merchant)
    merchant.flush()

    told = merchant.receiver.last
    assert told["event"] == "dedicatedaccount.assign.success"
    assert told["data"]["dedicated_account"]["account_number"] == made["account_number"]
    assert told["data"]["customer"]["customer_code"] == made["customer"]["customer_code"]
    assert (made["active"], made["customer"]["first_name"]) == (True, "Ada")


def test_failed_assignment_has_no_account(merchant: Merchant) -> None:
    merchant.configure(assign_outcome="failed")
    merchant.post("dedicated_account/assign", **WISH)
    merchant.advance(2)
    merchant.flush()

    assert merchant.receiver.events == ["dedicatedaccount.assign.failed"]
    assert merchant.receiver.last["data"]["dedicated_account"] is None
    assert merchant.get("dedicated_account") == []


def test_assigning_again_keeps_the_account(merchant: Merchant) -> None:
    assert account(merchant)["id"] == account(merchant)["id"]


def test_money_on_the_account_is_a_payment_with_a_reference_of_paystacks(merchant: Merchant) -> None:
    made = account(merchant)
    paid = merchant.control(
        "paystack/transfers", account_number=made["account_number"], amount=250_000, sender="OLA"
    )
    merchant.flush()

    shown = merchant.verify(paid["reference"])
    assert merchant.receiver.last["data"]["reference"] == paid["reference"]
    assert (shown["channel"], shown["amount"], shown["fees"]) == ("dedicated_nuban", 250_000, 2_500)
    assert shown["customer"]["customer_code"] == made["customer"]["customer_code"]
    assert shown["authorization"]["receiver_bank_account_number"] == made["account_number"]
    assert (shown["authorization"]["sender_name"], shown["authorization"]["reusable"]) == ("OLA", False)


def test_late_money_needs_a_requery_every_ten_minutes_at_most(merchant: Merchant) -> None:
    made = account(merchant)
    number = made["account_number"]
    merchant.control("paystack/transfers", account_number=number, amount=250_000, late=True)
    assert merchant.get("transaction") == []
    query = {"account_number": number, "provider_slug": "test-bank", "date": "2026-01-01"}

    merchant.get("dedicated_account/requery", **query)
    refused = merchant.refused("GET", "dedicated_account/requery", params=query)

    assert len(merchant.get("transaction", virtual_account_number=number)) == 1
    assert refused == (400, "Please wait a few minutes and try again.")
    merchant.advance(600)
    merchant.get("dedicated_account/requery", **query)
    assert len(merchant.get("transaction")) == 1
    assert merchant.refused("GET", "dedicated_account/requery")[0] == 400


def test_account_ends(merchant: Merchant) -> None:
    made = account(merchant)

    merchant.call("DELETE", f"dedicated_account/{made['id']}")

    assert merchant.get(f"dedicated_account/{made['id']}")["active"] is False
    assert merchant.get("dedicated_account", active="true") == []
    merchant.configure(odd_shapes=True)
    assert merchant.get("dedicated_account", active="false")[0]["active"] == 0


def test_wishes_that_make_no_sense(merchant: Merchant) -> None:
    for changes in ({"preferred_bank": "moon"}, {"country": "FR"}, {"phone": ""}):
        assert merchant.refused("POST", "dedicated_account/assign", json=WISH | changes)[0] == 400
    assert merchant.refused("POST", "dedicated_account", json={"customer": "CUS_x"})[0] == 400
    assert merchant.refused("GET", "dedicated_account/1")[0] == 404


def test_settlement_takes_what_is_unsettled_less_what_went_back(merchant: Merchant) -> None:
    first, second = merchant.pay(), merchant.pay()
    merchant.post("refund", transaction=first, amount=100_000)
    merchant.advance(5)
    merchant.control("paystack/disputes", reference=second, amount=50_000, due_s=0)
    opened = merchant.state()["balances"]["NGN"]

    (made,) = merchant.control("paystack/settle")["settlements"]

    (shown,) = merchant.get("settlement")
    assert (shown["total_processed"], shown["total_fees"], shown["deductions"]) == (
        1_000_000,
        35_000,
        150_000,
    )
    assert shown["total_amount"] == shown["effective_amount"] == made["paid_out"] == 815_000
    assert merchant.state()["balances"]["NGN"] == opened - 815_000
    theirs = merchant.get(f"settlement/{made['id']}/transactions")
    assert {row["reference"] for row in theirs} == {first, second}
    assert merchant.control("paystack/settle")["settlements"] == []


def test_deductions_that_find_no_money_wait_for_the_next_settlement(merchant: Merchant) -> None:
    paid = merchant.pay()
    merchant.control("paystack/settle")
    merchant.post("refund", transaction=paid)
    merchant.advance(5)
    merchant.pay(merchant.open(amount=100_000))
    (small,) = merchant.control("paystack/settle")["settlements"]
    merchant.pay(merchant.open(amount=1_000_000))
    (large,) = merchant.control("paystack/settle")["settlements"]

    assert small["paid_out"] == 100_000 - 1_500
    assert large["paid_out"] == 1_000_000 - 25_000 - 500_000


def test_ledger_explains_the_balance(merchant: Merchant) -> None:
    paid = merchant.pay()
    merchant.post("refund", transaction=paid, amount=100_000)
    merchant.advance(5)
    merchant.control("paystack/settle")

    lines = merchant.get("balance/ledger")
    balances = {row["currency"]: row["balance"] for row in merchant.get("balance")}

    assert [line["model_responsible"] for line in lines] == ["Settlement", "Refund", "Transaction"]
    assert [line["difference"] for line in lines] == [-382_500, -100_000, 482_500]
    assert lines[0]["balance"] == balances["NGN"]
    assert len(merchant.get("balance/ledger", perPage=2, page=2)) == 1
