"""Money under fire on real PostgreSQL. Each race has a twin with its guard taken out, which must break the books.

The guards come in two layers: the ledger's row lock with its conditional statement, and the database's own constraints. The
twins take both away, since either alone still saves the money; where that is so, a test in between says it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing import locks
from billing.enums import SystemCode, TransferKind
from billing.exceptions import HoldAlreadyResolved, InsufficientFunds, KeyReused
from billing.models import Account, Transfer
from billing.selectors import wallet
from billing.services import books, ledger, movement, sweeps
from tests.concurrency.racing import of, overlap, race, without
from tests.factories.billing import make_capture, make_customer, make_hold, make_release, make_wallet

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = Decimal("0.35")
BOTH_CHECKS = ("account_customer_not_overdrawn", "account_figures_not_negative", "transfer_figures_after")


@pytest.fixture(autouse=True)
def _revenue_is_open(transactional_db: None) -> None:
    """Else the very first hold opens it, and the others wait for that instead of for each other."""
    ledger.system_account(SystemCode.REVENUE)


def without_row_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger reads the account instead of locking it."""
    monkeypatch.setattr(locks, "LOCK_ACCOUNT", locks.LOCK_ACCOUNT.replace("FOR NO KEY UPDATE", ""))
    monkeypatch.setattr(locks, "LOCK_HOLD", locks.LOCK_HOLD.replace("FOR NO KEY UPDATE OF a", ""))


def figures(account: Account) -> tuple[Decimal, Decimal]:
    """Available and held."""
    now = wallet(account.user_id or 0)
    return now.available, now.held


# --- the last cent ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_wallet_of_ten_prices_gives_ten_holds_to_two_hundred() -> None:
    account = make_wallet(PRICE * 10)

    results = race(200, lambda _: make_hold(account, PRICE))

    assert (len(of(Transfer, results)), len(of(InsufficientFunds, results))) == (10, 190)
    assert figures(account) == (Decimal(0), PRICE * 10)
    assert books.verify().differences == []


def naive_make(gate: Callable[[], object]) -> Callable[..., Transfer]:
    """Check in Python, then update: right when alone."""

    def make(move: movement.Movement, *, currency: str) -> Transfer:
        account = Account.objects.get(pk=move.customer or 0)
        if account.available < move.amount:
            raise InsufficientFunds(available=account.available, amount=move.amount, currency=currency)
        gate()
        account.refresh_from_db()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE billing_account SET debits_pending = debits_pending + %s WHERE id = %s",
                [move.amount, account.pk],
            )
        return Transfer.objects.create(
            debit_account=account, credit_account_id=move.credit, amount=move.amount, kind=move.kind, code=move.code,
            key=move.key, expires_at=move.expires_at, balance_after=account.balance, available_after=account.available,
        )  # fmt: skip

    return make


