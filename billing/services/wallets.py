"""Opening accounts."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from billing.enums import AccountKind, SystemCode
from billing.models import Account
from namaskah.lib import rows

WALLET = "wallet"


def customer_account(user_id: int) -> Account:
    """The customer's wallet, opened empty at the first call. May run outside a transaction."""
    account = rows.get(Account, "user_id = %s", [user_id])
    if account is not None:
        return account
    wallet = Account(
        kind=AccountKind.CUSTOMER, code=WALLET, user_id=user_id, currency=settings.WALLET_CURRENCY
    )
    Account.objects.bulk_create([wallet], ignore_conflicts=True)
    return Account.objects.get(user_id=user_id)


def system_account(code: SystemCode, currency: str = "") -> Account:
    """One of our own accounts, by default in the wallet currency; opened at the first call. May run outside a transaction."""
    currency = currency or settings.WALLET_CURRENCY
    account = Account.objects.filter(kind=AccountKind.SYSTEM, code=code, currency=currency).first()
    if account is not None:
        return account
    opened = Account(kind=AccountKind.SYSTEM, code=code, currency=currency)
    Account.objects.bulk_create([opened], ignore_conflicts=True)
    return Account.objects.get(kind=AccountKind.SYSTEM, code=code, currency=currency)


def system_accounts(*codes: SystemCode, currency: str = "") -> list[Account]:
    """Several of our own accounts of one currency, in the order asked for, in one query once they are open."""
    currency = currency or settings.WALLET_CURRENCY
    accounts = {account.code: account for account in _opened(codes, currency)}
    return [accounts.get(code.value) or system_account(code, currency) for code in codes]


def _opened(codes: Sequence[SystemCode], currency: str) -> list[Account]:
    return rows.find(
        Account,
        "kind = 'system' AND code = ANY(%s) AND currency = %s",
        [[code.value for code in codes], currency],
    )
