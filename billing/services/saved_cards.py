"""Cards that may be charged again."""

from __future__ import annotations

from billing.models import Deposit, SavedCard
from billing.paystack.base import Transaction


def keep(deposit: Deposit, transaction: Transaction) -> SavedCard | None:
    """Keep the card of a credited deposit if its owner asked for that and the card allows it; in the crediting transaction."""
    return None
