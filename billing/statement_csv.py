"""A statement as CSV."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import islice

from django.utils.translation import gettext as _

from billing.selectors import StatementRow
from namaskah.lib.csv_export import safe_cell

LINES_AT_ONCE = 500


class Line:
    """What `csv.writer` writes to; the writer hands the line back to its caller."""

    def write(self, line: str) -> str:
        return line


def lines(rows: Iterable[StatementRow], currency: str) -> Iterator[str]:
    """The file in pieces of up to `LINES_AT_ONCE` lines. Amounts have a point and four places, times are UTC."""
    writer = csv.writer(Line())
    yield writer.writerow(
        [
            _("Time (UTC)"),
            _("What"),
            _("Details"),
            _("Change of available"),
            _("Charged"),
            _("Hold"),
            _("Available after"),
            _("Balance after"),
            _("Currency"),
            _("Reference"),
            _("Transfer"),
        ]
    )
    rows = iter(rows)
    while piece := [writer.writerow(_cells(row, currency)) for row in islice(rows, LINES_AT_ONCE)]:
        yield "".join(piece)


def _cells(row: StatementRow, currency: str) -> list[str]:
    return [
        row.at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        safe_cell(row.what),
        safe_cell(row.memo),
        str(row.amount),
        str(row.charged),
        row.state,
        str(row.available_after),
        str(row.balance_after),
        currency,
        safe_cell(row.reference),
        str(row.id),
    ]
