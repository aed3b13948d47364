"""`verify_books` finds what gets past the guards: each test takes a guard out, breaks the books by hand, and is found out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from billing.models import Account, Transfer
from billing.services import books
from billing.services.books_checks import CHECKS
from tests.factories.billing import make_capture, make_hold, make_release, make_wallet

FIGURES = "figures follow from the transfers"
RUNNING = "running figures"
BELOW_ZERO = "nothing below zero"
NO_TOTAL = "system accounts keep no total"
OWNERS = "accounts and owners"
SHAPES = "transfers well formed"
KEYS = "keys used once"
CURRENCY = "one currency per transfer"
HOLDS = "holds resolved rightly"
FORGOTTEN = "no forgotten hold"
SUM = "debits equal credits"
GUARDS = "guards in place"


def run(sql: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@contextmanager
def unguarded() -> Iterator[None]:
    """No trigger, no CHECK, no foreign key, no unique index: what a hand in the database may do. Rolled back with the test."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
            WHERE conrelid IN ('billing_transfer'::regclass, 'billing_account'::regclass)
                AND contype IN ('c', 'f', 'u') AND conname <> 'billing_transfer_id_key'
                AND conname NOT LIKE '%not_null'
            UNION ALL SELECT format('DROP INDEX %I', indexname) FROM pg_indexes
            WHERE indexname IN ('transfer_hold_resolved_once', 'account_system_code_once')
        """)
        statements = [row[0] for row in cursor.fetchall()]
        for table in ("billing_transfer", "billing_account"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)
        yield
        for table in ("billing_transfer", "billing_account"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def found() -> dict[str, list[str]]:
    """The sentences of a report by check."""
    by_check: dict[str, list[str]] = {}
    for difference in books.verify().differences:
        by_check.setdefault(difference.check, []).append(difference.text)
    return by_check


@pytest.fixture
def busy(account: Account) -> Account:
    """A wallet with a bit of everything: credit, capture in part, release, an open hold."""
    make_capture(make_hold(account, "1.00", key="captured hold"), "0.40", key="capture")
    make_release(make_hold(account, key="released hold"), key="release")
    make_hold(account, "2.00", key="open hold")
    account.refresh_from_db()
    return account


def transfer(key: str) -> Transfer:
    return Transfer.objects.get(key=key)


def test_right_books_are_found_right(busy: Account) -> None:
    make_wallet("3.00")

    report = books.verify()

    assert report.is_clean
    assert (report.customers, report.transfers) == (2, 7)
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_empty_books_are_right(db: None) -> None:
    assert books.verify().is_clean


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("debits_pending", "debits_pending is 3.0000, its transfers say 2.0000"),
        ("debits_posted", "debits_posted is 1.4000, its transfers say 0.4000"),
        ("credits_pending", "credits_pending is 1.0000, its transfers say 0"),
        ("credits_posted", "credits_posted is 11.0000, its transfers say 10.0000"),
    ],
)
def test_balance_changed_by_hand_is_found(busy: Account, column: str, text: str) -> None:
    with unguarded():
        run(f"UPDATE billing_account SET {column} = {column} + 1 WHERE id = {busy.pk}")  # noqa: S608

    differences = found()

    assert differences[FIGURES] == [f"account {busy.pk}: {text}"]
    assert (SUM in differences) == column.endswith("posted")


def test_balance_below_zero_is_found(busy: Account) -> None:
    with unguarded():
        run("UPDATE billing_account SET credits_posted = 2 WHERE id = %(id)s", id=busy.pk)

    assert found()[BELOW_ZERO] == [f"account {busy.pk}: the available balance is -0.4000"]


def test_total_on_a_system_account_is_found(busy: Account) -> None:
    with unguarded():
        run("UPDATE billing_account SET credits_posted = 1 WHERE code = 'revenue'")

    (text,) = found()[NO_TOTAL]
    assert text.endswith("(revenue) keeps a running total")


def test_transfer_changed_by_hand_is_found(busy: Account) -> None:
    capture = transfer("capture")
    with unguarded():
        run("UPDATE billing_transfer SET amount = 0.60 WHERE sequence = %(s)s", s=capture.sequence)

    differences = found()

    assert set(differences) == {FIGURES, RUNNING, SUM}
    assert differences[FIGURES] == [f"account {busy.pk}: debits_posted is 0.4000, its transfers say 0.6000"]
    assert differences[RUNNING][0].startswith(
        f"transfer {capture.sequence} of account {busy.pk}: says balance 9.6000"
    )


def test_transfer_taken_out_is_found(busy: Account) -> None:
    with unguarded():
        run("DELETE FROM billing_transfer WHERE key = 'capture'")

    differences = found()

    assert differences[FIGURES] == [
        f"account {busy.pk}: debits_pending is 2.0000, its transfers say 3.0000",
        f"account {busy.pk}: debits_posted is 0.4000, its transfers say 0",
    ]
    assert RUNNING in differences


def test_transfer_slipped_in_is_found(busy: Account) -> None:
    with unguarded():
        run("""
            INSERT INTO billing_transfer (id, debit_account_id, credit_account_id, amount, kind, code, key, reference, memo,
                reason, balance_after, available_after)
            SELECT gen_random_uuid(), debit_account_id, credit_account_id, 5, 'posted', code, 'slipped in', '', '', 'x', 99, 99
            FROM billing_transfer WHERE kind = 'posted' LIMIT 1
        """)

    differences = found()

    assert differences[FIGURES] == [
        f"account {busy.pk}: credits_posted is 10.0000, its transfers say 15.0000"
    ]
    assert "says balance 99.0000 and available 99.0000 after it" in differences[RUNNING][0]


@pytest.mark.parametrize("column", ["balance_after", "available_after"])
def test_running_figure_changed_by_hand_is_found(busy: Account, column: str) -> None:
    with unguarded():
        run(f"UPDATE billing_transfer SET {column} = {column} + 0.0001 WHERE key = 'released hold'")  # noqa: S608

    differences = found()

    assert set(differences) == {RUNNING}
    assert len(differences[RUNNING]) == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("amount = 0", "amount 0.0000 is not positive"),
        ("debit_account_id = 999999", "debit account 999999 does not exist"),
        ("credit_account_id = 999999", "credit account 999999 does not exist"),
        ("credit_account_id = debit_account_id", "both sides are one account"),
        ("kind = 'odd'", "unknown kind odd"),
        ("expires_at = now()", "kind post_pending and expiry do not fit"),
        ("kind = 'posted'", "kind posted and hold do not fit"),
        ("key = ''", "has no key"),
        ("code = 'staff_debit'", "an adjustment without a reason"),
    ],
)
def test_misshapen_transfer_is_found(busy: Account, change: str, problem: str) -> None:
    capture = transfer("capture")
    with unguarded():
        run(f"UPDATE billing_transfer SET {change} WHERE sequence = {capture.sequence}")  # noqa: S608

    assert f"transfer {capture.sequence}: {problem}" in found()[SHAPES]


def test_transfer_between_customers_is_found(busy: Account) -> None:
    other, capture = make_wallet("1.00"), transfer("capture")
    with unguarded():
        run("UPDATE billing_transfer SET credit_account_id = %(o)s WHERE key = 'capture'", o=other.pk)

    assert f"transfer {capture.sequence}: from customer to customer" in found()[SHAPES]


def test_figures_on_a_transfer_of_no_customer_are_found(busy: Account) -> None:
    capture = transfer("capture")
    with unguarded():
        run("""
            UPDATE billing_transfer SET debit_account_id = (SELECT id FROM billing_account WHERE code = 'staff_adjustments')
            WHERE key = 'capture'
        """)

    assert found()[SHAPES] == [
        f"transfer {capture.sequence}: carries figures of no customer",
        f"transfer {capture.sequence}: a hold on a system account",
    ]


def test_key_used_twice_is_found(busy: Account) -> None:
    with unguarded():
        run("UPDATE billing_transfer SET key = 'capture' WHERE key = 'release'")

    assert found() == {KEYS: ["key capture belongs to 2 transfers"]}


def test_mixed_currencies_are_found(busy: Account) -> None:
    with unguarded():
        run("UPDATE billing_account SET currency = 'NGN' WHERE code = 'staff_adjustments'")

    differences = found()

    assert len(differences[CURRENCY]) == 1
    assert differences[CURRENCY][0].endswith("from an account in NGN to one in USD")
    assert len(differences[SUM]) == 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("pending_id = 999999", "its hold 999999 does not exist"),
        ("pending_id = (SELECT sequence FROM billing_transfer WHERE key = 'capture')", "is not a hold"),
        (
            "pending_id = (SELECT sequence FROM billing_transfer WHERE key = 'open hold')",
            "comes before its hold",
        ),
        ("amount = 0.34", "releases 0.3400 of a hold of 0.3500"),
        ("kind = 'post_pending', amount = 0.36", "captures 0.3600 of a hold of 0.3500"),
        (
            "credit_account_id = (SELECT id FROM billing_account WHERE code = 'staff_adjustments')",
            "is between other accounts",
        ),
    ],
)
def test_wrong_resolution_is_found(busy: Account, change: str, problem: str) -> None:
    with unguarded():
        run(f"UPDATE billing_transfer SET {change} WHERE key = 'release'")  # noqa: S608

    assert any(problem in text for text in found()[HOLDS])


def test_hold_resolved_twice_is_found(busy: Account) -> None:
    hold = transfer("captured hold")
    with unguarded():
        run("UPDATE billing_transfer SET pending_id = %(h)s WHERE key = 'release'", h=hold.sequence)

    assert f"hold {hold.sequence} is resolved 2 times" in found()[HOLDS]


def test_hold_forgotten_for_more_than_a_day_is_found(account: Account) -> None:
    make_hold(account, expires_in_s=-23 * 3600)
    assert books.verify().is_clean

    forgotten = make_hold(account, expires_in_s=-25 * 3600)

    (text,) = found()[FORGOTTEN]
    assert text.startswith(f"hold {forgotten.sequence} of account {account.pk}: 0.3500 are held, expired on ")


def test_accounts_with_wrong_owners_are_found(busy: Account) -> None:
    user = busy.user_id or 0
    with unguarded():
        run("UPDATE billing_account SET user_id = %(u)s WHERE code = 'revenue'", u=user)
        run("UPDATE billing_account SET code = 'revenue' WHERE code = 'staff_adjustments'")

    revenue = Account.objects.get(user_id=user, kind="system")
    assert found() == {
        OWNERS: [
            f"account {revenue.pk}: a system account with user {user}",
            f"user {user} has 2 wallets",
            "there are 2 system accounts called revenue in USD",
        ]
    }


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("ALTER TABLE billing_transfer DISABLE TRIGGER billing_transfer_append_only", "disabled"),
        ("DROP TRIGGER billing_transfer_append_only ON billing_transfer", "missing"),
    ],
)
def test_guard_taken_out_is_found(busy: Account, sql: str, word: str) -> None:
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run(sql)

    assert found() == {GUARDS: [f"trigger billing_transfer_append_only is {word}"]}


# --- the command ------------------------------------------------------------------------------------------------------


def verify_books() -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("verify_books", stdout=out, no_color=True)
    except SystemExit as stop:
        return out.getvalue(), int(stop.code or 0)
    return out.getvalue(), 0


def test_command_says_that_the_books_are_right(busy: Account) -> None:
    assert verify_books() == (
        (
            "1 customers, 6 transfers, $10.40 moved; customers own $9.60, $2.00 of it on hold.\n"
            f"The books are right: {len(books.ALL_CHECKS)} checks, no difference.\n"
        ),
        0,
    )


def test_command_names_differences_and_fails(busy: Account) -> None:
    with unguarded():
        run("UPDATE billing_account SET debits_pending = 1 WHERE id = %(id)s", id=busy.pk)

    out, code = verify_books()

    assert code == 1
    assert f"{FIGURES}: account {busy.pk}: debits_pending is 1.0000, its transfers say 2.0000\n" in out
    assert out.endswith("The books do not add up: 1 differences.\n")


def test_command_bounds_the_list(account: Account) -> None:
    for _ in range(25):
        make_hold(account, "0.01", expires_in_s=-90_000)

    out, code = verify_books()

    assert (code, out.count("are held, expired on")) == (1, 20)
    assert f"{FORGOTTEN}: 5 more of these" in out
