"""Balances: a customer's, and those of our own accounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, Sum

from accounts.models import User
from accounts.selectors import notices
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


@dataclass(frozen=True, slots=True)
class Masthead:
    """What the head of every page shows of whoever is signed in."""

    wallet: WalletFigures
    unread: int


def masthead(user_id: int) -> Masthead:
    """Somebody's wallet and how many notices they have not read, in the one query that every page pays."""
    row = (
        User.objects.filter(pk=user_id)
        .values_list(
            "wallet__credits_posted",
            "wallet__debits_posted",
            "wallet__debits_pending",
            "wallet__currency",
            notices.unread(),
        )
        .first()
    )
    if row is None or row[3] is None:  # nothing was ever paid in
        return Masthead(_nothing(), row[4] if row else 0)
    credits_posted, debits_posted, held, currency, unread = row
    balance = credits_posted - debits_posted
    return Masthead(WalletFigures(balance - held, held, balance, currency), unread)


def wallet(user_id: int) -> WalletFigures:
    """A customer's figures, zeros when nothing was ever paid in. One query."""
    account = Account.objects.filter(user_id=user_id).first()
    if account is None:
        return _nothing()
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


def _nothing() -> WalletFigures:
    return WalletFigures(ZERO, ZERO, ZERO, settings.WALLET_CURRENCY)
