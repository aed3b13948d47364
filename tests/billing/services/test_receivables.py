"""A debt is taken from what is available, once, and never below zero."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import User
from billing.enums import SystemCode
from billing.models import Transfer
from billing.selectors import system_balance, wallet
from billing.services import books, ledger, receivables
from tests.factories.billing import make_customer, make_wallet
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import end_dispute, make_dispute, spend
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
ZERO = Decimal(0)


@pytest.fixture
def debtor(far: FakePaystack) -> User:
    """Owes three dollars and has nothing."""
    deposit = make_credited_deposit(far=far)
    assert deposit.user is not None
    spend(deposit.user, "3.0000")
    end_dispute(make_dispute(deposit, far), far, "merchant-accepted")
    return deposit.user


def collect(user: User, key: str = "receivable:test") -> None:
    with transaction.atomic():
        receivables.collect(user_id=user.pk, key=key)


def test_nothing_owed_takes_nothing() -> None:
    user = make_customer()
    make_wallet("5.00", user=user)

    collect(user)

    assert wallet(user.pk).available == Decimal("5.00")


def test_empty_wallet_pays_nothing(debtor: User) -> None:
    collect(debtor)

    assert receivables.owed_by(debtor.pk) == Decimal("3.0000")
    assert wallet(debtor.pk).available == ZERO


def test_less_than_owed_pays_a_part(debtor: User) -> None:
    make_wallet("1.25", user=debtor)

    collect(debtor)

    assert (receivables.owed_by(debtor.pk), wallet(debtor.pk).available) == (Decimal("1.75"), ZERO)


def test_more_than_owed_pays_all_and_keeps_the_rest(debtor: User) -> None:
    make_wallet("10.00", user=debtor)

    for number in range(3):
        collect(debtor, key=f"receivable:{number}")

    assert (receivables.owed_by(debtor.pk), wallet(debtor.pk).available) == (ZERO, Decimal("7.00"))
    assert system_balance(ledger.system_account(SystemCode.RECEIVABLES).pk) == ZERO
    assert books.verify().differences == []


def test_repeated_key_takes_nothing_more(debtor: User) -> None:
    make_wallet("1.00", user=debtor)
    collect(debtor)
    make_wallet("1.00", user=debtor)

    collect(debtor)

    assert receivables.owed_by(debtor.pk) == Decimal("2.00")


def test_next_deposit_repays(debtor: User, far: FakePaystack) -> None:
    make_credited_deposit(debtor, far=far)

    assert (receivables.owed_by(debtor.pk), wallet(debtor.pk).available) == (ZERO, Decimal("0.3333"))
    repaid = Transfer.objects.get(code="receivable_repaid")
    assert repaid.reference == f"receivable:{debtor.pk}"


def test_debt_of_one_customer_is_not_taken_from_another(debtor: User) -> None:
    other = make_customer()
    make_wallet("5.00", user=other)

    collect(other)

    assert wallet(other.pk).available == Decimal("5.00")
