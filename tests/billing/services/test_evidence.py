"""Evidence says who paid and what was delivered, and never a code or a whole number."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone
from pypdf import PdfReader

from billing import evidence_sources
from billing.models import Dispute
from billing.services import evidence
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import make_dispute
from tests.fake_paystack import FakePaystack
from tests.shop import Shop, age
from verifications.models import Verification
from verifications.services import polling

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(shop_builder: Callable[..., Shop]) -> Shop:
    return shop_builder(balance="0")


@pytest.fixture
def dispute(shop: Shop, far: FakePaystack) -> Dispute:
    """Of a payment with which one number was bought and its code delivered."""
    deposit = make_credited_deposit(shop.user, far=far)
    order = shop.order()
    shop.deliver(order)
    polling.poll_provider(shop.alpha.pk)
    order.refresh_from_db()
    assert order.code == "482913"
    return make_dispute(deposit, far)


def texts(packed: object) -> str:
    return json.dumps(packed, ensure_ascii=False)


def test_pack_names_payment_customer_receipt_and_orders(dispute: Dispute) -> None:
    packed = evidence.pack(dispute)

    sections = {section["title"]: section["items"] for section in packed["sections"]}
    assert list(sections) == ["Payment", "Customer", "Receipts", "Orders"]
    (order,) = sections["Orders"]
    facts = dict(order["facts"])
    assert order["title"] == "WhatsApp, United Kingdom"
    assert (facts["State"], facts["Messages delivered"], facts["Price"]) == ("Code received", "1", "$0.35")
    assert facts["First delivered"].endswith("UTC")
    assert dict(sections["Payment"][0]["facts"])["Paid"] == "₦5,000.00"


def test_pack_has_no_code_no_text_and_no_whole_number(dispute: Dispute) -> None:
    number = Verification.objects.get().phone_number

    packed = texts(evidence.pack(dispute))

    assert "482913" not in packed
    assert "Your code" not in packed
    assert number.lstrip("+") not in packed
    assert f"…{number[-4:]}" in packed


def test_orders_before_the_payment_prove_nothing(shop: Shop, far: FakePaystack) -> None:
    shop.fund("1.00")
    age(shop.order(), 3600)
    dispute = make_dispute(make_credited_deposit(shop.user, far=far), far)

    assert "Orders" not in [section["title"] for section in evidence.pack(dispute)["sections"]]


def test_pdf_carries_the_pack(dispute: Dispute) -> None:
    content = evidence.as_pdf(dispute)

    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert content.startswith(b"%PDF")
    assert f"Evidence for dispute {dispute.paystack_id}" in text
    assert "WhatsApp, United Kingdom" in text
    assert "482913" not in text


def test_statement_counts_what_is_attached(dispute: Dispute) -> None:
    dispute.evidence = evidence.pack(dispute)

    said = evidence.statement(dispute)

    assert "Orders: 1" in said["service_details"]
    assert dispute.deposit is not None
    assert said["customer_email"] == dispute.deposit.email


def test_dispute_of_a_payment_of_nobody_has_an_empty_pack(far: FakePaystack) -> None:
    unknown = Dispute(paystack_id=1, currency="NGN", amount_subunits=1, wallet_amount=Decimal(0))

    assert evidence.pack(unknown) == {"sections": []}
    assert evidence.as_pdf(unknown).startswith(b"%PDF")


def test_source_without_anything_makes_no_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_sources, "_sources", {})
    evidence_sources.register("Nothing", lambda user_id, since, until: [])

    assert evidence_sources.collect(1, timezone.now(), timezone.now()) == {}
