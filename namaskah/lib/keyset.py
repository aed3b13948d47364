"""Pages of a list by keyset: rows newest first, whose cost does not grow with how far back a page lies."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

PAGE_ROWS = 25
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page, newest first, with the cursors of its neighbours, None at the ends."""

    rows: list[Row]
    older: str | None
    newer: str | None


def page(rows: QuerySet[Row], *, older: str = "", newer: str = "", size: int = PAGE_ROWS) -> Page[Row]:
    """The page beside a cursor, or the first one.

    Args:
        rows: Of a model with `created_at` and a UUID as key, ordered by both, newest first.
        older: A cursor; rows before it in time. One that somebody has bent is the first page.
        newer: A cursor; rows after it in time.
    """
    if newer and (cursor := _read(newer)):
        at, pk = cursor
        later = rows.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk)).order_by("created_at", "pk")
        found = list(later[: size + 1])
        has_newer, found = len(found) > size, found[:size][::-1]
        return Page(found, _cursor(found[-1]) if found else None, _cursor(found[0]) if has_newer else None)
    cursor = _read(older)
    if cursor:
        at, pk = cursor
        rows = rows.filter(created_at__lte=at).filter(Q(created_at__lt=at) | Q(pk__lt=pk))
    found = list(rows[: size + 1])
    has_older, found = len(found) > size, found[:size]
    return Page(
        found, _cursor(found[-1]) if has_older else None, _cursor(found[0]) if cursor and found else None
    )


def _cursor(row: Any) -> str:
    return f"{row.created_at.timestamp():.6f}_{row.pk}"


def _read(text: str) -> tuple[dt.datetime, uuid.UUID] | None:
    seconds, _separator, identifier = text.partition("_")
    try:
        return dt.datetime.fromtimestamp(float(seconds), dt.UTC), uuid.UUID(identifier)
    except (ValueError, OverflowError, OSError):
        return None
