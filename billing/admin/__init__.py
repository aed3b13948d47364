"""The staff console's pages about money."""

from billing.admin import (
    approvals,
    deposits,
    disputes,
    exchange_rates,
    instruments,
    ledger,
    reconciliation,
    refunds,
    webhooks,
)

__all__ = [
    "approvals",
    "deposits",
    "disputes",
    "exchange_rates",
    "instruments",
    "ledger",
    "reconciliation",
    "refunds",
    "webhooks",
]
