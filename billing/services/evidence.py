"""Evidence for a dispute out of our own records: who paid what and when, and what was delivered for it. Never a code.

Source: docs/providers/paystack.md
"""

from __future__ import annotations

import datetime as dt
from typing import Any, TypedDict

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import evidence_sources
from billing.documents.pdf import Sheet
from billing.models import Deposit, Dispute, Receipt
from billing.selectors import wallet
from namaskah.lib.money import format_money, format_subunits

SUMMARY_CHARACTERS = 1000
NOT_ASKED_FOR = "not collected"


class Statement(TypedDict):
    """What `add_evidence` takes besides the id."""

    customer_email: str
    customer_name: str
    customer_phone: str
    service_details: str


def pack(dispute: Dispute) -> dict[str, Any]:
    """Everything we can show about a disputed payment, as plain JSON: sections of items with facts.

    Goods bought before the payment prove nothing about it, so the span starts with the credit.
    """
    deposit = dispute.deposit
    if deposit is None or deposit.user_id is None:
        return {"sections": []}
    since = deposit.credited_at or deposit.created_at
    delivered = evidence_sources.collect(deposit.user_id, since, dispute.opened_at)
    sections = [
        {"title": _("Payment"), "items": [_payment(deposit)]},
        {"title": _("Customer"), "items": [_customer(deposit)]},
        {"title": _("Receipts"), "items": [_receipt(row) for row in Receipt.objects.filter(deposit=deposit)]},
        *({"title": name, "items": [_item(item) for item in items]} for name, items in delivered.items()),
    ]
    return {
        "made_at": _time(timezone.now()),
        "sections": [section for section in sections if section["items"]],
    }


def statement(dispute: Dispute) -> Statement:
    """The form Paystack wants beside the file. We ask customers for an e-mail address and nothing more."""
    deposit = dispute.deposit
    sections = dispute.evidence.get("sections", [])
    counts = ", ".join(f"{section['title']}: {len(section['items'])}" for section in sections)
    details = _(
        "Prepaid credit for renting phone numbers that receive verification codes, delivered at once on our site. "
        "Records in the attached file: %(counts)s."
    ) % {"counts": counts}
    return Statement(
        customer_email=deposit.email if deposit else "",
        customer_name=(deposit.payer or deposit.email) if deposit else "",
        customer_phone=NOT_ASKED_FOR,
        service_details=details[:SUMMARY_CHARACTERS],
    )


def as_pdf(dispute: Dispute) -> bytes:
    """The pack as a file to upload."""
    found = dispute.evidence or pack(dispute)
    title = _("Evidence for dispute %(number)s") % {"number": dispute.paystack_id}
    sheet = Sheet(title=title, author=settings.SELLER_NAME, subject=title, created_at=timezone.now())
    sheet.heading(title)
    sheet.block([dispute.answer] if dispute.answer else [])
    for section in found["sections"]:
        sheet.subheading(section["title"])
        for item in section["items"]:
            sheet.pair(item["title"], item["at"], strong=True)
            for label, value in item["facts"]:
                sheet.pair(label, value)
    return sheet.as_bytes()


def _payment(deposit: Deposit) -> dict[str, Any]:
    facts = [
        (
            _("Paid"),
            format_subunits(deposit.paid_subunits or deposit.amount_subunits, deposit.charge_currency),
        ),
        (_("Credited to the wallet"), format_money(deposit.credit_amount, deposit.wallet_currency)),
        (_("Credited on"), _time(deposit.credited_at) if deposit.credited_at else _("not credited")),
        (_("Channel"), deposit.channel),
        (_("Card"), deposit.card_label),
        (_("Sender"), deposit.payer),
        (_("Paystack's number"), str(deposit.paystack_id or "")),
    ]
    return _fact(deposit.reference, deposit.paid_at or deposit.created_at, facts)


def _customer(deposit: Deposit) -> dict[str, Any]:
    user = deposit.user
    assert user is not None
    facts = [
        (_("E-mail address"), user.email),
        (_("Address confirmed"), _time(user.email_verified_at) if user.email_verified_at else ""),
        (_("Last signed in"), _time(user.last_login) if user.last_login else ""),
        (_("Balance now"), format_money(wallet(user.pk).balance, deposit.wallet_currency)),
    ]
    return _fact(_("Account %(number)s, opened") % {"number": user.pk}, user.date_joined, facts)


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return _fact(receipt.number, receipt.issued_at, [])


def _item(item: evidence_sources.Item) -> dict[str, Any]:
    return _fact(item.title, item.at, list(item.facts))


def _fact(title: str, at: dt.datetime, facts: list[tuple[str, str]]) -> dict[str, Any]:
    return {"title": title, "at": _time(at), "facts": [[label, value] for label, value in facts if value]}


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
