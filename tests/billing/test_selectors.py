"""What a customer reads of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import User
from billing import references, selectors
from billing.enums import StatementFilter, TransferCode
from billing.models import Account
from billing.selectors import StatementRow, WalletFigures
from billing.services import ledger
from tests.factories.billing import make_capture, make_customer, make_hold, make_release, make_wallet

CountQueries = Callable[[int], AbstractContextManager[None]]


def adjust(user: User, amount: str) -> None:
    with transaction.atomic():
        ledger.adjust(user=user, amount=Decimal(amount), reason="test", actor=None, key=f"{amount}")


def lines(rows: list[StatementRow]) -> list[tuple[str, str, str, str, str, str]]:
    return [
        (
            row.code,
            str(row.amount),
            str(row.charged),
            row.state,
            str(row.available_after),
            str(row.balance_after),
        )
        for row in rows
    ]


def test_wallet_of_somebody_new_is_empty(db: None, django_assert_num_queries: CountQueries) -> None:
    user = make_customer()

    with django_assert_num_queries(1):
        figures = selectors.wallet(user.pk)

    assert figures == WalletFigures(Decimal(0), Decimal(0), Decimal(0), "USD")
    assert selectors.statement(user.pk).rows == []


def test_wallet_splits_the_balance(
    customer: User, account: Account, django_assert_num_queries: CountQueries
) -> None:
    make_hold(account, "1.25")

    with django_assert_num_queries(1):
        figures = selectors.wallet(customer.pk)

    assert figures == WalletFigures(Decimal("8.75"), Decimal("1.25"), Decimal("10.00"), "USD")


def test_statement_tells_each_effect_on_the_available_money(customer: User, account: Account) -> None:
    captured, released, partly = make_hold(account), make_hold(account), make_hold(account, "1.00")
    make_hold(account, "2.00")
    make_capture(captured)
    make_release(released)
    make_capture(partly, "0.40")
    adjust(customer, "-3.00")

    page = selectors.statement(customer.pk)

    assert lines(page.rows) == [
        ("staff_debit", "-3.0000", "3.0000", "", "4.2500", "6.2500"),
        ("verification_capture", "0.6000", "0.4000", "", "7.2500", "9.2500"),
        ("verification_release", "0.3500", "0.0000", "", "6.6500", "9.6500"),
        ("verification_capture", "0.0000", "0.3500", "", "6.3000", "9.6500"),
        ("verification_hold", "-2.0000", "0.0000", "open", "6.3000", "10.0000"),
        ("verification_hold", "-1.0000", "0.0000", "captured", "8.3000", "10.0000"),
        ("verification_hold", "-0.3500", "0.0000", "released", "9.3000", "10.0000"),
        ("verification_hold", "-0.3500", "0.0000", "captured", "9.6500", "10.0000"),
        ("staff_credit", "10.0000", "0.0000", "", "10.0000", "10.0000"),
    ]
    assert sum(row.amount for row in page.rows) == selectors.wallet(customer.pk).available
    assert [row.hold_state for row in page.rows if row.is_hold] == ["held", "charged", "returned", "charged"]


def test_statement_is_the_customers_own(customer: User, account: Account) -> None:
    make_hold(make_wallet("50.00"))

    assert [row.code for row in selectors.statement(customer.pk).rows] == ["staff_credit"]


def test_statement_pages_both_ways(customer: User, account: Account) -> None:
    for _ in range(9):
        make_hold(account, "0.01")
    everything = [row.sequence for row in selectors.statement(customer.pk, rows=100).rows]

    first = selectors.statement(customer.pk, rows=4)
    second = selectors.statement(customer.pk, rows=4, before=first.older)
    third = selectors.statement(customer.pk, rows=4, before=second.older)
    back = selectors.statement(customer.pk, rows=4, after=third.newer)
    top = selectors.statement(customer.pk, rows=4, after=back.newer)

    assert [row.sequence for page in (first, second, third) for row in page.rows] == everything
    assert (first.newer, third.older) == (None, None)
    assert (back.rows, top.rows) == (second.rows, first.rows)
    assert (back.older, back.newer, top.newer) == (second.older, second.newer, None)


def test_page_newer_than_an_early_row_is_a_full_one(customer: User, account: Account) -> None:
    for _ in range(4):
        make_hold(account, "0.01")
    newest = selectors.statement(customer.pk, rows=3)

    assert selectors.statement(customer.pk, rows=3, after=newest.rows[1].sequence) == newest


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (StatementFilter.MONEY_IN, ["staff_credit"]),
        (StatementFilter.CHARGES, ["staff_debit", "verification_capture"]),
        (StatementFilter.HOLDS, ["verification_release", "verification_hold", "verification_hold"]),
    ],
)
def test_statement_filters(customer: User, account: Account, kind: StatementFilter, codes: list[str]) -> None:
    first, second = make_hold(account), make_hold(account)
    make_capture(first)
    make_release(second)
    adjust(customer, "-1.00")

    assert [row.code for row in selectors.statement(customer.pk, kind=kind).rows] == codes


def test_statement_of_one_code(customer: User, account: Account) -> None:
    make_capture(make_hold(account))

    page = selectors.statement(customer.pk, code=TransferCode.VERIFICATION_CAPTURE)

    assert [row.code for row in page.rows] == ["verification_capture"]


@pytest.mark.parametrize("orders", [1, 3])
def test_statement_takes_three_queries(
    customer: User, account: Account, orders: int, django_assert_num_queries: CountQueries
) -> None:
    for number in range(orders):
        make_capture(make_hold(account, reference=f"verification:{number}"))

    with django_assert_num_queries(3):
        selectors.statement(customer.pk)


def test_whole_statement_comes_in_chunks(
    customer: User, account: Account, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: CountQueries
) -> None:
    monkeypatch.setattr("billing.selectors.rows.CHUNK_ROWS", 2)
    for _ in range(4):
        make_hold(account, "0.01")

    with django_assert_num_queries(8):  # three chunks; the last has a credit only and asks for no hold
        rows = list(selectors.whole_statement(customer.pk))

    assert rows == selectors.statement(customer.pk).rows


def test_statement_links_what_its_app_registered(
    customer: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(references._resolvers, "parcel", lambda identifier: f"/parcels/{identifier}/")
    make_hold(account, reference="parcel:7")

    hold, credit = selectors.statement(customer.pk).rows

    assert (hold.url, credit.url) == ("/parcels/7/", None)


@pytest.mark.parametrize("reference", ["", "unheard:7", "parcel:", "parcel", ":7"])
def test_reference_that_nobody_knows_links_nowhere(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(references._resolvers, "parcel", lambda identifier: f"/parcels/{identifier}/")

    assert references.resolve(reference) is None


def test_references_are_resolved_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setitem(references._resolvers, "parcel", asked.append)

    references.resolve_all(["parcel:1", "parcel:1", "parcel:2"])

    assert sorted(asked) == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "place"), [("12", 12), ("", None), ("-1", None), ("x", None), ("٣", None), ("9" * 19, None)]
)
def test_place_in_an_address(text: str, place: int | None) -> None:
    assert selectors.place(text) == place
