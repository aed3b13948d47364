"""The rules that the database keeps by itself, whoever writes to it: each is broken here by hand and must refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from billing.enums import SystemCode
from billing.models import Account, Transfer
from billing.services import ledger
from namaskah.lib.ids import uuid7
from tests.factories.billing import make_capture, make_customer, make_hold, make_wallet


def run(sql: str, *values: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.fixture
def insert(account: Account) -> Callable[..., None]:
    """Insert a transfer that fits, but for what the test changes."""
    ours = ledger.system_account(SystemCode.STAFF_ADJUSTMENTS)
    fits: Mapping[str, Any] = {
        "debit_account": account,
        "credit_account": ours,
        "amount": 1,
        "kind": "posted",
        "code": "verification_capture",
        "balance_after": 9,
        "available_after": 9,
    }

    def insert(**changes: Any) -> None:
        with transaction.atomic():
            Transfer.objects.create(**{**fits, "id": uuid7(), "key": str(uuid7()), **changes})

    return insert


def test_transfer_that_fits_is_taken(insert: Callable[..., None]) -> None:
    insert()

    assert Transfer.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": -1},
        {"key": ""},
        {"kind": "unheard"},
        {"kind": "pending"},
        {"kind": "post_pending"},
        {"expires_at": "2026-11-20T00:00Z"},
        {"code": "staff_debit"},
        {"balance_after": None},
        {"balance_after": None, "available_after": None},
        {"available_after": 10},
        {"available_after": -1},
    ],
    ids=str,
)
def test_transfer_that_does_not_fit_is_refused(insert: Callable[..., None], changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        insert(**changes)


def test_transfer_to_the_same_account_is_refused(insert: Callable[..., None], account: Account) -> None:
    with pytest.raises(IntegrityError):
        insert(credit_account=account)


def test_transfer_between_customers_is_refused(insert: Callable[..., None]) -> None:
    with pytest.raises(IntegrityError, match="from customer to customer"):
        insert(credit_account=make_wallet("0"))


def test_transfer_between_currencies_is_refused(insert: Callable[..., None]) -> None:
    naira = Account.objects.create(kind="system", code="naira", currency="NGN")

    with pytest.raises(IntegrityError, match="currencies USD and NGN"):
        insert(credit_account=naira)


def test_hold_on_a_system_account_is_refused(insert: Callable[..., None]) -> None:
    ours, theirs = ledger.system_account(SystemCode.REVENUE), ledger.system_account(SystemCode.PROVIDER_COST)

    with pytest.raises(IntegrityError, match="a hold is on a customer"):
        insert(
            kind="pending",
            expires_at="2026-11-20T00:00Z",
            debit_account=ours,
            credit_account=theirs,
            balance_after=None,
            available_after=None,
        )


def test_key_is_unique(insert: Callable[..., None]) -> None:
    insert(key="once")

    with pytest.raises(IntegrityError, match="transfer_key_once"):
        insert(key="once")


@pytest.mark.parametrize(
    ("kind", "amount", "refusal"),
    [
        ("post_pending", "0.36", "does not fit a hold"),
        ("void_pending", "0.36", "does not fit a hold"),
        ("void_pending", "0.34", "does not fit a hold"),
        ("post_pending", "0.35", ""),
        ("post_pending", "0.01", ""),
        ("void_pending", "0.35", ""),
    ],
)
def test_resolution_fits_its_hold(
    insert: Callable[..., None], account: Account, kind: str, amount: str, refusal: str
) -> None:
    hold = make_hold(account)

    def resolve() -> None:
        insert(kind=kind, amount=amount, pending=hold, credit_account=hold.credit_account)

    if refusal:
        with pytest.raises(IntegrityError, match=refusal):
            resolve()
    else:
        resolve()


def test_resolution_between_other_accounts_is_refused(insert: Callable[..., None], account: Account) -> None:
    hold = make_hold(account)

    with pytest.raises(IntegrityError, match="between the same accounts"):
        insert(kind="void_pending", amount=hold.amount, pending=hold)
    with pytest.raises(IntegrityError, match="between the same accounts"):
        insert(
            kind="void_pending",
            amount=hold.amount,
            pending=hold,
            credit_account=hold.credit_account,
            debit_account=make_wallet("5"),
        )


def test_resolution_of_a_resolution_is_refused(insert: Callable[..., None], account: Account) -> None:
    capture = make_capture(make_hold(account))

    with pytest.raises(IntegrityError, match="names a hold"):
        insert(kind="void_pending", amount="0.35", pending=capture, credit_account=capture.credit_account)


def test_hold_is_resolved_once(insert: Callable[..., None], account: Account) -> None:
    hold = make_hold(account)
    make_capture(hold)

    with pytest.raises(IntegrityError, match="transfer_hold_resolved_once"):
        insert(kind="void_pending", amount="0.35", pending=hold, credit_account=hold.credit_account)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE billing_transfer SET memo = 'other'",
        "UPDATE billing_transfer SET amount = amount + 1 WHERE false",
        "DELETE FROM billing_transfer",
        "DELETE FROM billing_account WHERE false",
        "UPDATE billing_account SET currency = 'NGN'",
        "UPDATE billing_account SET code = 'mine'",
        "UPDATE billing_account SET id = id + 1000",
        "UPDATE billing_account SET kind = 'system', user_id = NULL, credits_posted = 0",
    ],
)
def test_history_cannot_be_rewritten(account: Account, change: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        run(change)


def test_account_cannot_be_given_to_somebody_else(account: Account) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        run("UPDATE billing_account SET user_id = %s WHERE id = %s", make_customer().pk, account.pk)


def test_transfers_cannot_be_truncated(account: Account) -> None:
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run(
        "ALTER TABLE billing_transfer ENABLE TRIGGER billing_transfer_no_truncate"
    )  # tests/billing/conftest.py

    with pytest.raises(IntegrityError, match="append-only"):
        run("TRUNCATE billing_transfer CASCADE")


@pytest.mark.parametrize(
    "figures",
    [
        "debits_posted = credits_posted + 0.0001",
        "debits_pending = credits_posted + 0.0001",
        "debits_posted = credits_posted, debits_pending = 0.0001",
        "debits_pending = -0.0001",
        "credits_posted = -1",
    ],
)
def test_customer_cannot_be_overdrawn(account: Account, figures: str) -> None:
    with pytest.raises(IntegrityError, match="account_customer_not_overdrawn|account_figures_not_negative"):
        run(f"UPDATE billing_account SET {figures} WHERE id = %s", account.pk)  # noqa: S608 - from above


def test_system_account_keeps_no_total(db: None) -> None:
    revenue = ledger.system_account(SystemCode.REVENUE)

    with pytest.raises(IntegrityError, match="account_system_keeps_no_total"):
        run("UPDATE billing_account SET credits_posted = 1 WHERE id = %s", revenue.pk)


def test_accounts_have_the_owner_of_their_kind(customer: User) -> None:
    def open_account(**fields: Any) -> None:
        with transaction.atomic():
            Account.objects.create(**{"kind": "system", "code": "new", "currency": "USD", **fields})

    with pytest.raises(IntegrityError, match="account_user_iff_customer"):
        open_account(kind="customer")
    with pytest.raises(IntegrityError, match="account_user_iff_customer"):
        open_account(user=make_customer())
    with pytest.raises(IntegrityError, match="billing_account_user_id_key"):
        open_account(kind="customer", user=customer)
    open_account()
    with pytest.raises(IntegrityError, match="account_system_code_once"):
        open_account()
