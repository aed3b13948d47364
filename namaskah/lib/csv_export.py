"""Tables as CSV downloads, streamed row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

# A spreadsheet would run these as a formula; an apostrophe in front keeps them text.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, text: str) -> str:
        return text


def safe_cell(value: object) -> str:
    """A cell that no spreadsheet runs as a formula; plain numbers and phone numbers stay as they are."""
    text = str(value)
    if text.startswith(_FORMULA_STARTS) and not text[1:].replace(".", "", 1).isdigit():
        return f"'{text}"
    return text


def csv_response(
    filename: str, header: Sequence[object], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """Stream `rows` under `header` as an attachment."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow([safe_cell(cell) for cell in header])
        for row in rows:
            yield writer.writerow([safe_cell(cell) for cell in row])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