def test_twin_checking_before_updating_overdraws_the_wallet(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_wallet(PRICE)
    without_row_lock(monkeypatch)
    gate = threading.Barrier(4)
    monkeypatch.setattr(movement, "make", naive_make(lambda: gate.wait(10)))

    with without(*BOTH_CHECKS):
        results = race(4, lambda _: make_hold(account, PRICE))

        assert len(of(Transfer, results)) == 4
        assert figures(account) == (-3 * PRICE, 4 * PRICE)
        assert "nothing below zero" in books.verify().found


def test_check_alone_still_saves_the_wallet_from_naive_code(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_wallet(PRICE)
    without_row_lock(monkeypatch)
    gate = threading.Barrier(4)
    monkeypatch.setattr(movement, "make", naive_make(lambda: gate.wait(10)))

    results = race(4, lambda _: make_hold(account, PRICE))

    assert (len(of(Transfer, results)), len(of(IntegrityError, results))) == (1, 3)
    assert figures(account) == (Decimal(0), PRICE)


# --- one hold, one resolution -----------------------------------------------------------------------------------------

RESOLVING = [
    pytest.param(make_capture, make_capture, id="double capture"),
    pytest.param(make_release, make_release, id="double release"),
    pytest.param(make_capture, make_release, id="capture, then release"),
    pytest.param(make_release, make_capture, id="release, then capture"),
]
Resolve = Callable[[Transfer], Transfer]


@pytest.mark.parametrize(("first", "second"), RESOLVING)
def test_hold_is_resolved_once_however_two_meet(first: Resolve, second: Resolve) -> None:
    account = make_wallet("10.00")
    hold = make_hold(account)
    make_hold(account, "1.00")

    won, lost = overlap(lambda: first(hold), lambda: second(hold))

    resolution = Transfer.objects.get(pending=hold)
    assert won == resolution
    if first is second:
        assert lost == resolution
    else:
        assert isinstance(lost, HoldAlreadyResolved)
    charged = PRICE if first is make_capture else Decimal(0)
    assert figures(account) == (9 - charged, Decimal(1))
    assert books.verify().differences == []


@pytest.mark.parametrize(("first", "second"), RESOLVING)
def test_twin_without_lock_and_index_resolves_twice(
    first: Resolve, second: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_wallet("10.00")
    hold = make_hold(account)
    make_hold(account, "1.00")
    without_row_lock(monkeypatch)

    with without("transfer_hold_resolved_once"):
        results = overlap(lambda: first(hold), lambda: second(hold))

        assert len(of(Transfer, results)) == 2
        assert Transfer.objects.filter(pending=hold).count() == 2
        assert figures(account)[1] == Decimal("0.65")  # a third of the other hold is gone
        assert "holds resolved rightly" in books.verify().found


@pytest.mark.parametrize(("first", "second"), RESOLVING)
def test_index_alone_still_resolves_once(
    first: Resolve, second: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_wallet("10.00")
    hold = make_hold(account)
    make_hold(account, "1.00")
    without_row_lock(monkeypatch)

    results = overlap(lambda: first(hold), lambda: second(hold))

    assert (len(of(Transfer, results)), len(of(IntegrityError, results))) == (1, 1)
    assert books.verify().differences == []


@pytest.mark.parametrize("mixed", [False, True])
def test_hold_is_resolved_once_by_a_crowd(mixed: bool) -> None:
    account = make_wallet("10.00")
    hold = make_hold(account)

    results = race(32, lambda index: (make_release if mixed and index % 2 else make_capture)(hold))

    resolution = Transfer.objects.get(pending=hold)
    assert {result.pk for result in of(Transfer, results)} == {resolution.pk}
    assert len(of(Transfer, results)) + len(of(HoldAlreadyResolved, results)) == 32
    assert books.verify().differences == []


# --- one key, one transfer --------------------------------------------------------------------------------------------


def test_key_used_twice_at_once_is_one_hold() -> None:
    account = make_wallet("10.00")

    first, second = overlap(lambda: make_hold(account, key="order"), lambda: make_hold(account, key="order"))

    assert first == second == Transfer.objects.get(key="order")
    assert figures(account) == (Decimal("9.65"), PRICE)


def test_key_used_by_a_crowd_is_one_hold() -> None:
    account = make_wallet("10.00")

    results = race(32, lambda _: make_hold(account, key="order"))

    assert {result.pk for result in of(Transfer, results)} == {Transfer.objects.get(key="order").pk}
    assert len(of(Transfer, results)) == 32
    assert figures(account) == (Decimal("9.65"), PRICE)


def test_twin_without_lock_and_unique_key_holds_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_wallet("10.00")
    without_row_lock(monkeypatch)

    with without("transfer_key_once"):
        overlap(lambda: make_hold(account, key="order"), lambda: make_hold(account, key="order"))

        assert Transfer.objects.filter(key="order").count() == 2
        assert figures(account) == (Decimal("9.30"), PRICE * 2)
        assert "keys used once" in books.verify().found


def test_twin_on_conflict_do_nothing_without_lock_moves_money_without_a_transfer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Why the statement has no ON CONFLICT: the UPDATE waited, could not see the other transfer, and had moved already."""
    account = make_wallet("10.00")
    without_row_lock(monkeypatch)
    tempting = movement.MOVE.replace("RETURNING *", "ON CONFLICT (key) DO NOTHING RETURNING *")
    monkeypatch.setattr(movement, "MOVE", tempting)

    overlap(lambda: make_hold(account, key="order"), lambda: make_hold(account, key="order"))

    assert Transfer.objects.filter(key="order").count() == 1
    assert figures(account) == (Decimal("9.30"), PRICE * 2)
    assert "figures follow from the transfers" in books.verify().found


def test_first_caller_rolling_back_leaves_the_key_to_the_second() -> None:
    account = make_wallet("10.00")

    def hold_and_fail() -> None:
        make_hold(account, key="order")
        transaction.set_rollback(True)

    _, second = overlap(hold_and_fail, lambda: make_hold(account, key="order"))

    assert second == Transfer.objects.get(key="order")
    assert figures(account) == (Decimal("9.65"), PRICE)


def test_key_used_at_once_by_two_customers_serves_one() -> None:
    mine, theirs = make_wallet("10.00"), make_wallet("10.00")

    first, second = overlap(lambda: make_hold(mine, key="order"), lambda: make_hold(theirs, key="order"))

    assert isinstance(first, Transfer)
    assert isinstance(second, KeyReused)
    assert figures(theirs) == (Decimal(10), Decimal(0))
    assert books.verify().differences == []


# --- opening, sweeping, verifying -------------------------------------------------------------------------------------


def test_accounts_opened_by_a_crowd_are_one_each() -> None:
    user = make_customer()

    wallets = race(16, lambda _: ledger.customer_account(user.pk))
    payables = race(16, lambda _: ledger.system_account(SystemCode.PROVIDER_PAYABLE))

    assert {account.pk for account in of(Account, wallets)} == {Account.objects.get(user=user).pk}
    assert {account.pk for account in of(Account, payables)} == {
        Account.objects.get(code="provider_payable").pk
    }
    assert len(of(Account, wallets)) == len(of(Account, payables)) == 16


def test_sweeps_at_once_release_each_hold_once() -> None:
    account = make_wallet("10.00")
    for _ in range(10):
        make_hold(account, expires_in_s=-1)

    race(4, lambda _: sweeps.release_expired_holds(now=timezone.now()))

    assert Transfer.objects.filter(kind=TransferKind.VOID_PENDING).count() == 10
    assert figures(account) == (Decimal(10), Decimal(0))


def test_money_does_not_move_outside_a_transaction() -> None:
    account = make_wallet("10.00")
    hold = make_hold(account)

    moves: list[Callable[[], Transfer]] = [
        lambda: ledger.release(hold_id=hold.id, key="k"),
        lambda: ledger.capture(hold_id=hold.id, key="k"),
        lambda: ledger.adjust(user=make_customer(), amount=PRICE, reason="r", actor=None, key="k"),
    ]
    for move in moves:
        with pytest.raises(transaction.TransactionManagementError, match=r"caller's transaction.atomic"):
            move()


def test_books_are_right_at_every_moment_of_a_busy_day() -> None:
    accounts = [make_wallet("5.00") for _ in range(3)]
    is_over = threading.Event()

    def act(index: int) -> object:
        if index:
            account = accounts[index % 3]
            for turn in range(20):
                (make_capture if turn % 2 else make_release)(make_hold(account, "0.05"))
            return None
        reports: list[books.BooksReport] = []
        while not is_over.is_set() and len(reports) < 30:
            reports.append(books.verify())
        return [report.differences for report in reports if not report.is_clean]

    results = race(7, act)
    is_over.set()

    assert results == [[]] + [None] * 6
