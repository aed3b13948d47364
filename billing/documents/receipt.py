"""What a receipt says: made once, shown as a page and as a PDF."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from billing.enums import ReceiptKind
from billing.models import Deposit, Receipt, Refund
from namaskah.lib.money import format_money, format_subunits


@dataclass(frozen=True, slots=True)
class Line:
    """`is_sum` is the line people look for."""

    label: str
    value: str
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptText:
    """All words and figures of a receipt, in the reader's language; times are UTC."""

    number: str
    title: str
    seller_name: str
    seller: list[str]
    customer: list[str]
    lines: list[Line]
    notes: list[str]
    issued_at: dt.datetime

    @property
    def filename(self) -> str:
        return f"namaskah-receipt-{self.number}.pdf"


def describe(receipt: Receipt) -> ReceiptText:
    """Put a receipt into words. It reads the receipt with its deposit, that deposit's receipts, and its refund."""
    is_refund = receipt.kind == ReceiptKind.REFUND
    refund = receipt.refund if is_refund else None
    facts = receipt.seller
    return ReceiptText(
        number=receipt.number,
        title=(_("Refund receipt %(number)s") if refund else _("Receipt %(number)s"))
        % {"number": receipt.number},
        seller_name=facts.get("name", ""),
        seller=_seller(facts),
        customer=_customer(receipt.deposit),
        lines=_refund_lines(receipt, refund) if refund else _deposit_lines(receipt),
        notes=[facts["tax_line"]] if facts.get("tax_line") else [],
        issued_at=receipt.issued_at,
    )


def moment(value: dt.datetime) -> str:
    """A time on paper: it does not know where its reader is."""
    return f"{date_format(value.astimezone(dt.UTC), 'j M Y, H:i')} UTC"


def _seller(facts: dict[str, object]) -> list[str]:
    address = facts.get("address")
    lines = [str(facts.get("name", "")), *(address if isinstance(address, list) else [])]
    if facts.get("email"):
        lines.append(str(facts["email"]))
    if facts.get("tax_id"):
        lines.append(_("Tax number %(number)s") % {"number": facts["tax_id"]})
    return [str(line) for line in lines if line]


def _customer(deposit: Deposit) -> list[str]:
    """The address that paid, which is the customer's of that day, and the sender's name where a bank told it."""
    return [line for line in (deposit.payer, deposit.email) if line]


def _deposit_lines(receipt: Receipt) -> list[Line]:
    deposit = receipt.deposit
    currency = deposit.charge_currency
    fee = fee_paid_by_customer(deposit)
    paid = deposit.amount_subunits + fee
    lines = [
        Line(_("Issued"), moment(receipt.issued_at)),
        Line(_("For"), _("Prepaid credit for your wallet")),
        Line(_("Amount"), format_subunits(deposit.amount_subunits, currency), is_sum=not fee),
    ]
    if fee:
        lines += [
            Line(_("Fee of the payment, paid by you"), format_subunits(fee, currency)),
            Line(_("Paid in all"), format_subunits(paid, currency), is_sum=True),
        ]
    if currency != deposit.wallet_currency:
        lines.append(Line(_("Exchange rate"), _rate(deposit)))
    lines.append(
        Line(
            _("Added to your wallet"),
            format_money(deposit.credit_amount, deposit.wallet_currency),
            is_sum=True,
        )
    )
    return [*lines, *_payment_lines(deposit)]


def _refund_lines(receipt: Receipt, refund: Refund) -> list[Line]:
    deposit = receipt.deposit
    lines = [
        Line(_("Issued"), moment(receipt.issued_at)),
        Line(_("For"), _("Refund of prepaid credit") if refund.wallet_amount else _("Payment sent back")),
        Line(_("Refunded"), format_subunits(refund.amount_subunits, refund.charge_currency), is_sum=True),
    ]
    if refund.wallet_amount:
        taken = format_money(refund.wallet_amount, deposit.wallet_currency)
        lines.append(Line(_("Taken from your wallet"), taken))
    else:
        lines.append(Line(_("Taken from your wallet"), _("nothing, the payment had not been credited")))
    original = next((row.number for row in deposit.receipts.all() if row.kind == ReceiptKind.DEPOSIT), "")
    if original:
        lines.append(Line(_("Receipt of the payment"), original))
    return [*lines, *_payment_lines(deposit)]


def _payment_lines(deposit: Deposit) -> list[Line]:
    lines = []
    if means := deposit.card_label or channel_name(deposit.channel):
        lines.append(Line(_("Paid with"), means))
    if deposit.paid_at:
        lines.append(Line(_("Paid"), moment(deposit.paid_at)))
    lines.append(Line(_("Paystack reference"), deposit.reference))
    return lines


def fee_paid_by_customer(deposit: Deposit) -> int:
    """In subunits: what was paid above the amount credited, which the books call Paystack's fee, paid by the customer."""
    if deposit.paid_subunits is None or deposit.paid_currency != deposit.charge_currency:
        return 0
    return max(0, deposit.paid_subunits - deposit.amount_subunits)


def _rate(deposit: Deposit) -> str:
    return _("1 %(wallet)s = %(rate)s %(charge)s, of %(day)s") % {
        "wallet": deposit.wallet_currency,
        "rate": _plain(deposit.rate),
        "charge": deposit.charge_currency,
        "day": date_format(deposit.rate_as_of.astimezone(dt.UTC), "j M Y"),
    }


def _plain(rate: Decimal) -> str:
    """Without the zeros at the end, but with two places at least."""
    places = max(2, -int(rate.normalize().as_tuple().exponent))
    return number_format(rate, decimal_pos=places, force_grouping=True)


def channel_name(channel: str) -> str:
    """Paystack's word for a way to pay, in people's words; one we do not know is shown as it is."""
    known = {
        "card": _("Card"),
        "bank": _("Bank account"),
        "bank_transfer": _("Bank transfer"),
        "dedicated_nuban": _("Bank transfer"),
        "ussd": _("USSD"),
        "qr": _("QR code"),
        "mobile_money": _("Mobile money"),
        "eft": _("EFT"),
        "apple_pay": _("Apple Pay"),
    }
    return known.get(channel, channel.replace("_", " ").capitalize())
