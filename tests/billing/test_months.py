"""Months of an account: where they are cut, and that their figures follow from each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal

import pytest
import time_machine
from django.db import transaction

from billing.models import Account, Transfer
from billing.selectors import months
from billing.selectors.months import Month
from billing.services import ledger
from tests.factories.billing import make_capture, make_customer, make_hold, make_release, make_wallet
from tests.factories.papers import date_back

pytestmark = pytest.mark.django_db
CountQueries = Callable[[int], AbstractContextManager[None]]
MARCH = dt.date(2026, 3, 1)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel("2026-05-10T12:00:00Z"):
        yield


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-{text}").replace(tzinfo=dt.UTC)


def paid(account: Account, amount: str, when: str) -> Transfer:
    assert account.user is not None
    with transaction.atomic():
        transfer = ledger.adjust(
            user=account.user, amount=Decimal(amount), reason="test", actor=None, key=f"{when}{amount}"
        )
    date_back(transfer, at(when))
    return transfer


@pytest.fixture
def account() -> Account:
    """Paid in January and March, spent in March, nothing in February, a hold in April that is still open."""
    account = make_wallet("0")
    paid(account, "10.00", "01-20 08:00")
    paid(account, "5.00", "03-01 00:00")
    hold = make_hold(account, "2.00")
    capture = make_capture(hold)
    lost = make_hold(account, "1.00")
    back = make_release(lost)
    for minute, transfer in enumerate((hold, capture, lost, back)):
        date_back(transfer, at(f"03-31 23:5{minute}"))
    date_back(make_hold(account, "0.75"), at("04-01 00:00"))
    return account


def figures(month: Month) -> list[Decimal]:
    mine = [month.opening.balance, month.opening.held, month.closing.balance, month.closing.held]
    return [figure.normalize() for figure in mine]


def test_only_months_with_movements_are_listed_newest_first(account: Account) -> None:
    found = months.months(account.user_id or 0)

    assert [month.name for month in found] == ["2026-04", "2026-03", "2026-01"]
    assert [month.is_over for month in found] == [True, True, True]
    assert found[0].currency == "USD"


def test_figures_of_each_month_follow_from_the_one_before(account: Account) -> None:
    april, march, january = months.months(account.user_id or 0)

    assert figures(january) == [0, 0, 10, 0]
    assert figures(march) == [10, 0, 13, 0]
    assert figures(april) == [13, 0, 13, Decimal("0.75")]


def test_one_month_is_the_same_as_in_the_list(account: Account) -> None:
    listed = {month.day: month for month in months.months(account.user_id or 0)}

    assert months.month(account.user_id or 0, MARCH) == listed[MARCH]
    assert months.month(account.user_id or 0, dt.date(2026, 2, 1)) is None
    assert months.month(account.user_id or 0, dt.date(2025, 12, 1)) is None
    assert months.month(account.user_id or 0, dt.date(2026, 5, 1)) is None


def test_rows_are_what_moved_the_balance_oldest_first(account: Account) -> None:
    march = months.month(account.user_id or 0, MARCH)
    assert march is not None

    rows = list(months.rows(march))

    assert [(row.what, row.amount, row.balance_after) for row in rows] == [
        ("Credit from support", Decimal(5), Decimal(15)),
        ("Charged for a code", Decimal(-2), Decimal(13)),
    ]


def test_opening_balance_and_totals_make_the_closing_balance(account: Account) -> None:
    for month in months.months(account.user_id or 0):
        totals = months.totals(month)

        assert month.opening.balance + sum(total.amount for total in totals) == month.closing.balance
        assert sum(total.count for total in totals) == len(list(months.rows(month)))


def test_totals_are_by_kind(account: Account) -> None:
    march = months.month(account.user_id or 0, MARCH)
    assert march is not None

    assert [(total.code, total.count, total.amount) for total in months.totals(march)] == [
        ("verification_capture", 1, Decimal(-2)),
        ("staff_credit", 1, Decimal(5)),
    ]


def test_movements_that_overtook_each_other_at_midnight_are_in_one_month_each(account: Account) -> None:
    """The later in the sequence began earlier: its transaction waited for the other's."""
    first = paid(account, "1.00", "04-30 23:59:59")
    second = paid(account, "2.00", "05-01 00:00:01")
    third = paid(account, "3.00", "04-30 23:59:58")

    april, may = (months.month(account.user_id or 0, dt.date(2026, number, 1)) for number in (4, 5))

    assert april is not None
    assert [row.sequence for row in months.rows(april)] == [first.pk, second.pk, third.pk]
    assert april.closing.balance == 19
    assert may is None


def test_months_of_others_do_not_matter(account: Account) -> None:
    before = months.months(account.user_id or 0)
    other = make_wallet("0")
    paid(other, "7.00", "02-10 00:00")

    assert months.months(account.user_id or 0) == before
    assert [month.name for month in months.months(other.user_id or 0)] == ["2026-02"]


def test_somebody_new_has_no_months() -> None:
    user = make_customer()

    assert months.months(user.pk) == []
    assert months.month(user.pk, MARCH) is None


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow(account: Account, count: int, django_assert_num_queries: CountQueries) -> None:
    for number in range(count):
        paid(account, "1.00", f"05-0{number + 1} 00:00")

    with django_assert_num_queries(3):  # account, first transfer, all marks
        found = months.months(account.user_id or 0)
    with django_assert_num_queries(2):
        months.month(account.user_id or 0, MARCH)
    with django_assert_num_queries(1):
        list(months.rows(found[0]))
    with django_assert_num_queries(1):
        months.totals(found[0])


@pytest.mark.parametrize("limit", [None, 1, 3, 4, 5, 9])
def test_rows_come_in_chunks_and_up_to_a_limit(
    account: Account, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    monkeypatch.setattr(months, "CHUNK_ROWS", 2)
    made = [paid(account, "1.00", f"05-0{number} 00:00").pk for number in range(1, 6)]
    may = months.month(account.user_id or 0, dt.date(2026, 5, 1))
    assert may is not None

    assert [row.sequence for row in months.rows(may, limit=limit)] == made[:limit]
    assert not may.is_over
