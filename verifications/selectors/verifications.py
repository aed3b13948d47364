"""Reading orders: one customer's own, never anybody else's."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from namaskah.lib.keyset import Page, page
from verifications.models import Message, Service, Verification
from verifications.states import OPEN

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


def history_page(
    user_id: int, filters: HistoryFilters, *, older: str = "", newer: str = ""
) -> Page[Verification]:
    """A page of the history."""
    return page(history(user_id, filters), older=older, newer=newer)


def _matches(q: str) -> Q:
    digits = "".join(character for character in q if character.isdigit())
    services = Q(service__in=Service.objects.filter(Q(name__icontains=q) | Q(keywords__icontains=q)))
    if len(digits) >= 3:
        return services | Q(phone_number__contains=digits) | Q(code=q)
    return services | Q(country__name__icontains=q)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
