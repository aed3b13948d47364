"""A customer's receipts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from billing.models import Receipt

PAGE_ROWS = 25


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """Newest first. `older` and `newer` are page numbers, None at the ends."""

    rows: list[Receipt]
    older: int | None
    newer: int | None


def receipts(user_id: int, *, page: int = 1) -> ReceiptPage:
    """A page of a customer's receipts with their deposits and refunds. One query."""
    start = (page - 1) * PAGE_ROWS
    rows = list(_with_facts(user_id).order_by("-issued_at", "-pk")[start : start + PAGE_ROWS + 1])
    return ReceiptPage(
        rows=rows[:PAGE_ROWS],
        older=page + 1 if len(rows) > PAGE_ROWS else None,
        newer=page - 1 if page > 1 else None,
    )


def receipt(user_id: int, number: str) -> Receipt | None:
    """One receipt with all it speaks of, or None when it is nobody's or somebody else's. Two queries."""
    return _with_facts(user_id).prefetch_related("deposit__receipts").filter(number=number).first()


def _with_facts(user_id: int) -> QuerySet[Receipt]:
    return Receipt.objects.filter(user_id=user_id).select_related("deposit", "refund")
