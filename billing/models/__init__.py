"""Tables of money."""

from billing.models.deposits import Deposit, ExchangeRate, WebhookEvent
from billing.models.instruments import AutoTopUp, DedicatedAccount, SavedCard
from billing.models.ledger import Account, Transfer
from billing.models.records import (
    Approval,
    Difference,
    Receipt,
    ReceiptCounter,
    ReconciledDay,
    Settlement,
)
from billing.models.returns import Dispute, Refund

__all__ = [
    "Account",
    "Approval",
    "AutoTopUp",
    "DedicatedAccount",
    "Deposit",
    "Difference",
    "Dispute",
    "ExchangeRate",
    "Receipt",
    "ReceiptCounter",
    "ReconciledDay",
    "Refund",
    "SavedCard",
    "Settlement",
    "Transfer",
    "WebhookEvent",
]
