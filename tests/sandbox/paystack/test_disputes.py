"""Claims of customers' banks, from the first word to the money."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.paystack.client import Merchant

EVIDENCE = {
    "customer_email": "ada@example.com",
    "customer_name": "Ada",
    "customer_phone": "08000000000",
    "service_details": "A number and its code",
}


def claim(merchant: Merchant, **how: Any) -> tuple[str, int]:
    reference = merchant.pay()
    return reference, int(merchant.control("paystack/disputes", reference=reference, **how)["id"])


def answer(merchant: Merchant, dispute: int, resolution: str, name: str = "x.pdf", **more: Any) -> Any:
    body = {"resolution": resolution, "message": "m", "refund_amount": 500_000, "uploaded_filename": name}
    return merchant.call("PUT", f"dispute/{dispute}/resolve", json=body | more)


def uploaded(merchant: Merchant, dispute: int) -> str:
    place = merchant.get(f"dispute/{dispute}/upload_url")
    assert merchant.http.put(place["signedUrl"], content=b"%PDF-").status_code == 200
    return str(place["fileName"])


def test_claim_is_told_and_can_be_found(merchant: Merchant) -> None:
    reference, dispute = claim(merchant, category="fraud", amount=200_000)
    merchant.flush()

    told = merchant.receiver.last
    assert (told["event"], told["data"]["id"], told["data"]["transaction"]["reference"]) == (
        "charge.dispute.create",
        dispute,
        reference,
    )
    found = merchant.get(f"dispute/{dispute}")
    assert (found["status"], found["refund_amount"], found["category"]) == (
        "awaiting-merchant-feedback",
        200_000,
        "fraud",
    )
    transaction = merchant.verify(reference)["id"]
    assert merchant.get(f"dispute/transaction/{transaction}")["id"] == dispute
    assert [row["id"] for row in merchant.get("dispute", transaction=transaction)] == [dispute]
    assert merchant.get("dispute", status="resolved") == []
    assert merchant.verify(reference)["status"] == "success"


def test_nobody_answering_means_accepted_with_a_reminder_before(merchant: Merchant) -> None:
    reference, dispute = claim(merchant)
    before = merchant.state()["balances"]["NGN"]
    merchant.advance(12 * 3600)
    assert merchant.get(f"dispute/{dispute}")["status"] == "awaiting-merchant-feedback"
    merchant.advance(4 * 3600)

    found = merchant.get(f"dispute/{dispute}")
    assert (found["status"], found["resolution"]) == ("resolved", "auto-accepted")
    assert merchant.state()["balances"]["NGN"] == before - 500_000
    assert merchant.verify(reference)["status"] == "reversed"
    merchant.flush()
    assert merchant.receiver.events[1:] == [
        "charge.dispute.create",
        "charge.dispute.remind",
        "charge.dispute.resolve",
    ]


def test_declining_needs_a_file_that_is_there(merchant: Merchant) -> None:
    reference, dispute = claim(merchant)
    before = merchant.state()["balances"]["NGN"]
    place = merchant.get(f"dispute/{dispute}/upload_url")
    assert answer(merchant, dispute, "declined", place["fileName"]).status_code == 400
    evidence = merchant.post(f"dispute/{dispute}/evidence", **EVIDENCE)

    reply = answer(merchant, dispute, "declined", uploaded(merchant, dispute), evidence=evidence["id"])

    assert reply.json()["data"]["resolution"] == "declined"
    assert merchant.state()["balances"]["NGN"] == before
    assert merchant.verify(reference)["status"] == "success"
    assert merchant.rows("disputes")[0]["evidence"]["service_details"] == "A number and its code"
    merchant.advance(86_400)
    assert merchant.get(f"dispute/{dispute}")["resolution"] == "declined"


def test_accepting_takes_what_was_accepted_once(merchant: Merchant) -> None:
    reference, dispute = claim(merchant)
    before = merchant.state()["balances"]["NGN"]

    assert answer(merchant, dispute, "merchant-accepted", refund_amount=200_000).status_code == 200
    assert answer(merchant, dispute, "merchant-accepted").status_code == 400

    assert merchant.state()["balances"]["NGN"] == before - 200_000
    assert merchant.verify(reference)["status"] == "success"


def test_upload_address_runs_out(merchant: Merchant) -> None:
    _, dispute = claim(merchant)
    place = merchant.get(f"dispute/{dispute}/upload_url")
    merchant.advance(30 * 60 + 1)

    assert merchant.http.put(place["signedUrl"], content=b"x").status_code == 403
    assert merchant.http.put(place["signedUrl"], content=b"").status_code == 400
    assert (
        merchant.http.put("/paystack/uploads/1/other.pdf?expires=9999999999", content=b"x").status_code == 403
    )


def test_answers_that_make_no_sense(merchant: Merchant) -> None:
    _, dispute = claim(merchant)

    assert answer(merchant, dispute, "whatever").status_code == 400
    assert answer(merchant, dispute, "merchant-accepted", refund_amount=500_001).status_code == 400
    assert answer(merchant, dispute, "merchant-accepted", evidence=1).status_code == 400
    assert merchant.refused("POST", f"dispute/{dispute}/evidence", json={})[0] == 400
    assert merchant.refused("GET", "dispute/1")[0] == 404


@pytest.mark.parametrize(("resolution", "lost"), [("declined", 0), ("auto-accepted", 500_000)])
def test_bank_decides_by_hand(merchant: Merchant, resolution: str, lost: int) -> None:
    _, dispute = claim(merchant)
    before = merchant.state()["balances"]["NGN"]
    merchant.control(f"paystack/disputes/{dispute}", status="awaiting-bank-feedback")
    assert merchant.get(f"dispute/{dispute}")["status"] == "awaiting-bank-feedback"

    merchant.control(f"paystack/disputes/{dispute}", resolution=resolution)

    assert merchant.get(f"dispute/{dispute}")["resolution"] == resolution
    assert merchant.state()["balances"]["NGN"] == before - lost


def test_second_claim_on_a_payment_is_another_dispute(merchant: Merchant) -> None:
    reference, first = claim(merchant)
    second = merchant.control("paystack/disputes", reference=reference)["id"]

    assert first != second
    assert [row["id"] for row in merchant.get("dispute")] == [second, first]


def test_only_paid_payments_can_be_disputed(merchant: Merchant) -> None:
    reply = merchant.http.post("/_sandbox/paystack/disputes", json={"reference": merchant.open()})

    assert reply.status_code == 409
