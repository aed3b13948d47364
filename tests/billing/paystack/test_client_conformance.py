"""Our requests, and the answers we recorded, held against Paystack's own OpenAPI file."""

from __future__ import annotations

from billing.paystack.client import Paystack
from tests import paystack_spec
from tests.billing.paystack.far_side import FarSide, payload, says, says_text
from tests.billing.paystack.test_client import CALLS, Call, named


@named(CALLS)
def test_requests_and_recorded_answers_are_those_of_paystacks_own_description(
    sut: Paystack, far_side: FarSide, call: Call, answer: str
) -> None:
    far_side.will_say(answer)

    call(sut)

    [asked] = far_side.asked
    paystack_spec.check_request(asked.method, asked.target, asked.json)
    paystack_spec.check_response(asked.method, asked.target, 200, payload(answer))


def test_the_requests_of_the_longer_calls_are_described_as_well(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(says(payload("customer")), says(payload("dedicated_accounts")))
    list(sut.dedicated_accounts(customer_email="ada@example.com"))
    upload = payload("upload_url")
    upload["data"]["signedUrl"] = f"{far_side.url}/store/1?signature=abc"
    far_side.will(says(upload), says_text(""))
    sut.upload_evidence(2867001, content=b"%PDF", content_type="application/pdf")

    for asked in far_side.asked[:3]:
        paystack_spec.check_request(asked.method, asked.target, asked.json)
    for name, asked in zip(("customer", "dedicated_accounts", "upload_url"), far_side.asked, strict=False):
        paystack_spec.check_response("GET", asked.target, 200, payload(name))
