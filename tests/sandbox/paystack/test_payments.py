"""Opening, asking, listing and charging."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.paystack.client import KEY, Merchant


def test_opened_payment_is_abandoned_until_paid_and_then_success(merchant: Merchant) -> None:
    reference = merchant.open("nm-t-1")
    assert merchant.verify(reference)["status"] == "abandoned"

    merchant.pay(reference)

    paid = merchant.verify(reference)
    assert (paid["status"], paid["amount"], paid["requested_amount"], paid["fees"]) == (
        "success",
        500_000,
        500_000,
        17_500,
    )
    assert paid["id"] > 2**32
    assert paid["authorization"]["card_type"] == "visa "
    assert merchant.get(f"transaction/{paid['id']}")["reference"] == reference


def test_paid_payment_cannot_be_paid_again_or_undone(merchant: Merchant) -> None:
    reference = merchant.pay()
    for outcome in ("success", "failed", "abandoned", "pending"):
        merchant.pay(reference, outcome=outcome, **({"amount": 1} if outcome == "success" else {}))

    assert merchant.verify(reference)["status"] == "success"
    assert merchant.state()["paid"] == {"NGN": 500_000}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": ""}, "Email is not allowed to be empty"),
        ({"email": "nobody"}, "Invalid Email Address Passed"),
        ({"amount": None}, "You must specify a valid amount"),
        ({"amount": 50.5}, "Amount must be an integer"),
        ({"amount": 4_999}, "Invalid Amount Sent"),
        ({"amount": -1}, "Invalid Amount Sent"),
        ({"amount": 10**12}, "Transaction amount limit exceeded"),
        ({"currency": "XOF"}, "Currency not supported by merchant"),
        ({"reference": "nm_t_1"}, "Invalid character in transaction reference"),
        ({"channels": ["pigeon"]}, "Invalid channels passed"),
        (
            {"channels": ["bank_transfer"], "amount": 9_999},
            "Pay with transfer is not currently supported for transactions less than NGN 100.00",
        ),
    ],
)
def test_initialize_refuses_in_paystacks_words(
    merchant: Merchant, changes: dict[str, Any], message: str
) -> None:
    body = {"email": "ada@example.com", "amount": 500_000, "currency": "NGN", "reference": "nm-t-1"} | changes

    assert merchant.refused("POST", "transaction/initialize", json=body) == (400, message)
    assert merchant.rows("transactions") == []


def test_reference_is_taken_for_ever(merchant: Merchant) -> None:
    merchant.pay(merchant.open("nm-t-1"))
    body = {"email": "ada@example.com", "amount": 500_000, "currency": "NGN", "reference": "nm-t-1"}

    reply = merchant.call("POST", "transaction/initialize", json=body)

    assert reply.status_code == 400
    assert (reply.json()["code"], reply.json()["message"]) == (
        "duplicate_reference",
        "Duplicate Transaction Reference",
    )
    # Case matters, so this is another one.
    merchant.open("NM-T-1")


def test_amount_may_come_as_text_of_digits(merchant: Merchant) -> None:
    assert merchant.verify(merchant.open(amount="500000"))["amount"] == 500_000  # type: ignore[arg-type, unused-ignore]


def test_keys_open_or_do_not(merchant: Merchant) -> None:
    assert merchant.refused("GET", "transaction", key="pk_test_1") == (401, "Invalid key")
    assert merchant.http.get("/paystack/transaction").json()["message"] == "No Authorization Header was found"
    reply = merchant.http.get("/paystack/transaction", headers={"Authorization": "Basic x"})
    assert reply.json()["message"] == "Format is Authorization Bearer [secret key]"
    assert merchant.call("GET", "nothing/here").status_code == 404


def test_key_decides_the_mode(merchant: Merchant) -> None:
    merchant.call(
        "POST",
        "transaction/initialize",
        key="sk_live_1",
        json={"email": "a@example.com", "amount": 500_000, "reference": "nm-t-9"},
    )

    assert merchant.verify("nm-t-9")["domain"] == "live"


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ("as_sent", {"intent": "x"}),
        ("empty_string", ""),
        ("null", None),
        ("zero", 0),
        ("json_string", '{"intent": "x"}'),
    ],
)
def test_metadata_in_five_shapes(merchant: Merchant, shape: str, shown: object) -> None:
    reference = merchant.pay(merchant.open(metadata={"intent": "x"}))
    merchant.configure(metadata_shape=shape)

    assert merchant.verify(reference)["metadata"] == shown
    assert merchant.get("transaction")[0]["metadata"] == shown


def test_odd_shapes_show_every_oddity(merchant: Merchant) -> None:
    merchant.configure(odd_shapes=True)
    merchant.control("paystack/bulk", count=210, paid=True)

    rows = merchant.get("transaction", perPage=1000)

    assert {str(row["plan"]) for row in rows} >= {"None", "0", "", "{}", "PLN_gx2wn530m0i3w3m"}
    assert any("," in row["ip_address"] for row in rows)
    assert any("requested_amount" not in row for row in rows)
    assert any(row.get("requested_amount", 1) is None for row in rows)
    assert any(row["fees"] is None for row in rows)


def test_customer_pays_fees_where_they_are_passed_on(merchant: Merchant) -> None:
    merchant.configure(fees_on_customer=True)

    paid = merchant.verify(merchant.pay())

    assert paid["requested_amount"] == 500_000
    assert paid["amount"] == 500_000 + paid["fees"]
    # What is left after the fees of the whole amount is the price.
    assert -(-paid["amount"] * 150 // 10_000) + 10_000 == paid["fees"]


@pytest.mark.parametrize(
    ("fault", "field", "odd"),
    [
        ("amount_short", "amount", 450_000),
        ("amount_over", "requested_amount", 550_000),
        ("other_currency", "currency", "GHS"),
        ("wrong_mode", "domain", "live"),
    ],
)
def test_wrong_money_by_configuration(merchant: Merchant, fault: str, field: str, odd: object) -> None:
    merchant.configure(**{fault: 1})

    paid = merchant.verify(merchant.pay())

    assert (paid["status"], paid[field]) == ("success", odd)


def test_wrong_money_by_hand(merchant: Merchant) -> None:
    short = merchant.verify(merchant.pay(amount=400_000))
    over = merchant.verify(merchant.pay(amount=600_000))
    other = merchant.verify(merchant.pay(currency="USD", domain="live"))

    assert (short["amount"], short["requested_amount"]) == (400_000, 500_000)
    assert (over["amount"], over["requested_amount"]) == (600_000, 600_000)
    assert (other["currency"], other["domain"]) == ("USD", "live")
    assert merchant.state()["paid"] == {"NGN": 1_000_000, "USD": 500_000}


def test_outcome_can_come_later(merchant: Merchant) -> None:
    reference = merchant.open()
    merchant.pay(reference, outcome="abandoned")
    merchant.pay(reference, in_s=180)

    merchant.advance(179)
    assert merchant.verify(reference)["status"] == "abandoned"
    merchant.advance(1)
    assert merchant.verify(reference)["status"] == "success"


def test_list_is_newest_first_and_filtered(merchant: Merchant) -> None:
    paid, failed = merchant.pay(), merchant.pay(outcome="failed")
    reply = merchant.call("GET", "transaction", params={"perPage": 1, "page": 2}).json()

    assert [row["reference"] for row in merchant.get("transaction")] == [failed, paid]
    assert [row["reference"] for row in merchant.get("transaction", status="success")] == [paid]
    assert [row["reference"] for row in reply["data"]] == [paid]
    assert reply["meta"] == {
        "total": 2,
        "total_volume": 1_000_000,
        "skipped": 1,
        "perPage": 1,
        "page": 2,
        "pageCount": 2,
    }
    assert merchant.get("transaction", **{"from": "2000-01-01", "to": "2001-01-01"}) == []
    assert merchant.refused("GET", "transaction", params={"from": "yesterday"})[0] == 400


def test_list_by_time_of_payment_or_of_creation(merchant: Merchant) -> None:
    reference = merchant.open()
    created_at = merchant.verify(reference)["created_at"]
    merchant.advance(3600)
    merchant.pay(reference)
    paid_at = merchant.verify(reference)["paid_at"]

    assert len(merchant.get("transaction", **{"from": paid_at, "to": paid_at})) == 1
    merchant.configure(list_time="created")
    assert merchant.get("transaction", **{"from": paid_at, "to": paid_at}) == []
    assert len(merchant.get("transaction", **{"from": created_at, "to": created_at})) == 1


def test_row_inserted_between_pages_of_a_cursor_moves_nothing(merchant: Merchant) -> None:
    references = [merchant.pay() for _ in range(4)]
    first = merchant.call("GET", "transaction", params={"use_cursor": "true", "perPage": 2}).json()
    merchant.pay()
    second = merchant.call(
        "GET", "transaction", params={"use_cursor": "true", "perPage": 2, "next": first["meta"]["next"]}
    ).json()
    back = merchant.call(
        "GET",
        "transaction",
        params={"use_cursor": "true", "perPage": 2, "previous": second["meta"]["previous"]},
    ).json()

    seen = [row["reference"] for row in first["data"] + second["data"]]
    assert seen == references[::-1]
    assert second["meta"]["next"] is None
    assert back["data"] == first["data"]


def test_first_page_says_nothing_before_in_two_ways(merchant: Merchant) -> None:
    merchant.pay()

    said = {
        merchant.call("GET", "transaction", params={"use_cursor": "true"}).json()["meta"]["previous"]
        for _ in range(60)
    }

    assert said == {None, "null"}


def charge(merchant: Merchant, code: str, reference: str = "nm-a-1", **changes: Any) -> dict[str, Any]:
    return {
        "email": "ada@example.com",
        "amount": 300_000,
        "currency": "NGN",
        "authorization_code": code,
        "reference": reference,
    } | changes


def saved_card(merchant: Merchant) -> str:
    return str(merchant.verify(merchant.pay())["authorization"]["authorization_code"])


def test_saved_card_is_charged_and_told(merchant: Merchant) -> None:
    body = charge(merchant, saved_card(merchant))

    made = merchant.post("transaction/charge_authorization", **body)

    assert (made["status"], made["amount"], "requested_amount" in made) == ("success", 300_000, False)
    merchant.flush()
    assert merchant.receiver.last["data"]["reference"] == "nm-a-1"
    assert merchant.refused("POST", "transaction/charge_authorization", json=body) == (
        400,
        "Duplicate charge request for reference",
    )


@pytest.mark.parametrize(
    ("outcome", "status", "said"),
    [("declined", "failed", "Declined"), ("insufficient_funds", "failed", "Insufficient Funds")],
)
def test_declined_charge_is_answered_with_200(
    merchant: Merchant, outcome: str, status: str, said: str
) -> None:
    code = saved_card(merchant)
    merchant.configure(charge_outcome=outcome)

    made = merchant.post("transaction/charge_authorization", **charge(merchant, code))

    assert (made["status"], made["gateway_response"]) == (status, said)
    assert merchant.verify("nm-a-1")["status"] == status


def test_refused_charge_leaves_nothing(merchant: Merchant) -> None:
    code = saved_card(merchant)
    merchant.configure(charge_outcome="denied")

    assert merchant.refused("POST", "transaction/charge_authorization", json=charge(merchant, code)) == (
        400,
        "Denied by fraud system",
    )
    assert merchant.refused("GET", "transaction/verify/nm-a-1")[0] == 400


def test_bank_wants_the_customer_before_it_pays(merchant: Merchant) -> None:
    code = saved_card(merchant)
    merchant.configure(charge_outcome="paused")

    made = merchant.post("transaction/charge_authorization", **charge(merchant, code))

    assert (made["paused"], made["reference"]) == (True, "nm-a-1")
    assert merchant.verify("nm-a-1")["status"] == "ongoing"
    assert merchant.press("nm-a-1", "pay-card").status_code == 200
    assert merchant.verify("nm-a-1")["status"] == "success"


def test_charge_that_waits_for_the_bank(merchant: Merchant) -> None:
    code = saved_card(merchant)
    merchant.configure(charge_outcome="pending")
    merchant.post("transaction/charge_authorization", **charge(merchant, code))
    assert merchant.verify("nm-a-1")["status"] == "pending"

    merchant.advance(5)

    assert merchant.verify("nm-a-1")["status"] == "success"


def test_card_is_bound_to_its_mail_address_and_ends_with_deactivation(merchant: Merchant) -> None:
    code = saved_card(merchant)
    other = charge(merchant, code, email="eve@example.com")
    assert "does not match" in merchant.refused("POST", "transaction/charge_authorization", json=other)[1]

    merchant.post("customer/authorization/deactivate", authorization_code=code)

    assert merchant.refused("POST", "transaction/charge_authorization", json=charge(merchant, code))[0] == 400
    assert merchant.get("customer/ada@example.com")["authorizations"] == []
    assert merchant.refused("POST", "transaction/charge_authorization", json=charge(merchant, "AUTH_x")) == (
        400,
        "Authorization code is invalid",
    )


def test_totals_count_what_was_paid(merchant: Merchant) -> None:
    merchant.pay()
    merchant.pay(merchant.open(currency="USD", amount=1_000))
    merchant.pay(outcome="failed")

    totals = merchant.get("transaction/totals")

    assert (totals["total_transactions"], totals["total_volume"]) == (2, 501_000)
    assert {"currency": "USD", "amount": 1_000} in totals["total_volume_by_currency"]


def test_form_encoding_is_understood(merchant: Merchant) -> None:
    reply = merchant.http.post(
        "/paystack/transaction/initialize",
        headers={"Authorization": f"Bearer {KEY}"},
        data={"email": "ada@example.com", "amount": "500000", "reference": "nm-t-1"},
    )

    assert reply.status_code == 200
    assert merchant.verify("nm-t-1")["amount"] == 500_000
