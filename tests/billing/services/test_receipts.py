"""Numbers of receipts: one for each fact, without gaps, by year."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, transaction
from pytest_django import Settings

from billing.enums import ReceiptKind
from billing.models import Receipt, ReceiptCounter
from billing.services import receipts
from tests.factories.papers import make_paid_deposit, make_receipt, make_refund_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def year() -> int:
    return dt.datetime.now(dt.UTC).year


def test_receipts_count_up_from_one(year: int) -> None:
    numbers = [make_receipt().number for _ in range(3)]

    assert numbers == [f"{year}-000001", f"{year}-000002", f"{year}-000003"]
    assert ReceiptCounter.objects.get().last == 3


def test_receipt_names_its_deposit_and_its_customer() -> None:
    deposit = make_paid_deposit()

    made = make_receipt(deposit)

    row = Receipt.objects.get()
    assert (row.pk, row.number, row.kind) == (made.pk, made.number, ReceiptKind.DEPOSIT)
    assert (row.user, row.deposit, row.refund) == (deposit.user, deposit, None)
    assert row.issued_at == made.issued_at


def test_deposit_has_one_receipt_however_often_it_is_issued() -> None:
    deposit = make_paid_deposit()

    first, second = make_receipt(deposit), make_receipt(deposit)
    other = make_receipt()

    assert first == second
    assert int(other.number[5:]) == int(first.number[5:]) + 1


def test_refund_has_a_receipt_of_its_own() -> None:
    deposit = make_paid_deposit()
    first_refund = make_refund_of(deposit, amount_subunits=100_000)
    second_refund = make_refund_of(deposit, amount_subunits=200_000)

    made = [make_receipt(fact) for fact in (deposit, first_refund, second_refund, first_refund)]

    assert [int(receipt.number[5:]) for receipt in made] == [1, 2, 3, 2]
    assert [receipt.refund for receipt in made[:3]] == [None, first_refund, second_refund]
    assert made[1].kind == ReceiptKind.REFUND
    assert made[1].user_id == deposit.user_id


def test_money_of_nobody_has_no_receipt() -> None:
    deposit = make_paid_deposit(user=None, status="needs_review", credited_at=None)
    deposit.user = None
    refund = make_refund_of(make_paid_deposit(), wallet_amount=0, user=None)

    with transaction.atomic():
        assert receipts.issue_for_deposit(deposit) is None
        assert receipts.issue_for_refund(refund) is None

    assert not ReceiptCounter.objects.exists()


def test_undone_fact_leaves_no_gap() -> None:
    make_receipt()

    with transaction.atomic():
        make_receipt()
        transaction.set_rollback(True)

    assert make_receipt().number.endswith("-000002")


def test_every_year_begins_with_one() -> None:
    with time_machine.travel("2027-12-31T23:59:59Z", tick=False):
        old = make_receipt()
    with time_machine.travel("2028-01-01T00:00:00Z", tick=False):
        new = make_receipt()

    assert (old.number, new.number) == ("2027-000001", "2028-000001")


def test_number_grows_past_six_digits(year: int) -> None:
    ReceiptCounter.objects.create(year=year, last=999_999)

    assert make_receipt().number == f"{year}-1000000"


def test_seller_is_kept_as_it_was(settings: Settings) -> None:
    settings.SELLER_NAME = "Old Ltd"
    settings.SELLER_ADDRESS = "1 Marina | Lagos || Nigeria"
    settings.SELLER_EMAIL = "money@old.example"
    settings.SELLER_TAX_ID = "123-4"
    settings.TAX_LINE = "VAT 7.5% included"
    deposit = make_paid_deposit()
    make_receipt(deposit)
    settings.SELLER_NAME = "New Ltd"

    make_receipt(deposit)

    assert Receipt.objects.get().seller == {
        "name": "Old Ltd",
        "address": ["1 Marina", "Lagos", "Nigeria"],
        "email": "money@old.example",
        "tax_id": "123-4",
        "tax_line": "VAT 7.5% included",
    }


def test_database_refuses_a_second_receipt_of_a_deposit() -> None:
    made = make_receipt()

    with pytest.raises(IntegrityError, match="receipt_of_deposit_once"), transaction.atomic():
        Receipt.objects.create(number="x", kind=made.kind, user=made.user, deposit=made.deposit)


@pytest.mark.django_db(transaction=True)
def test_receipt_is_written_in_a_transaction_only() -> None:
    deposit = make_paid_deposit()

    with pytest.raises(transaction.TransactionManagementError):
        receipts.issue_for_deposit(deposit)
