"""Bank account numbers of customers' own."""

from __future__ import annotations


def owner_of(*, account_number: str, customer_code: str) -> int | None:
    """The user whose number this is, if Paystack's customer is the one bound to it."""
    return None
