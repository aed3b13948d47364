"""Balances: a customer's, and those of our own accounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, Sum

from billing.enums import TransferKind
from billing.models import Account, Transfer

ZERO = Decimal("0.0000")


@dataclass(frozen=True, slots=True)
class WalletFigures:
    """A customer's money: `balance` is what they own, `held` of it is reserved, `available` is the rest."""

    available: Decimal
    held: Decimal
    balance: Decimal
    currency: str


def wallet(user_id: int) -> WalletFigures:
    """A customer's figures, zeros when nothing was ever paid in. One query."""
    account = Account.objects.filter(user_id=user_id).first()
    if account is None:
        return WalletFigures(ZERO, ZERO, ZERO, settings.WALLET_CURRENCY)
    return WalletFigures(account.available, account.debits_pending, account.balance, account.currency)


def system_balance(account_id: int) -> Decimal:
    """Credits less debits of one of our own accounts, summed from all its transfers; holds do not count."""
    posted = Transfer.objects.filter(kind__in=[TransferKind.POSTED, TransferKind.POST_PENDING])
    sums = posted.aggregate(
        credits=Sum("amount", filter=Q(credit_account=account_id), default=ZERO),
        debits=Sum("amount", filter=Q(debit_account=account_id), default=ZERO),
    )
    balance: Decimal = sums["credits"] - sums["debits"]
    return balance
