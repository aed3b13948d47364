"""A month of the wallet as CSV."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.selectors import months
from billing.selectors.months import Month, MonthRow
from billing.statement_csv import LINES_AT_ONCE, Line
from namaskah.lib.csv_export import safe_cell


def lines(month: Month) -> Iterator[str]:
    """The file in pieces: opening balance, movements oldest first, closing balance, totals. Times are UTC."""
    writer = csv.writer(Line())
    head = [
        _("Time (UTC)"),
        _("What"),
        _("Details"),
        _("Change"),
        _("Balance"),
        _("Currency"),
        _("Reference"),
        _("Transfer"),
    ]
    opening = _mark(_("Opening balance"), month.opening.at, month.opening.balance, month.currency)
    yield writer.writerow(head) + writer.writerow(opening)
    rows = months.rows(month)
    while piece := [writer.writerow(_cells(row, month.currency)) for row in islice(rows, LINES_AT_ONCE)]:
        yield "".join(piece)
    yield writer.writerow(_closing(month)) + "".join(writer.writerow(cells) for cells in _totals(month))


def _totals(month: Month) -> Iterator[list[str]]:
    for total in months.totals(month):
        what = _("Total: %(what)s") % {"what": total.what}
        count = ngettext("%(count)d movement", "%(count)d movements", total.count) % {"count": total.count}
        yield ["", safe_cell(what), count, str(total.amount), "", month.currency, "", ""]


def _closing(month: Month) -> list[str]:
    """A month that is not over has no closing balance yet."""
    if month.is_over:
        return _mark(_("Closing balance"), month.closing.at, month.closing.balance, month.currency)
    what = _("Balance so far, the month is not over")
    return _mark(what, timezone.now(), month.closing.balance, month.currency)


def _mark(what: str, at: dt.datetime, balance: Decimal, currency: str) -> list[str]:
    return [_time(at), what, "", "", str(balance), currency, "", ""]


def _cells(row: MonthRow, currency: str) -> list[str]:
    return [
        _time(row.at),
        safe_cell(row.what),
        safe_cell(row.memo),
        str(row.amount),
        str(row.balance_after),
        currency,
        safe_cell(row.reference),
        str(row.id),
    ]


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="seconds")
