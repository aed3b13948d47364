"""Numbered receipts."""

from __future__ import annotations

from billing.models import Deposit, Receipt, Refund


def issue_for_deposit(deposit: Deposit) -> Receipt | None:
    """Write the receipt of a credited deposit, in the transaction that credits it."""
    return None


def issue_for_refund(refund: Refund) -> Receipt | None:
    """Write the receipt of a refund, in the transaction that captures its hold."""
    return None
