"""Every call of the stand-in, judged by Paystack's own OpenAPI file."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response

from tests.paystack_spec import check_response
from tests.sandbox.paystack.client import Merchant


class Judged(Merchant):
    """A merchant who shows every answer to the judge."""

    judged = 0

    def call(self, method: str, path: str, *, key: str = "sk_test_judged", **options: Any) -> Response:
        reply = super().call(method, path, key=key, **options)
        check_response(method, f"/{path}", reply.status_code, reply.json())
        self.judged += 1
        return reply


@pytest.fixture
def judged() -> Judged:
    return Judged()


def test_payments_in_every_state(judged: Judged) -> None:
    for outcome in ("success", "failed", "abandoned", "pending"):
        reference = judged.pay(outcome=outcome)
        judged.get(f"transaction/{judged.verify(reference)['id']}")
    judged.pay(channel="bank_transfer")
    judged.open(metadata=None)

    assert len(judged.get("transaction")) == 6
    assert len(judged.get("transaction", use_cursor="true", perPage=2)) == 2
    assert judged.get("transaction/totals")["total_transactions"] == 2


def test_odd_shapes_are_known_gaps(judged: Judged) -> None:
    judged.configure(odd_shapes=True)
    for shape in ("as_sent", "empty_string", "null", "zero", "json_string"):
        judged.configure(metadata_shape=shape)
        for _ in range(6):
            reference = judged.pay()
            judged.get(f"transaction/{judged.verify(reference)['id']}")
        judged.get("transaction")


@pytest.mark.parametrize("outcome", ["success", "declined", "insufficient_funds", "paused", "pending"])
def test_charges_of_saved_cards(judged: Judged, outcome: str) -> None:
    code = judged.verify(judged.pay())["authorization"]["authorization_code"]
    judged.configure(charge_outcome=outcome)

    judged.post(
        "transaction/charge_authorization",
        email="ada@example.com",
        amount=300_000,
        currency="NGN",
        authorization_code=code,
        reference="nm-a-1",
    )

    judged.verify("nm-a-1")
    judged.get("customer/ada@example.com")
    judged.post("customer/authorization/deactivate", authorization_code=code)
    assert judged.judged == 6


def test_refunds_in_every_state(judged: Judged) -> None:
    for outcome in ("processed", "failed", "needs-attention", "stuck"):
        judged.configure(refund_outcome=outcome)
        made = judged.post("refund", transaction=judged.pay(), amount=100_000, merchant_note="nmr-1")
        judged.get(f"refund/{made['id']}")
        judged.advance(10)
        judged.get(f"refund/{made['id']}")
    assert len(judged.get("refund")) == 4
    waiting = next(row for row in judged.rows("refunds") if row["status"] == "needs-attention")
    judged.post(
        f"refund/retry_with_customer_details/{waiting['id']}",
        refund_account_details={"currency": "NGN", "account_number": "0123456789", "bank_id": "9"},
    )


def test_banks(judged: Judged) -> None:
    assert len(judged.get("bank", country="nigeria")) == 12
    assert len(judged.get("bank", country="nigeria", use_cursor="true", perPage=5)) == 5
    assert judged.get("bank", country="kenya") == []
    assert judged.call("GET", "bank", params={"country": "france"}).status_code == 400


def test_disputes_from_claim_to_answer(judged: Judged) -> None:
    reference = judged.pay()
    made = judged.control("paystack/disputes", reference=reference)
    judged.get("dispute")
    judged.get(f"dispute/{made['id']}")
    judged.get(f"dispute/transaction/{judged.verify(reference)['id']}")
    evidence = judged.post(
        f"dispute/{made['id']}/evidence",
        customer_email="ada@example.com",
        customer_name="Ada",
        customer_phone="08000000000",
        service_details="A number and its code",
    )
    upload = judged.get(f"dispute/{made['id']}/upload_url")
    judged.http.put(upload["signedUrl"], content=b"%PDF-")
    reply = judged.call(
        "PUT",
        f"dispute/{made['id']}/resolve",
        json={
            "resolution": "declined",
            "message": "Delivered",
            "refund_amount": 0,
            "uploaded_filename": upload["fileName"],
            "evidence": evidence["id"],
        },
    )

    assert reply.json()["data"]["resolution"] == "declined"
    judged.get(f"dispute/{made['id']}")


def test_accounts_from_wish_to_end(judged: Judged) -> None:
    judged.post(
        "dedicated_account/assign",
        email="ada@example.com",
        first_name="Ada",
        last_name="Example",
        phone="08000000000",
        preferred_bank="test-bank",
        country="NG",
    )
    judged.advance(3)
    (account,) = judged.get("dedicated_account")
    made = judged.control("paystack/transfers", account_number=account["account_number"], amount=250_000)
    judged.get("dedicated_account/available_providers")
    judged.verify(made["reference"])
    judged.get(f"transaction/{made['id']}")
    judged.get("transaction")
    judged.get(f"dedicated_account/{account['id']}")
    judged.get(
        "dedicated_account/requery",
        account_number=account["account_number"],
        provider_slug="test-bank",
        date="2026-01-01",
    )
    judged.post(
        "dedicated_account", customer=account["customer"]["customer_code"], preferred_bank="wema-bank"
    )
    assert judged.call("DELETE", f"dedicated_account/{account['id']}").status_code == 200


def test_settlements_and_balance(judged: Judged) -> None:
    judged.pay()
    judged.control("paystack/settle")
    (settlement,) = judged.get("settlement")

    assert len(judged.get(f"settlement/{settlement['id']}/transactions")) == 1
    judged.get("balance")
    assert len(judged.get("balance/ledger")) == 2
    judged.get("integration/payment_session_timeout")
    judged.call("PUT", "integration/payment_session_timeout", json={"timeout": 600})


def test_refusals(judged: Judged) -> None:
    reference = judged.open()
    assert judged.call("GET", "transaction/verify/nobody").status_code == 400
    assert judged.call("GET", "transaction/1").status_code == 400
    assert judged.call("GET", "transaction", key="pk_test_x").status_code == 401
    assert judged.call("POST", "transaction/initialize", json={"reference": reference}).status_code == 400
    assert judged.call("POST", "refund", json={"transaction": reference}).status_code == 400
    for path in ("refund/1", "dispute/1", "dispute/transaction/1", "settlement/1/transactions"):
        assert judged.call("GET", path).status_code == 404
    judged.configure(fault_rate=1, faults=["rate_limited"])
    assert judged.call("GET", "transaction").status_code == 429


def test_judge_notices_what_is_wrong() -> None:
    """The negative control: without it a judge that lets everything through would pass."""
    body = {"status": True, "message": "x", "data": {"authorization_url": "u", "reference": "r"}}
    with pytest.raises(AssertionError, match="access_code"):
        check_response("POST", "/transaction/initialize", 200, body)
    with pytest.raises(AssertionError, match="status"):
        check_response("GET", "/transaction/verify/x", 400, {"status": "false", "message": "x"})
    with pytest.raises(AssertionError, match="Path"):
        check_response("GET", "/transactions", 200, body)
