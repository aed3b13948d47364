"""Limits that differ by role."""

from __future__ import annotations

from django.conf import settings

from accounts import roles

HOLD_MANY_ORDERS = "verifications.hold_many_orders"


def open_orders(role: str) -> int:
    """How many orders somebody with this role may have waiting for a code at once."""
    if HOLD_MANY_ORDERS in roles.permissions_of(role):
        return int(max(settings.MAX_OPEN_ORDERS, settings.MAX_OPEN_ORDERS_PREMIUM))
    return int(settings.MAX_OPEN_ORDERS)
