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


def system_account(code: SystemCode) -> Account:
    """One of our own accounts, opened at the first call. May run outside a transaction."""
    account = Account.objects.filter(kind=AccountKind.SYSTEM, code=code).first()
    if account is not None:
        return account
    opened = Account(kind=AccountKind.SYSTEM, code=code, currency=settings.WALLET_CURRENCY)
    Account.objects.bulk_create([opened], ignore_conflicts=True)
    return Account.objects.get(kind=AccountKind.SYSTEM, code=code)


def system_accounts(*codes: SystemCode) -> list[Account]:
    """Several of our own accounts, in the order asked for, in one query once they are open."""
    accounts = {account.code: account for account in _opened(codes)}
    return [accounts.get(code.value) or system_account(code) for code in codes]


def _opened(codes: Sequence[SystemCode]) -> list[Account]:
    return rows.find(Account, "kind = 'system' AND code = ANY(%s)", [[code.value for code in codes]])
