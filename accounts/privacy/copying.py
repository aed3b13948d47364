"""The archive that somebody gets: a JSON and a CSV file for each table of the manifest, written as it is read.

Nothing is held in memory but one batch of rows and one piece of the archive, however much there is.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.privacy import registry
from accounts.privacy.vocabulary import Column, Table, period_of
from namaskah.lib import sealing
from namaskah.lib.csv_export import safe_cell

ROWS = 500  # read at a time


def write_archive(target: IO[bytes], *, user_id: int, message_days: int) -> None:
    """Write the ZIP of everything that is somebody's.

    Args:
        target: Where it goes; it is only written to, never read or sought.
    """
    tables = [table for table in registry.tables() if table.export]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _readme(tables, message_days))
        for table in tables:
            with archive.open(f"{table.export}.json", "w", force_zip64=True) as file:
                _write_json(file, table, user_id)
            with archive.open(f"{table.export}.csv", "w", force_zip64=True) as file:
                _write_csv(file, table, user_id)


def rows_of(table: Table, user_id: int) -> Iterator[dict[str, Any]]:
    """The rows of a table as they stand in the copy."""
    columns = {name: column for name, column in table.columns.items() if column.export}
    sources = {f"copy_{name}": _source(name, column) for name, column in columns.items()}
    found = table.rows_of(user_id).filter(table.only).order_by("pk").values_list(*sources.values())
    for values in found.iterator(chunk_size=ROWS):
        yield {
            column.export: _opened(column, value)
            for column, value in zip(columns.values(), values, strict=True)
        }


def _source(name: str, column: Column) -> Any:
    reads = column.reads or name
    return F(reads) if isinstance(reads, str) else reads


def _opened(column: Column, value: Any) -> Any:
    if not column.opens or not value:
        return value
    try:
        return sealing.unseal(value)
    except sealing.CannotUnseal:
        return ""  # a key that was thrown away; what it sealed is lost for us, too


def _write_json(file: IO[bytes], table: Table, user_id: int) -> None:
    separator = b"[\n"
    for row in rows_of(table, user_id):
        file.write(separator + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode())
        separator = b",\n"
    file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _write_csv(file: IO[bytes], table: Table, user_id: int) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow([column.export for column in table.columns.values() if column.export])
    for row in rows_of(table, user_id):
        writer.writerow([_cell(value) for value in row.values()])
    text.flush()
    text.detach()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        value = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    elif hasattr(value, "isoformat"):
        value = value.isoformat()
    return safe_cell(value)


def _readme(tables: list[Table], message_days: int) -> str:
    files = [
        {
            "name": table.export,
            "title": table.title,
            "ground": table.ground.label,
            "period": period_of(table.keep, message_days=message_days),
        }
        for table in tables
    ]
    return render_to_string("accounts/export_readme.txt", {"files": files, "made_at": timezone.now()})
