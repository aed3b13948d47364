"""What a customer got for the money, for answering a disputed payment: orders, numbers, times. Never a code or a text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from billing.evidence_sources import Item
from namaskah.lib.money import format_money
from verifications.enums import Visibility
from verifications.models import Verification

MOST = 200  # a bank reads no more
SHOWN_DIGITS = 4


def orders(user_id: int, since: dt.datetime, until: dt.datetime) -> Iterator[Item]:
    """A customer's orders in a span of time, the oldest first."""
    shown = Q(messages__visibility__in=[Visibility.SHOWN, Visibility.LATE])
    found = (
        Verification.objects.filter(user_id=user_id, created_at__gte=since, created_at__lte=until)
        .select_related("service", "country")
        .annotate(
            received=Count("messages", filter=shown), last_received=Max("messages__received_at", filter=shown)
        )
        .order_by("created_at")
    )
    for order in found[:MOST]:
        facts = (
            (_("Number"), f"…{order.phone_number[-SHOWN_DIGITS:]}" if order.phone_number else ""),
            (_("State"), str(order.get_status_display())),
            (_("Messages delivered"), str(order.received)),
            (_("First delivered"), _time(order.received_at)),
            (_("Last delivered"), _time(order.last_received)),
            (_("Price"), format_money(order.price, order.currency)),
        )
        yield Item(order.created_at, f"{order.service.name}, {order.country.name}", facts)


def _time(at: dt.datetime | None) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""
