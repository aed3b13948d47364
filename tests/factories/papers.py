"""Paid deposits and refunds, as rows: what receipts and statements are written from."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from billing.enums import DepositPurpose, DepositStatus, RefundStatus, TransferCode
from billing.models import Deposit, Receipt, Refund, Transfer
from billing.services import ledger, receipts
from tests.factories.billing import make_customer

_ids = itertools.count(5_200_000_001)
RATE_DAY = dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)


def make_paid_deposit(user: User | None = None, **changes: Any) -> Deposit:
    """A succeeded top-up of ₦5,000.00 for $3.2674, paid by card. No money moves."""
    user = user or make_customer()
    number = next(_ids)
    values: dict[str, Any] = {
        "user": user,
        "reference": f"nm-t-{number}",
        "purpose": DepositPurpose.TOP_UP,
        "status": DepositStatus.SUCCEEDED,
        "email": user.email,
        "charge_currency": "NGN",
        "amount_subunits": 500_000,
        "wallet_currency": "USD",
        "rate": Decimal("1530.25"),
        "rate_as_of": RATE_DAY,
        "credit_amount": Decimal("3.2674"),
        "paystack_id": number,
        "paid_currency": "NGN",
        "paid_subunits": 500_000,
        "requested_subunits": 500_000,
        "fees_subunits": 17_500,
        "channel": "card",
        "card_label": "Visa 4081",
        "paid_at": timezone.now(),
        "credited_at": timezone.now(),
        "next_look_at": None,
    } | changes
    return Deposit.objects.create(**values)


def make_refund_of(deposit: Deposit, **changes: Any) -> Refund:
    """A processed refund of a whole deposit, with the hold that it took from the wallet."""
    assert deposit.user is not None
    values: dict[str, Any] = {
        "deposit": deposit,
        "user": deposit.user,
        "status": RefundStatus.PROCESSED,
        "charge_currency": deposit.charge_currency,
        "amount_subunits": deposit.amount_subunits,
        "wallet_amount": deposit.credit_amount,
        "token": f"nmr-{uuid.uuid4().hex[:26]}",
    } | changes
    if values["wallet_amount"]:
        values["hold"] = _hold(deposit.user, values["wallet_amount"])
    return Refund.objects.create(**values)


def make_receipt(of: Deposit | Refund | None = None) -> Receipt:
    """The receipt of a deposit or a refund."""
    of = of or make_paid_deposit()
    with transaction.atomic():
        made = receipts.issue_for_deposit(of) if isinstance(of, Deposit) else receipts.issue_for_refund(of)
    assert made is not None
    return made


def date_back(transfer: Transfer, at: dt.datetime) -> None:
    """Give a transfer another time, past the trigger that keeps transfers as they are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE billing_transfer SET created_at = %s WHERE sequence = %s", [at, transfer.sequence]
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def _hold(user: User, amount: Decimal) -> Transfer:
    with transaction.atomic():
        key = uuid.uuid4().hex
        ledger.adjust(user=user, amount=amount, reason="test", actor=None, key=f"fund:{key}")
        return ledger.hold(
            account=ledger.customer_account(user.pk),
            amount=amount,
            code=TransferCode.REFUND_HOLD,
            key=f"refund:{key}",
            reference="refund:1",
            expires_at=timezone.now() + dt.timedelta(days=90),
        )
