"""A receipt as PDF."""

from __future__ import annotations

from django.utils.translation import gettext as _

from billing.documents.pdf import Sheet
from billing.documents.receipt import ReceiptText


def render(text: ReceiptText) -> bytes:
    """One sheet with all that the page says."""
    sheet = Sheet(title=text.title, author=text.seller_name, subject=_("Receipt"), created_at=text.issued_at)
    sheet.heading(text.title)
    sheet.subheading(_("From"))
    sheet.block(text.seller)
    sheet.subheading(_("To"))
    sheet.block(text.customer)
    sheet.ln(8)
    for line in text.lines:
        sheet.pair(line.label, line.value, strong=line.is_sum)
    sheet.ln(6)
    sheet.block(text.notes, quiet=True)
    return sheet.as_bytes()
