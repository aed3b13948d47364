"""Paystack in memory, with the interface of `billing.paystack.client.Paystack`, for tests of services.

`far` is its side: what customers did, what was charged and refunded. `fail` and `fail_after` lay errors in the way of one
coming call: before it has an effect, or after, when only the answer is lost.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.utils import timezone

from billing.paystack import client
from billing.paystack.base import (
    Authorization,
    Bank,
    Charge,
    Checkout,
    DedicatedAccountFact,
    DisputeFact,
    RefundFact,
    SettlementFact,
    Transaction,
)
from billing.paystack.errors import (
    AlreadyRefunded,
    CardUnusable,
    DuplicateReference,
    NotFound,
    OutcomeUnknown,
    PaystackError,
    RefundNotWaiting,
    Refused,
)


@dataclass
class FakePaystack:
    """One integration. Ids are above 32 bits, as real ones are."""

    transactions_by_reference: dict[str, Transaction] = field(default_factory=dict)
    refunds_by_id: dict[int, RefundFact] = field(default_factory=dict)
    disputes_by_id: dict[int, DisputeFact] = field(default_factory=dict)
    settlements_made: list[SettlementFact] = field(default_factory=list)
    accounts: dict[int, DedicatedAccountFact] = field(default_factory=dict)
    dead_cards: set[str] = field(default_factory=set)
    banks_listed: list[Bank] = field(
        default_factory=lambda: [Bank(id=9, name="First Bank of Nigeria"), Bank(id=21, name="Zenith Bank")]
    )
    details_given: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    charge_status: str = "success"
    charge_says: str = ""  # the bank's words about a charge
    charge_page: str = ""  # set: the bank wants the customer to come to this address
    calls: list[tuple[str, Any]] = field(default_factory=list)
    _before: dict[str, list[PaystackError]] = field(default_factory=dict)
    _after: dict[str, list[PaystackError]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(5_120_000_001))

    # What tests do.

    def fail(self, call: str, error: PaystackError | None = None, times: int = 1) -> None:
        """The next call of this name fails before it has an effect."""
        self._before.setdefault(call, []).extend([error or OutcomeUnknown()] * times)

    def fail_after(self, call: str, error: PaystackError | None = None, times: int = 1) -> None:
        """The next call of this name has its effect and its answer is lost."""
        self._after.setdefault(call, []).extend([error or OutcomeUnknown()] * times)

    def count(self, call: str) -> int:
        """How often a call was made."""
        return sum(name == call for name, _ in self.calls)

    def pay(self, reference: str, status: str = "success", **changes: Any) -> Transaction:
        """The customer comes to an end at the checkout, or the bank does."""
        known = self.transactions_by_reference[reference]
        paid_at = timezone.now() if status == "success" else None
        paid = {"status": status, "paid_at": paid_at, "fees": _fees(known.amount), "channel": "card"}
        made = replace(known, **(paid | changes))
        self.transactions_by_reference[reference] = made
        return made

    def pay_uninvited(
        self, reference: str, amount: int, currency: str = "NGN", **changes: Any
    ) -> Transaction:
        """Money that we did not ask for: a transfer to an account number, a payment page of somebody."""
        made = Transaction(
            id=next(self._ids), reference=reference, status="success", domain="test", currency=currency, amount=amount,
            requested_amount=amount, fees=_fees(amount), channel="dedicated_nuban", paid_at=timezone.now(),
            created_at=timezone.now(), **changes,
        )  # fmt: skip
        self.transactions_by_reference[reference] = made
        return made

    def set_refund(self, refund_id: int, status: str) -> RefundFact:
        """The refund goes on at Paystack."""
        made = self.refunds_by_id[refund_id] = replace(self.refunds_by_id[refund_id], status=status)
        return made

    def open_dispute(self, reference: str, **changes: Any) -> DisputeFact:
        """A customer's bank claims a payment back."""
        paid = self.transactions_by_reference[reference]
        values: dict[str, Any] = {
            "id": next(self._ids), "status": "awaiting-merchant-feedback", "currency": paid.currency,
            "refund_amount": paid.amount, "category": "chargeback", "due_at": timezone.now() + dt.timedelta(hours=16),
            "created_at": timezone.now(), "transaction_id": paid.id, "transaction_reference": paid.reference,
            "transaction_amount": paid.amount,
        } | changes  # fmt: skip
        made = DisputeFact(**values)
        self.disputes_by_id[made.id] = made
        return made

    # What the product calls.

    def initialize(
        self, *, email: str, amount: int, currency: str, reference: str, callback_url: str, cancel_url: str,
        channels: list[str], metadata: Mapping[str, str],
    ) -> Checkout:  # fmt: skip
        with _Call(self, "initialize", reference):
            if reference in self.transactions_by_reference:
                raise DuplicateReference
            self.transactions_by_reference[reference] = Transaction(
                id=next(self._ids), reference=reference, status="abandoned", domain="test", currency=currency,
                amount=amount, requested_amount=amount, customer_email=email, created_at=timezone.now(),
            )  # fmt: skip
        code = f"code{len(self.transactions_by_reference)}"
        return Checkout(
            reference=reference, access_code=code, authorization_url=f"https://checkout.paystack.com/{code}"
        )

    def verify(self, reference: str) -> Transaction:
        with _Call(self, "verify", reference):
            if reference not in self.transactions_by_reference:
                raise NotFound
        return self.transactions_by_reference[reference]

    def transaction(self, transaction_id: int) -> Transaction:
        with _Call(self, "transaction", transaction_id):
            for made in self.transactions_by_reference.values():
                if made.id == transaction_id:
                    return made
            raise NotFound

    def transactions(
        self, *, since: dt.datetime, until: dt.datetime, status: str = "success"
    ) -> Iterator[Transaction]:
        with _Call(self, "transactions", (since, until)):
            rows = list(self.transactions_by_reference.values())
        yield from (
            row
            for row in rows
            if row.status == status and row.paid_at is not None and since <= row.paid_at < until
        )

    def charge_authorization(
        self, *, email: str, amount: int, currency: str, authorization_code: str, reference: str
    ) -> Charge:
        with _Call(self, "charge_authorization", reference):
            if authorization_code in self.dead_cards:
                raise CardUnusable
            if reference in self.transactions_by_reference:
                raise DuplicateReference
            made = Transaction(
                id=next(self._ids), reference=reference, status=self.charge_status, domain="test", currency=currency,
                amount=amount, fees=_fees(amount), customer_email=email, channel="card", created_at=timezone.now(),
                paid_at=timezone.now() if self.charge_status == "success" else None, gateway_response=self.charge_says,
                authorization=Authorization(code=authorization_code, channel="card", is_reusable=True),
            )  # fmt: skip
            if self.charge_page:
                made = replace(made, status="ongoing", paid_at=None)
            self.transactions_by_reference[reference] = made
        return Charge(authorization_url=self.charge_page) if self.charge_page else Charge(transaction=made)

    def deactivate_authorization(self, authorization_code: str) -> None:
        with _Call(self, "deactivate_authorization", None):
            self.dead_cards.add(authorization_code)

    def refund(
        self, *, transaction: str, amount: int, currency: str, merchant_note: str, customer_note: str = ""
    ) -> RefundFact:
        with _Call(self, "refund", merchant_note):
            paid = self.transactions_by_reference[transaction]
            gone = sum(
                r.amount
                for r in self.refunds_by_id.values()
                if r.transaction_id == paid.id and r.status != "failed"
            )
            if gone + amount > paid.amount:
                raise AlreadyRefunded
            made = RefundFact(
                id=next(self._ids), status="pending", amount=amount, currency=currency, transaction_id=paid.id,
                transaction_reference=paid.reference, merchant_note=merchant_note, created_at=timezone.now(),
            )  # fmt: skip
            self.refunds_by_id[made.id] = made
        return made

    def fetch_refund(self, refund_id: int) -> RefundFact:
        with _Call(self, "fetch_refund", refund_id):
            if refund_id not in self.refunds_by_id:
                raise NotFound
        return self.refunds_by_id[refund_id]

    def refunds(self, *, since: dt.datetime, until: dt.datetime) -> Iterator[RefundFact]:
        with _Call(self, "refunds", (since, until)):
            rows = list(self.refunds_by_id.values())
        yield from (row for row in rows if row.created_at is not None and since <= row.created_at < until)

    def retry_refund(self, refund_id: int, *, currency: str, account_number: str, bank_id: int) -> RefundFact:
        with _Call(self, "retry_refund", refund_id):
            if self.refunds_by_id[refund_id].status != "needs-attention":
                raise RefundNotWaiting(status=422)
            self.details_given[refund_id] = (currency, account_number, bank_id)
            self.set_refund(refund_id, "processing")
        return self.refunds_by_id[refund_id]

    def banks(self, *, country: str) -> list[Bank]:
        with _Call(self, "banks", country):
            return list(self.banks_listed)

    def disputes(self, *, since: dt.datetime, until: dt.datetime, status: str = "") -> Iterator[DisputeFact]:
        with _Call(self, "disputes", (since, until)):
            rows = list(self.disputes_by_id.values())
        yield from (row for row in rows if status in ("", row.status))

    def dispute(self, dispute_id: int) -> DisputeFact:
        with _Call(self, "dispute", dispute_id):
            if dispute_id not in self.disputes_by_id:
                raise NotFound
        return self.disputes_by_id[dispute_id]

    def add_evidence(
        self,
        dispute_id: int,
        *,
        customer_email: str,
        customer_name: str,
        customer_phone: str,
        service_details: str,
    ) -> int | None:
        with _Call(self, "add_evidence", service_details):
            return next(self._ids)

    def upload_evidence(self, dispute_id: int, *, content: bytes, content_type: str) -> str:
        with _Call(self, "upload_evidence", len(content)):
            return f"evidence-{dispute_id}.pdf"

    def resolve_dispute(
        self, dispute_id: int, *, resolution: str, message: str, refund_amount: int, uploaded_filename: str,
        evidence: int | None = None,
    ) -> DisputeFact:  # fmt: skip
        with _Call(self, "resolve_dispute", resolution):
            if not uploaded_filename:
                raise Refused("Uploaded filename is not allowed to be empty")
            known = self.disputes_by_id[dispute_id]
            made = replace(
                known,
                status="resolved",
                refund_amount=refund_amount if resolution == "merchant-accepted" else known.refund_amount,
                resolution=resolution,
                resolved_at=timezone.now(),
            )
            self.disputes_by_id[dispute_id] = made
        return made

    def settlements(self, *, since: dt.datetime, until: dt.datetime) -> Iterator[SettlementFact]:
        with _Call(self, "settlements", (since, until)):
            rows = list(self.settlements_made)
        yield from rows

    def assign_dedicated_account(
        self, *, email: str, first_name: str, last_name: str, phone: str, preferred_bank: str, country: str
    ) -> None:
        with _Call(self, "assign_dedicated_account", email):
            number = next(self._ids)
            self.accounts[number] = DedicatedAccountFact(
                id=number, account_number=str(number)[-10:], account_name=f"{first_name} {last_name}", bank_name="Test Bank",
                bank_slug=preferred_bank, customer_code=f"CUS_{email}", is_active=True,
            )  # fmt: skip

    def dedicated_accounts(self, *, customer_email: str) -> Iterator[DedicatedAccountFact]:
        with _Call(self, "dedicated_accounts", customer_email):
            rows = list(self.accounts.values())
        yield from (row for row in rows if row.customer_code == f"CUS_{customer_email}")

    def requery_dedicated_account(self, *, account_number: str, provider_slug: str, day: dt.date) -> None:
        with _Call(self, "requery_dedicated_account", account_number):
            pass

    def deactivate_dedicated_account(self, account_id: int) -> None:
        with _Call(self, "deactivate_dedicated_account", account_id):
            self.accounts[account_id] = replace(self.accounts[account_id], is_active=False)


@dataclass
class _Call:
    """One call: counted, failed before its effect or after it as the test has arranged."""

    far: FakePaystack
    name: str
    about: Any

    def __enter__(self) -> None:
        self.far.calls.append((self.name, self.about))
        if waiting := self.far._before.get(self.name):
            raise waiting.pop(0)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None and (waiting := self.far._after.get(self.name)):
            raise waiting.pop(0)


def _fees(amount: int) -> int:
    """Nigeria, local card: 1.5 % and 100 naira from 2,500 naira on, at most 2,000."""
    return min(-(-amount * 15 // 1000) + (10_000 if amount >= 250_000 else 0), 200_000)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> FakePaystack:
    """Paystack's side of this test; the product talks to it wherever it calls `client.paystack()`."""
    fake = FakePaystack()
    monkeypatch.setattr(client, "paystack", lambda: fake)
    monkeypatch.setattr(client, "is_available", lambda: True)
    return fake
