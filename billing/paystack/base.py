"""What Paystack tells us, as plain values. Amounts are integers in the subunit of their currency; texts are stripped.

Nothing here trusts a field that was not there: optional ones are None or empty. Source: docs/providers/paystack.md
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A transaction opened for a customer to pay."""

    reference: str
    access_code: str
    authorization_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """The instrument that paid. `code` can charge it again, so it never shows in a repr."""

    code: str = field(repr=False, default="")
    signature: str = field(repr=False, default="")
    channel: str = ""
    brand: str = ""
    last4: str = ""
    exp_month: int | None = None
    exp_year: int | None = None
    bank: str = ""
    country_code: str = ""
    is_reusable: bool = False
    sender_name: str = field(repr=False, default="")  # of a transfer to a dedicated account
    sender_bank: str = ""
    receiver_account_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One payment. `status` is Paystack's own word, kept open: an unknown one must never read as failed."""

    id: int
    reference: str
    status: str
    domain: str
    currency: str
    amount: int
    requested_amount: int | None = None
    fees: int | None = None
    channel: str = ""
    message: str = ""
    gateway_response: str = ""
    paid_at: dt.datetime | None = None
    created_at: dt.datetime | None = None
    customer_code: str = ""
    customer_email: str = field(repr=False, default="")
    authorization: Authorization = field(default_factory=Authorization)
    metadata: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)  # decides nothing

    @property
    def paid_for(self) -> int:
        """What the customer paid for: without the fees that Paystack may have put on top."""
        return self.amount if self.requested_amount is None else self.requested_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Answer to charging a saved card: a transaction, or a page the customer has to visit first."""

    transaction: Transaction | None = None
    authorization_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFact:
    """One refund at Paystack. It carries no reference of ours but the text in `merchant_note`."""

    id: int
    status: str
    amount: int
    currency: str
    transaction_id: int | None = None
    transaction_reference: str = ""
    merchant_note: str = ""
    created_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank that Paystack can pay to, by the id it has there."""

    id: int
    name: str
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFact:
    """One dispute at Paystack."""

    id: int
    status: str
    currency: str
    refund_amount: int | None = None  # what is disputed; the whole transaction when not said
    resolution: str = ""
    category: str = ""
    due_at: dt.datetime | None = None
    created_at: dt.datetime | None = None
    resolved_at: dt.datetime | None = None
    transaction_id: int | None = None
    transaction_reference: str = ""
    transaction_amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFact:
    """One payout of Paystack to our bank."""

    id: int
    status: str
    currency: str
    total_amount: int
    total_fees: int = 0
    total_processed: int = 0
    deductions: int = 0
    settled_on: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DedicatedAccountFact:
    """A bank account number that belongs to one customer."""

    id: int
    account_number: str
    account_name: str = ""
    bank_name: str = ""
    bank_slug: str = ""
    customer_code: str = ""
    is_active: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What Paystack counts in a period."""

    transactions: int
    volume_by_currency: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLine:
    """One change of our balance at Paystack; `difference` and `balance` may be below zero."""

    id: int
    currency: str
    difference: int
    balance: int
    reason: str = ""
    subject: str = ""  # `Transaction`, `Refund`, `Transfer`…
    subject_id: int | None = None
    created_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateQuote:
    """One exchange rate of the source: units of `currency` for one `base`."""

    base: str
    currency: str
    rate: Decimal
    as_of: dt.datetime
