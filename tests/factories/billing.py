"""Customers with money, and holds."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.enums import TransferCode
from billing.models import Account, Transfer
from billing.services import ledger

_numbers = itertools.count(1)


def make_customer() -> User:
    """A person without a wallet, a password or a name that matters."""
    return User.objects.create(email=f"customer-{next(_numbers)}-{uuid.uuid4().hex[:6]}@example.test")


def make_wallet(amount: str | Decimal = "10.00", *, user: User | None = None) -> Account:
    """A customer's account, funded by support."""
    user = user or make_customer()
    if Decimal(amount):
        with transaction.atomic():
            ledger.adjust(
                user=user, amount=Decimal(amount), reason="test", actor=None, key=f"fund:{uuid.uuid4()}"
            )
    return ledger.customer_account(user.pk)


def make_hold(
    account: Account,
    amount: str | Decimal = "0.35",
    *,
    key: str | None = None,
    reference: str = "verification:1",
    memo: str = "",
    expires_in_s: float = 3600,
) -> Transfer:
    """Money on hold for a number."""
    with transaction.atomic():
        return ledger.hold(
            account=account,
            amount=Decimal(amount),
            code=TransferCode.VERIFICATION_HOLD,
            key=key or f"hold:{uuid.uuid4()}",
            reference=reference,
            memo=memo,
            expires_at=timezone.now() + dt.timedelta(seconds=expires_in_s),
        )


def make_capture(hold: Transfer, amount: str | Decimal | None = None, *, key: str | None = None) -> Transfer:
    """The charge of a hold."""
    with transaction.atomic():
        return ledger.capture(
            hold_id=hold.id,
            key=key or f"capture:{uuid.uuid4()}",
            amount=None if amount is None else Decimal(amount),
        )


def make_release(hold: Transfer, *, key: str | None = None) -> Transfer:
    """The return of a hold."""
    with transaction.atomic():
        return ledger.release(hold_id=hold.id, key=key or f"release:{uuid.uuid4()}")
