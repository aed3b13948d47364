"""A month of the wallet as PDF."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.documents.pdf import Align, Sheet
from billing.documents.receipt import moment
from billing.selectors import months
from billing.selectors.months import Month, MonthRow, MonthTotal
from billing.services import receipts
from namaskah.lib.money import format_money

MOST_ROWS = 2000  # some 45 pages; a longer list is for a program to read
WIDTHS = (30.0, 84.0, 28.0, 28.0)
ALIGNS: tuple[Align, ...] = ("L", "L", "R", "R")
TOTAL_WIDTHS = (114.0, 28.0, 28.0)
TOTAL_ALIGNS: tuple[Align, ...] = ("L", "R", "R")


def render(month: Month, *, customer: str, made_at: dt.datetime) -> bytes:
    """The month's figures, what moved by kind, and each movement up to `MOST_ROWS`."""
    totals = months.totals(month)
    name = date_format(month.day, "F Y")
    title = _("Statement for %(month)s") % {"month": name}
    sheet = Sheet(title=title, author=settings.SELLER_NAME, subject=_("Wallet statement"), created_at=made_at)
    sheet.heading(title)
    _parties(sheet, customer, made_at)
    _figures(sheet, month)
    _totals(sheet, month, totals)
    _movements(sheet, month, count=sum(total.count for total in totals))
    return sheet.as_bytes()


def _parties(sheet: Sheet, customer: str, made_at: dt.datetime) -> None:
    facts = receipts.seller()
    sheet.subheading(_("From"))
    sheet.block([line for line in (facts["name"], *facts["address"], facts["email"]) if line])
    sheet.subheading(_("To"))
    sheet.block([customer])
    sheet.ln(4)
    sheet.block([_("Made %(time)s. All times are UTC.") % {"time": moment(made_at)}], quiet=True)
    sheet.ln(4)


def _figures(sheet: Sheet, month: Month) -> None:
    def money(amount: Decimal) -> str:
        return format_money(amount, month.currency)

    end = month.closing.at - dt.timedelta(seconds=1)
    opening, closing = (date_format(day, "j F Y") for day in (month.day, end.date()))
    sheet.pair(_("Opening balance, %(day)s") % {"day": opening}, money(month.opening.balance))
    if month.is_over:
        sheet.pair(
            _("Closing balance, %(day)s") % {"day": closing}, money(month.closing.balance), strong=True
        )
    else:
        sheet.pair(_("Balance so far, the month is not over"), money(month.closing.balance), strong=True)
    if month.closing.held:
        sheet.pair(_("of it held"), money(month.closing.held))


def _totals(sheet: Sheet, month: Month, totals: list[MonthTotal]) -> None:
    sheet.subheading(_("By kind"))
    if not totals:
        sheet.block([_("Nothing changed the balance in this month; money was only held or released.")])
        return
    sheet.row([_("What"), _("Movements"), _("Change")], TOTAL_WIDTHS, TOTAL_ALIGNS, head=True)
    for total in totals:
        change = _signed(total.amount, month)
        sheet.row([total.what, str(total.count), change], TOTAL_WIDTHS, TOTAL_ALIGNS)


def _movements(sheet: Sheet, month: Month, *, count: int) -> None:
    if not count:
        return
    sheet.subheading(_("Movements"))
    if count > MOST_ROWS:
        note = _(
            "The first %(shown)d of %(count)d movements are listed here. The CSV file of this month has all of them."
        )
        sheet.block([note % {"shown": MOST_ROWS, "count": count}], quiet=True)
    sheet.row([_("Time"), _("What for"), _("Change"), _("Balance")], WIDTHS, ALIGNS, head=True)
    for row in months.rows(month, limit=MOST_ROWS):
        sheet.row(_cells(row, month), WIDTHS, ALIGNS)


def _cells(row: MonthRow, month: Month) -> list[str]:
    what = f"{row.what} · {row.memo}" if row.memo else row.what
    time = date_format(row.at.astimezone(dt.UTC), "j M, H:i")
    return [time, what, _signed(row.amount, month), format_money(row.balance_after, month.currency)]


def _signed(amount: Decimal, month: Month) -> str:
    text = format_money(amount, month.currency)
    return f"+{text}" if amount > 0 else text
