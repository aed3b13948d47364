"""Closed lists that the database knows by value."""

from billing.enums.ledger import (
    RESOLUTIONS,
    STAFF_CODES,
    AccountKind,
    StatementFilter,
    SystemCode,
    TransferCode,
    TransferKind,
)
from billing.enums.payments import (
    ApprovalKind,
    DepositPurpose,
    DepositStatus,
    DifferenceKind,
    DisputeOutcome,
    DisputeStatus,
    ReceiptKind,
    RefundStatus,
    ReviewReason,
    StopReason,
    WebhookState,
)

__all__ = [
    "RESOLUTIONS",
    "STAFF_CODES",
    "AccountKind",
    "ApprovalKind",
    "DepositPurpose",
    "DepositStatus",
    "DifferenceKind",
    "DisputeOutcome",
    "DisputeStatus",
    "ReceiptKind",
    "RefundStatus",
    "ReviewReason",
    "StatementFilter",
    "StopReason",
    "SystemCode",
    "TransferCode",
    "TransferKind",
    "WebhookState",
]
