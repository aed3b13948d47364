"""Reading deposits: one customer's own, never anybody else's."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from billing.enums import DepositPurpose
from billing.models import Deposit

PAGE_ROWS = 25


@dataclass(frozen=True, slots=True)
class DepositPage:
    """One page, newest first, with the cursors of its neighbours."""

    rows: list[Deposit]
    older: str | None
    newer: str | None


def owned(user_id: int) -> QuerySet[Deposit]:
    """A customer's deposits, newest first."""
    return Deposit.objects.filter(user_id=user_id).order_by("-created_at", "-pk")


def owned_or_none(user_id: int, deposit_id: uuid.UUID) -> Deposit | None:
    """One deposit if it is this customer's."""
    return owned(user_id).filter(pk=deposit_id).first()


def by_reference(user_id: int, reference: str) -> Deposit | None:
    """The deposit of a reference if it is this customer's."""
    known = owned(user_id).filter(reference=reference) if reference and "\x00" not in reference else None
    return known.first() if known is not None else None


def last_begun(user_id: int) -> Deposit | None:
    """The newest deposit that has a checkout of its own."""
    return owned(user_id).filter(purpose=DepositPurpose.TOP_UP).first()


def deposit_page(user_id: int, *, older: str = "", newer: str = "") -> DepositPage:
    """One page by keyset: its cost does not grow with how far back it lies."""
    deposits = owned(user_id)
    if newer and (cursor := _read_cursor(newer)):
        at, pk = cursor
        later = deposits.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk))
        rows = list(later.order_by("created_at", "pk")[: PAGE_ROWS + 1])
        has_newer, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS][::-1]
        return DepositPage(rows, _cursor(rows[-1]) if rows else None, _cursor(rows[0]) if has_newer else None)
    cursor = _read_cursor(older)
    if cursor:
        at, pk = cursor
        deposits = deposits.filter(created_at__lte=at).filter(Q(created_at__lt=at) | Q(pk__lt=pk))
    rows = list(deposits[: PAGE_ROWS + 1])
    has_older, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    return DepositPage(
        rows, _cursor(rows[-1]) if has_older else None, _cursor(rows[0]) if cursor and rows else None
    )


def _cursor(deposit: Deposit) -> str:
    return f"{deposit.created_at.timestamp():.6f}_{deposit.pk}"


def _read_cursor(text: str) -> tuple[dt.datetime, uuid.UUID] | None:
    """A cursor somebody has bent reads as none: the first page."""
    seconds, _separator, identifier = text.partition("_")
    try:
        return dt.datetime.fromtimestamp(float(seconds), dt.UTC), uuid.UUID(identifier)
    except (ValueError, OverflowError, OSError):
        return None
