"""Reading orders: one customer's own, never anybody else's."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from verifications.models import Message, Service, Verification
from verifications.states import OPEN

PAGE_SIZE = 25
_LAST_DAY = dt.date(9998, 12, 31)  # the calendar ends a year later


@dataclass(frozen=True, slots=True)
class HistoryFilters:
    """What a customer narrows the history by; empty values mean everything."""

    q: str = ""
    status: str = ""
    service: Service | None = None
    country_id: int | None = None
    created_after: dt.date | None = None
    created_before: dt.date | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page, newest first, with the cursors of its neighbours."""

    rows: list[Verification]
    older: str | None
    newer: str | None


def owned(user_id: int) -> QuerySet[Verification]:
    """A customer's orders with what every page shows of them."""
    return Verification.objects.filter(user_id=user_id).select_related("service", "country")


def owned_or_none(user_id: int, verification_id: uuid.UUID) -> Verification | None:
    """One order if it is this customer's."""
    return owned(user_id).select_related("attempt__provider").filter(pk=verification_id).first()


def open_orders(user_id: int) -> QuerySet[Verification]:
    """What is under way, newest first."""
    return owned(user_id).filter(status__in=OPEN).order_by("-created_at")


def recent_services(user_id: int, limit: int = 4) -> list[Service]:
    """The services of the last orders, each once, newest first."""
    last = owned(user_id).order_by("-created_at")[:30]
    return list({order.service_id: order.service for order in last}.values())[:limit]


def shown_messages(verification: Verification) -> QuerySet[Message]:
    """The messages the customer may read."""
    return verification.messages.filter(visibility__in=["shown", "late"])


def history(user_id: int, filters: HistoryFilters) -> QuerySet[Verification]:
    """A customer's orders narrowed by `filters`, newest first."""
    orders = owned(user_id)
    if filters.status:
        orders = orders.filter(status=filters.status)
    if filters.service is not None:
        orders = orders.filter(service=filters.service)
    if filters.country_id is not None:
        orders = orders.filter(country_id=filters.country_id)
    if filters.created_after is not None:
        orders = orders.filter(created_at__gte=_midnight(filters.created_after))
    if filters.created_before is not None:
        orders = orders.filter(
            created_at__lt=_midnight(min(filters.created_before, _LAST_DAY) + dt.timedelta(days=1))
        )
    if filters.q:
        orders = orders.filter(_matches(filters.q))
    return orders.order_by("-created_at", "-pk")


def history_page(user_id: int, filters: HistoryFilters, *, older: str = "", newer: str = "") -> HistoryPage:
    """One page by keyset: its cost does not grow with how far back it lies."""
    orders = history(user_id, filters)
    if newer and (cursor := _read_cursor(newer)):
        at, pk = cursor
        later = orders.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk)).order_by("created_at", "pk")
        rows = list(later[: PAGE_SIZE + 1])
        has_newer, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE][::-1]
        return HistoryPage(rows, _cursor(rows[-1]) if rows else None, _cursor(rows[0]) if has_newer else None)
    cursor = _read_cursor(older)
    if cursor:
        at, pk = cursor
        orders = orders.filter(created_at__lte=at).filter(Q(created_at__lt=at) | Q(pk__lt=pk))
    rows = list(orders[: PAGE_SIZE + 1])
    has_older, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    return HistoryPage(
        rows, _cursor(rows[-1]) if has_older else None, _cursor(rows[0]) if cursor and rows else None
    )


def _matches(q: str) -> Q:
    digits = "".join(character for character in q if character.isdigit())
    services = Q(service__in=Service.objects.filter(Q(name__icontains=q) | Q(keywords__icontains=q)))
    if len(digits) >= 3:
        return services | Q(phone_number__contains=digits) | Q(code=q)
    return services | Q(country__name__icontains=q)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


def _cursor(order: Verification) -> str:
    return f"{order.created_at.timestamp():.6f}_{order.pk}"


def _read_cursor(text: str) -> tuple[dt.datetime, uuid.UUID] | None:
    """A cursor somebody has bent reads as none: the first page."""
    seconds, _separator, identifier = text.partition("_")
    try:
        return dt.datetime.fromtimestamp(float(seconds), dt.UTC), uuid.UUID(identifier)
    except (ValueError, OverflowError, OSError):
        return None
