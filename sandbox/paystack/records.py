"""What the integration knows, row by row. Amounts are integers in the subunit, times are Unix seconds."""

from dataclasses import dataclass, field
from typing import Any

PAID = frozenset({"success", "reversal-pending", "reversed"})
"""Statuses of payments for which a customer once paid."""


@dataclass(slots=True, eq=False)
class Customer:
    """Whoever pays, known by the e-mail address."""

    id: int
    code: str
    email: str
    created_at: float
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    domain: str = "test"


@dataclass(slots=True, eq=False)
class Authorization:
    """The instrument that paid; a reusable one can be charged again by its code."""

    code: str
    channel: str
    email: str = ""
    bin: str = ""
    last4: str = ""
    exp_month: str = ""
    exp_year: str = ""
    card_type: str = ""
    bank: str = ""
    country_code: str = "NG"
    brand: str = ""
    reusable: bool = False
    signature: str | None = None
    is_active: bool = True
    refunds_end: str | None = None
    transfer: dict[str, Any] | None = None
    """Sender and receiver, for money moved from a bank account."""


@dataclass(slots=True, eq=False)
class Payment:
    """One transaction; `asked` is what initialize said, `amount` what the customer pays in the end."""

    id: int
    reference: str
    domain: str
    currency: str
    asked: int
    customer: Customer
    created_at: float
    access_code: str = ""
    callback_url: str = ""
    metadata: Any = None
    status: str = "abandoned"
    amount: int = 0
    requested_amount: int | None = None
    fees: int | None = None
    channel: str = "card"
    gateway_response: str = "The transaction was not completed"
    message: str | None = None
    paid_at: float | None = None
    authorization: Authorization | None = None
    is_charge: bool = False
    refunds: list["Refund"] = field(default_factory=list)
    settlement_id: int | None = None

    @property
    def returned(self) -> int:
        """What is given back or on its way back."""
        return sum(refund.amount for refund in self.refunds if refund.status != "failed")


@dataclass(slots=True, eq=False)
class Refund:
    """Money on its way back to a customer."""

    id: int
    payment: Payment
    amount: int
    currency: str
    created_at: float
    customer_note: str
    merchant_note: str
    status: str = "pending"
    updated_at: float = 0.0
    refunded_at: float | None = None
    is_settled: bool = False


@dataclass(slots=True, eq=False)
class Dispute:
    """A payment that a customer's bank claims back."""

    id: int
    payment: Payment
    amount: int
    category: str | None
    created_at: float
    due_at: float
    status: str = "awaiting-merchant-feedback"
    resolution: str | None = None
    resolved_at: float | None = None
    updated_at: float = 0.0
    evidence: dict[str, Any] | None = None
    attachments: str | None = None
    history: list[tuple[str, str, float]] = field(default_factory=list)
    messages: list[tuple[str, str, float]] = field(default_factory=list)
    is_settled: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether the money went back to the customer."""
        return self.resolution in {"merchant-accepted", "auto-accepted"}


@dataclass(slots=True, eq=False)
class Account:
    """A bank account number that belongs to one customer."""

    id: int
    number: str
    name: str
    bank: dict[str, Any]
    customer: Customer
    currency: str
    created_at: float
    is_active: bool = True
    requeried_at: float | None = None
    late: list[tuple[int, str]] = field(default_factory=list)
    """Amount and sender of transfers that only a requery brings to light."""


@dataclass(slots=True, eq=False)
class Settlement:
    """One payout to the merchant's bank."""

    id: int
    domain: str
    currency: str
    processed: int
    fees: int
    deductions: int
    settled_at: float
    payments: list[Payment] = field(default_factory=list)

    @property
    def paid_out(self) -> int:
        """What arrives at the bank."""
        return self.processed - self.fees - self.deductions


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One movement of the balance at Paystack."""

    id: int
    domain: str
    currency: str
    difference: int
    balance: int
    reason: str
    model: str
    row: int
    at: float
