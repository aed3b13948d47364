"""Settlements: kept as Paystack lists them, posted once, net of what was taken off."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Settlement, Transfer
from billing.paystack.base import SettlementFact
from billing.services import books, settlements
from billing.services import reconciliation_clearing as clearing
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
FACT = SettlementFact(
    id=3_090_024, status="success", currency="NGN", total_amount=482_500, total_fees=17_500, total_processed=500_000,
    settled_on=dt.date(2026, 11, 20),
)  # fmt: skip


def fetch() -> list[Settlement]:
    now = timezone.now()
    return settlements.fetch(since=now - dt.timedelta(days=7), until=now)


def test_paid_settlement_is_posted_once(far: FakePaystack) -> None:
    far.settlements_made.append(FACT)

    fetch()
    (settlement,) = fetch()

    transfer = Transfer.objects.get()
    assert (transfer.debit_account.code, transfer.credit_account.code) == ("bank", "paystack_clearing")
    assert (transfer.amount, transfer.reference) == (Decimal("4825.0000"), "settlement:3090024")
    assert (settlement.is_posted, settlement.total_subunits) == (True, 482_500)
    assert books.verify().differences == []


@pytest.mark.parametrize("status", ["pending", "processing", "failed"])
def test_settlement_that_has_not_arrived_moves_nothing(far: FakePaystack, status: str) -> None:
    far.settlements_made.append(replace(FACT, status=status))

    (settlement,) = fetch()

    assert (settlement.is_posted, Transfer.objects.count()) == (False, 0)


def test_pending_settlement_is_posted_when_it_arrives(far: FakePaystack) -> None:
    far.settlements_made.append(replace(FACT, status="pending"))
    fetch()
    far.settlements_made[0] = FACT

    fetch()

    assert clearing.movement(clearing.account_of("NGN")) == Decimal("-4825.0000")
    assert Settlement.objects.get().is_posted


@pytest.mark.parametrize(
    ("total", "deductions", "out"),
    [
        (482_500, 0, 482_500),
        (482_500, 100_000, 382_500),  # as Paystack's samples: not taken off yet
        (382_500, 100_000, 382_500),  # taken off already
    ],
)
def test_deductions_come_off_once_however_they_are_told(total: int, deductions: int, out: int) -> None:
    assert settlements.paid_out(replace(FACT, total_amount=total, deductions=deductions)) == out


def test_settlement_changed_after_posting_keeps_what_the_books_say_and_is_inconsistent(
    far: FakePaystack,
) -> None:
    far.settlements_made.append(FACT)
    fetch()
    far.settlements_made[0] = replace(FACT, total_amount=582_500, total_processed=600_000)

    (settlement,) = fetch()

    assert (settlement.total_subunits, settlement.processed_subunits) == (482_500, 600_000)
    assert not settlements.is_consistent(settlement)
    assert Transfer.objects.count() == 1


def test_settlement_of_nothing_is_kept_and_not_posted(far: FakePaystack) -> None:
    far.settlements_made.append(replace(FACT, total_amount=0, total_processed=17_500))

    (settlement,) = fetch()

    assert (settlement.is_posted, Transfer.objects.count()) == (False, 0)


def test_books_find_a_posted_settlement_without_its_transfer(far: FakePaystack) -> None:
    far.settlements_made.append(replace(FACT, status="pending"))
    fetch()
    Settlement.objects.update(is_posted=True)

    found = [difference.text for difference in books.verify().differences]

    assert found == ["settlement 3090024: said to be posted, has no transfer"]


def test_books_find_a_settlement_posted_with_another_amount(far: FakePaystack) -> None:
    far.settlements_made.append(FACT)
    fetch()
    Settlement.objects.update(total_subunits=1)

    found = [difference.text for difference in books.verify().differences]

    assert found == ["settlement 3090024: 4825.0000 were posted of 1 subunits"]
