"""The hosted checkout as a browser without scripts sees it, and what the inline script needs."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response

from tests.sandbox.paystack.client import CALLBACK, CANCELLED, Merchant


class Page(HTMLParser):
    """Collects what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hooks: set[str] = set()
        self.labelled: set[str] = set()
        self.controls: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.attributes |= set(found)
        if hook := found.get("data-testid"):
            self.hooks.add(hook)
        if tag == "label":
            self.labelled.add(found["for"] or "")
        if tag == "select":
            self.controls.add(found["id"] or "")


def came_back(reply: Response, to: str, reference: str) -> bool:
    parts = urlsplit(reply.headers["location"])
    query = parse_qs(parts.query)
    return (
        reply.status_code == 303
        and f"{parts.scheme}://{parts.netloc}{parts.path}" == to
        and query["reference"] == query["trxref"] == [reference]
    )


def code_of(merchant: Merchant, reference: str) -> str:
    return str(
        next(row for row in merchant.rows("transactions") if row["reference"] == reference)["access_code"]
    )


def test_page_shows_what_is_paid_and_offers_every_way(merchant: Merchant) -> None:
    reference = merchant.open()
    reply = merchant.http.get(f"/paystack/checkout/{code_of(merchant, reference)}")
    page = Page(reply.text)

    assert page.hooks >= {
        "pay-card",
        "pay-card-unsaved",
        "decline",
        "bank-transfer",
        "late-transfer",
        "leave",
    }
    assert "NGN 5,000.00" in reply.text
    assert "no real money" in reply.text
    assert page.controls == page.labelled == {"card"}
    assert not page.attributes & {"style", "onclick"}
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    assert merchant.verify(reference)["status"] == "abandoned"


def test_names_on_the_page_are_escaped(merchant: Merchant) -> None:
    reference = merchant.open(email='"<b>"@example.com')

    assert "<b>" not in merchant.http.get(f"/paystack/checkout/{code_of(merchant, reference)}").text


@pytest.mark.parametrize(
    ("button", "status"),
    [
        ("pay-card", "success"),
        ("pay-card-unsaved", "success"),
        ("decline", "failed"),
        ("bank-transfer", "pending"),
        ("late-transfer", "abandoned"),
    ],
)
def test_every_button_leads_back_to_the_shop(merchant: Merchant, button: str, status: str) -> None:
    reference = merchant.open()

    assert came_back(merchant.press(reference, button), CALLBACK, reference)

    assert merchant.verify(reference)["status"] == status


def test_leaving_goes_where_cancelled_customers_go(merchant: Merchant) -> None:
    reference, plain = merchant.open(), merchant.open(metadata={})

    assert merchant.press(reference, "leave").headers["location"] == CANCELLED
    assert came_back(merchant.press(plain, "leave"), CALLBACK, plain)
    assert merchant.verify(reference)["status"] == "abandoned"


def test_transfers_arrive_after_their_time(merchant: Merchant) -> None:
    soon, late = merchant.open(), merchant.open()
    merchant.press(soon, "bank-transfer")
    merchant.press(late, "late-transfer")

    merchant.advance(5)
    assert [merchant.verify(one)["status"] for one in (soon, late)] == ["success", "abandoned"]
    merchant.advance(175)
    paid = merchant.verify(late)
    assert (paid["status"], paid["channel"], paid["authorization"]["reusable"]) == (
        "success",
        "bank_transfer",
        False,
    )


def test_same_card_has_one_signature_and_new_codes(merchant: Merchant) -> None:
    found = []
    for card in ("visa", "visa", "verve"):
        reference = merchant.open()
        merchant.press(reference, "pay-card", card=card)
        found.append(merchant.verify(reference)["authorization"])

    assert found[0]["signature"] == found[1]["signature"] != found[2]["signature"]
    assert len({one["authorization_code"] for one in found}) == 3
    assert all(one["reusable"] for one in found)


def test_unsaved_card_cannot_be_charged(merchant: Merchant) -> None:
    reference = merchant.open()
    merchant.press(reference, "pay-card-unsaved")

    assert merchant.verify(reference)["authorization"]["reusable"] is False
    assert merchant.rows("authorizations") == []


def test_paid_payment_shows_no_buttons_and_takes_no_other(merchant: Merchant) -> None:
    reference = merchant.pay()

    reply = merchant.press(reference, "decline")

    assert "Already paid" in reply.text
    assert "data-testid" not in reply.text
    assert merchant.verify(reference)["status"] == "success"


def test_declined_payment_can_be_paid_after_all(merchant: Merchant) -> None:
    reference = merchant.open()
    merchant.press(reference, "decline")
    merchant.press(reference, "pay-card")

    assert merchant.verify(reference)["status"] == "success"


def test_checkout_times_out_by_the_session_timeout(merchant: Merchant) -> None:
    merchant.call("PUT", "integration/payment_session_timeout", json={"timeout": 60})
    reference = merchant.open()
    merchant.advance(61)

    reply = merchant.press(reference, "pay-card")

    assert (reply.status_code, "exceeded the time to pay" in reply.text) == (410, True)
    assert merchant.verify(reference)["status"] == "abandoned"


def test_unknown_places_and_buttons(merchant: Merchant) -> None:
    assert merchant.http.get("/paystack/checkout/nothing").status_code == 404
    assert merchant.press(merchant.open(), "rob-the-bank").status_code == 400
    assert merchant.press(merchant.open(), "pay-card", card="gold").status_code == 400
    assert merchant.http.get("/paystack/static/nothing.css").status_code == 404
    # A way out of the folder is no name of a file, so it goes to the API, which knows no key.
    assert merchant.http.get("/paystack/static/..%2Fpages.py").status_code == 401


def test_frame_ends_with_a_message_for_the_shop(merchant: Merchant) -> None:
    paid, left, declined = merchant.open(), merchant.open(), merchant.open()

    success = merchant.press(paid, "pay-card", inline="1").text
    cancel = merchant.press(left, "leave", inline="1").text
    again = merchant.press(declined, "decline", inline="1").text

    assert 'data-outcome="success"' in success
    assert f'data-reference="{paid}"' in success
    assert 'data-outcome="cancel"' in cancel
    assert 'data-testid="pay-card"' in again
    assert 'role="alert"' in again


def test_scripts_and_styles_are_served_for_other_origins(merchant: Merchant) -> None:
    for path in ("inline.js", "static/checkout.css", "static/done.js"):
        reply = merchant.http.get(f"/paystack/{path}")
        assert reply.status_code == 200
        assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "window.PaystackPop" in merchant.http.get("/paystack/inline.js").text
