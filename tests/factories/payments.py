"""Exchange rates, deposits in any state, and deposits that have really been credited."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from billing.enums import DepositPurpose, DepositStatus
from billing.models import Deposit, ExchangeRate
from billing.paystack.base import Authorization, Transaction
from billing.services import settling
from billing.services.crediting import worth
from namaskah.lib.ids import ulid
from tests.factories.billing import make_customer
from tests.fake_paystack import FakePaystack, _fees

_ids = itertools.count(6_120_000_001)


def make_rate(rate: str | Decimal = "1500", *, hours_old: float = 0, charge: str = "NGN") -> ExchangeRate:
    """A rate in force."""
    return ExchangeRate.objects.create(
        charge_currency=charge,
        wallet_currency="USD",
        rate=Decimal(rate),
        source="example.test",
        as_of=timezone.now() - dt.timedelta(hours=hours_old),
    )


def make_deposit(
    user: User | None = None,
    *,
    status: DepositStatus = DepositStatus.PENDING,
    amount_subunits: int = 500_000,
    rate: str | Decimal = "1500",
    purpose: DepositPurpose = DepositPurpose.TOP_UP,
    far: FakePaystack | None = None,
    **fields: Any,
) -> Deposit:
    """A deposit as it stands in the table; nothing was posted for it.

    Args:
        far: Paystack's side; it then knows the reference as a checkout just opened.
    """
    user = user or make_customer()
    identifier = ulid()
    values: dict[str, Any] = {
        "user": user, "reference": f"nm-{purpose.value}-{identifier}", "purpose": purpose, "status": status,
        "email": user.email, "charge_currency": "NGN", "amount_subunits": amount_subunits, "wallet_currency": "USD",
        "rate": Decimal(rate), "rate_as_of": timezone.now(), "credit_amount": worth(amount_subunits, Decimal(rate)),
        "access_code": f"code-{identifier}", "authorization_url": f"https://checkout.paystack.com/{identifier}",
    }  # fmt: skip
    deposit = Deposit.objects.create(**(values | fields))
    if far is not None:
        far.transactions_by_reference[deposit.reference] = make_transaction(deposit, status="abandoned")
    return deposit


def make_transaction(deposit: Deposit, **changes: Any) -> Transaction:
    """What Paystack would say of a deposit that was paid as asked, by card."""
    values: dict[str, Any] = {
        "id": deposit.paystack_id or next(_ids), "reference": deposit.reference, "status": "success", "domain": "test",
        "currency": deposit.charge_currency, "amount": deposit.amount_subunits,
        "requested_amount": deposit.amount_subunits, "fees": _fees(deposit.amount_subunits), "channel": "card",
        "gateway_response": "Successful", "paid_at": timezone.now(), "created_at": deposit.created_at,
        "customer_email": deposit.email,
        "authorization": Authorization(
            code=f"AUTH_{deposit.reference[-8:]}", signature=f"SIG_{deposit.user_id}", channel="card", brand="visa",
            last4="4081", exp_month=12, exp_year=2030, bank="TEST BANK", country_code="NG", is_reusable=True,
        ),
    }  # fmt: skip
    return Transaction(**(values | changes))


def make_credited_deposit(
    user: User | None = None,
    amount_subunits: int = 500_000,
    *,
    far: FakePaystack | None = None,
    paid: dict[str, Any] | None = None,
    **fields: Any,
) -> Deposit:
    """A deposit that was paid as asked and went through crediting: the wallet has the money.

    Args:
        far: Paystack's side; it then knows the transaction, too.
        paid: What of the transaction is to be otherwise.
    """
    deposit = make_deposit(user, amount_subunits=amount_subunits, **fields)
    transaction = make_transaction(deposit, **(paid or {}))
    if far is not None:
        far.transactions_by_reference[deposit.reference] = transaction
    return settling.apply(deposit.pk, transaction)


def make_suspended_deposit(
    user: User | None = None, *, paid_subunits: int = 300_000, far: FakePaystack | None = None, **fields: Any
) -> Deposit:
    """A deposit of 5,000 of which less was paid: the money is in suspense, waiting for a decision."""
    paid = {"amount": paid_subunits, "requested_amount": paid_subunits, "fees": _fees(paid_subunits)}
    return make_credited_deposit(user, far=far, paid=paid, **fields)
