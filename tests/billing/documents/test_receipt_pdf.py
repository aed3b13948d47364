"""Receipts in words and as PDF."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from pytest_django import Settings

from billing.documents import receipt_pdf
from billing.documents.receipt import Line, ReceiptText, channel_name, describe
from billing.models import Deposit, Receipt, Refund
from billing.selectors import receipts
from tests.factories.papers import make_paid_deposit, make_receipt, make_refund_of
from tests.namaskah.log_lines import log_lines

pytestmark = pytest.mark.django_db
ISSUED = dt.datetime(2026, 11, 21, 23, 45, 10, tzinfo=dt.UTC)
PAID = dt.datetime(2026, 11, 21, 23, 44, 59, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _seller(settings: Settings) -> None:
    settings.SELLER_NAME = "Namaskah Ltd"
    settings.SELLER_ADDRESS = "1 Marina|Lagos"
    settings.SELLER_EMAIL = "money@namaskah.example"
    settings.SELLER_TAX_ID = "RC 12345"
    settings.TAX_LINE = "VAT 7.5% included"


def text_of(fact: Deposit | Refund) -> ReceiptText:
    made = make_receipt(fact)
    Receipt.objects.filter(pk=made.pk).update(issued_at=ISSUED)
    found = receipts.receipt(made.user_id, made.number)
    assert found is not None
    return describe(found)


def lines_of(fact: Deposit | Refund) -> dict[str, str]:
    return {line.label: line.value for line in text_of(fact).lines}


def read(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def test_receipt_says_everything() -> None:
    deposit = make_paid_deposit(paid_at=PAID, payer="ADA OBI")

    text = text_of(deposit)

    assert text.title == f"Receipt {text.number}"
    assert text.seller == [
        "Namaskah Ltd",
        "1 Marina",
        "Lagos",
        "money@namaskah.example",
        "Tax number RC 12345",
    ]
    assert text.customer == ["ADA OBI", deposit.email]
    assert text.notes == ["VAT 7.5% included"]
    assert text.filename == f"namaskah-receipt-{text.number}.pdf"
    assert text.lines == [
        Line("Issued", "21 Nov 2026, 23:45 UTC"),
        Line("For", "Prepaid credit for your wallet"),
        Line("Amount", "₦5,000.00", is_sum=True),
        Line("Exchange rate", "1 USD = 1,530.25 NGN, of 20 Nov 2026"),
        Line("Added to your wallet", "$3.2674", is_sum=True),
        Line("Paid with", "Visa 4081"),
        Line("Paid", "21 Nov 2026, 23:44 UTC"),
        Line("Paystack reference", deposit.reference),
    ]


def test_receipt_of_a_payment_with_its_fee_adds_up() -> None:
    lines = lines_of(make_paid_deposit(paid_subunits=517_767))

    assert lines["Amount"] == "₦5,000.00"
    assert lines["Fee of the payment, paid by you"] == "₦177.67"
    assert lines["Paid in all"] == "₦5,177.67"


@pytest.mark.parametrize(
    "changes", [{}, {"paid_subunits": None}, {"paid_currency": "USD", "paid_subunits": 600_000}]
)
def test_receipt_without_a_fee_says_nothing_of_one(changes: dict[str, Any]) -> None:
    assert not [label for label in lines_of(make_paid_deposit(**changes)) if "ee" in label and "Fee" in label]


def test_receipt_in_one_currency_has_no_rate() -> None:
    lines = lines_of(make_paid_deposit(charge_currency="USD", rate=Decimal(1), credit_amount=Decimal("50")))

    assert "Exchange rate" not in lines
    assert (lines["Amount"], lines["Added to your wallet"]) == ("$5,000.00", "$50.00")


@pytest.mark.parametrize(
    ("rate", "shown"),
    [("1530", "1,530.00"), ("1530.125", "1,530.125"), ("0.1", "0.10"), ("15.123456", "15.123456")],
)
def test_rate_is_shown_whole(rate: str, shown: str) -> None:
    assert lines_of(make_paid_deposit(rate=Decimal(rate)))["Exchange rate"].startswith(f"1 USD = {shown} NGN")


@pytest.mark.parametrize(
    ("channel", "shown"),
    [
        ("bank_transfer", "Bank transfer"),
        ("ussd", "USSD"),
        ("mobile_money", "Mobile money"),
        ("new_way", "New way"),
    ],
)
def test_way_to_pay_without_a_card_is_named(channel: str, shown: str) -> None:
    assert lines_of(make_paid_deposit(card_label="", channel=channel))["Paid with"] == shown
    assert channel_name(channel) == shown


def test_receipt_keeps_the_seller_and_the_address_of_its_day(settings: Settings) -> None:
    deposit = make_paid_deposit()
    before = deposit.email
    made = make_receipt(deposit)
    settings.SELLER_NAME = "Other Ltd"
    deposit.user.email = "new@example.test"  # type: ignore[union-attr]
    deposit.user.save()  # type: ignore[union-attr]

    found = receipts.receipt(made.user_id, made.number)

    assert found is not None
    assert describe(found).seller_name == "Namaskah Ltd"
    assert describe(found).customer == [before]


def test_refund_receipt_names_the_receipt_of_the_payment() -> None:
    deposit = make_paid_deposit()
    original = make_receipt(deposit)

    text = text_of(make_refund_of(deposit, amount_subunits=100_000, wallet_amount=Decimal("0.6534")))
    lines = {line.label: line.value for line in text.lines}

    assert text.title == f"Refund receipt {text.number}"
    assert lines["Refunded"] == "₦1,000.00"
    assert lines["Taken from your wallet"] == "$0.6534"
    assert lines["Receipt of the payment"] == original.number
    assert "Added to your wallet" not in lines


def test_refund_of_money_never_credited_says_so() -> None:
    deposit = make_paid_deposit(status="needs_review", credited_at=None)

    lines = lines_of(make_refund_of(deposit, wallet_amount=0))

    assert lines["For"] == "Payment sent back"
    assert lines["Taken from your wallet"] == "nothing, the payment had not been credited"
    assert "Receipt of the payment" not in lines


@pytest.mark.parametrize("currency", ["NGN", "GHS", "KES", "ZAR"])
def test_pdf_holds_every_word_of_the_receipt(currency: str) -> None:
    text = text_of(make_paid_deposit(charge_currency=currency, paid_currency=currency, payer="Ṣadé Ọbí"))

    content = read(receipt_pdf.render(text))

    for words in (text.title, *text.seller, *text.customer, *text.notes):
        assert words in content
    for line in text.lines:
        assert f"{line.label} {line.value}" in content
    assert "Page 1 of 1" in content


def test_pdf_is_small_one_page_and_says_what_it_is() -> None:
    text = text_of(make_paid_deposit())

    content = receipt_pdf.render(text)
    reader = PdfReader(BytesIO(content))

    assert len(content) < 60_000
    assert len(reader.pages) == 1
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == (text.title, "Namaskah Ltd")
    assert reader.metadata.creation_date == ISSUED
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    page: Any = reader.pages[0]
    fonts = page["/Resources"]["/Font"].values()
    embedded = [font.get_object()["/DescendantFonts"][0]["/FontDescriptor"] for font in fonts]
    assert embedded
    assert all("/FontFile2" in font.get_object() for font in embedded)


def test_same_receipt_gives_the_same_bytes() -> None:
    text = text_of(make_paid_deposit())

    assert receipt_pdf.render(text) == receipt_pdf.render(text)


def test_pdf_takes_letters_its_font_lacks_and_logs_nothing() -> None:
    text = text_of(make_paid_deposit(payer="王小明"))

    with log_lines() as lines:
        content = receipt_pdf.render(text)

    assert text.number in read(content)
    assert lines.all == []
