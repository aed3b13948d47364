"""Payments under fire on real PostgreSQL. Each race has a twin with its guard taken out, which must go wrong.

Exactly once stands on several walls, each of which saves the money alone. So a twin takes all of them away, and tests in
between show what one of them is worth.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Event, OutgoingEmail, User
from billing import locks
from billing.enums import DepositStatus
from billing.exceptions import DailyTopUpLimit, ReviewDecided
from billing.models import Deposit, Receipt, Transfer
from billing.paystack.base import Authorization
from billing.selectors import wallet
from billing.services import (
    acceptance,
    books,
    deposit_intents,
    deposit_limits,
    deposit_looks,
    deposit_sweeps,
    deposits,
    movement,
    reviews,
    settling,
)
from tests.concurrency.racing import both, meet_after, race, without
from tests.factories.accounts import StaffFactory
from tests.factories.billing import make_customer
from tests.factories.payments import (
    make_credited_deposit,
    make_deposit,
    make_rate,
    make_suspended_deposit,
    make_transaction,
)
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db(transaction=True)
CREDIT = Decimal("3.3333")


def errors(results: list[object]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]


def without_deposit_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of deposits becomes a plain read."""
    monkeypatch.setattr(locks, "lock_deposit", lambda deposit_id: Deposit.objects.get(pk=deposit_id))


def without_account_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wallet is read instead of locked."""
    monkeypatch.setattr(locks, "LOCK_ACCOUNT", locks.LOCK_ACCOUNT.replace("FOR NO KEY UPDATE", ""))


def without_key_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger's statements no longer look whether their key was used."""
    used = "AND NOT EXISTS (SELECT FROM billing_transfer WHERE key = %(key)s)"
    assert used in movement.MOVE
    monkeypatch.setattr(movement, "MOVE", movement.MOVE.replace(used, ""))
    monkeypatch.setattr(movement, "RECORD", movement.RECORD.replace("ON CONFLICT (key) DO NOTHING", ""))


def unique_id_index() -> str:
    """The unique constraint on Paystack's id, whose name Django makes up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'billing_deposit'::regclass AND contype = 'u'"
            " AND pg_get_constraintdef(oid) = 'UNIQUE (paystack_id)'"
        )
        return str(cursor.fetchone()[0])


def available(deposit: Deposit) -> Decimal:
    return wallet(deposit.user_id or 0).available


def credits_of(deposit: Deposit) -> int:
    return Transfer.objects.filter(code="deposit", reference=f"deposit:{deposit.pk}").count()


# --- one payment, one credit ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_storm_of_triggers_credits_once(far: FakePaystack) -> None:
    """Webhooks, return pages, sweeps, staff and the answer of a charge, all about one paid reference, on 16 connections."""
    deposit = make_deposit(far=far)
    paid = far.pay(deposit.reference)
    acts: list[Callable[[], object]] = [
        lambda: settling.settle(deposit.pk),
        lambda: settling.settle(deposit.pk, force=True),
        lambda: settling.apply(deposit.pk, paid),
        lambda: settling.receive(paid),
        lambda: deposit_sweeps.sweep(at_once=1),
    ]

    results = race(200, lambda index: acts[index % len(acts)]())

    assert errors(results) == []
    assert (available(deposit), credits_of(deposit)) == (CREDIT, 1)
    assert Receipt.objects.filter(deposit=deposit).count() == 1
    assert Event.objects.filter(user=deposit.user_id or 0).count() == 1
    assert OutgoingEmail.objects.filter(user=deposit.user_id or 0).count() == 1
    assert books.verify().differences == []


def test_storm_of_webhooks_asks_paystack_once(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    deposit = make_deposit(far=far)
    paid, asked = far.pay(deposit.reference), threading.Event()

    def slow_verify(reference: str) -> Any:
        far.calls.append(("verify", reference))
        asked.wait(1)  # as long as an answer takes: all the others come meanwhile
        return paid

    monkeypatch.setattr(far, "verify", slow_verify)

    results = race(64, lambda _: settling.settle(deposit.pk))

    assert errors(results) == []
    assert far.count("verify") == 1
    assert (available(deposit), credits_of(deposit)) == (CREDIT, 1)


def test_twin_without_the_lease_asks_each_time(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)
    monkeypatch.setattr(deposit_looks, "claim", lambda *_, **__: True)

    race(16, lambda _: settling.settle(deposit.pk))

    assert far.count("verify") == 16
    assert credits_of(deposit) == 1


def test_two_at_once_credit_once(monkeypatch: pytest.MonkeyPatch) -> None:
    make_credited_deposit()  # opens our own accounts
    deposit = make_deposit()
    paid = make_transaction(deposit)
    meet_after(monkeypatch, acceptance, "why_not")

    results = both(*[lambda: settling.apply(deposit.pk, paid)] * 2)

    assert errors(results) == []
    assert (available(deposit), credits_of(deposit)) == (CREDIT, 1)
    assert books.verify().differences == []


def test_twin_without_lock_and_unique_key_credits_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    make_credited_deposit()
    deposit = make_deposit()
    paid = make_transaction(deposit, authorization=Authorization())
    without_deposit_lock(monkeypatch)
    without_account_lock(monkeypatch)
    without_key_checks(monkeypatch)
    meet_after(monkeypatch, acceptance, "why_not")

    with without("transfer_key_once"):
        both(*[lambda: settling.apply(deposit.pk, paid)] * 2)

        assert (available(deposit), credits_of(deposit)) == (CREDIT * 2, 2)
        assert {"deposits credited rightly", "keys used once"} <= set(books.verify().found)


def test_unique_key_alone_still_credits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    make_credited_deposit()
    deposit = make_deposit()
    paid = make_transaction(deposit, authorization=Authorization())
    without_deposit_lock(monkeypatch)
    meet_after(monkeypatch, acceptance, "why_not")

    both(*[lambda: settling.apply(deposit.pk, paid)] * 2)

    assert (available(deposit), credits_of(deposit)) == (CREDIT, 1)
    assert books.verify().differences == []


# --- one transaction of Paystack's, one deposit -----------------------------------------------------------------------


def two_with_one_id() -> tuple[Deposit, Deposit, list[Callable[[], object]]]:
    make_credited_deposit()
    first, second = make_deposit(), make_deposit()
    acts = [
        lambda deposit=deposit: settling.apply(
            deposit.pk, make_transaction(deposit, id=77, authorization=Authorization())
        )
        for deposit in (first, second)
    ]
    return first, second, acts  # type: ignore[return-value]


def test_one_transaction_for_two_deposits_at_once_credits_one(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, acts = two_with_one_id()
    meet_after(monkeypatch, acceptance, "why_not")

    results = both(*acts)

    assert errors(results) == []
    assert sorted(Deposit.objects.filter(pk__in=[first.pk, second.pk]).values_list("status", flat=True)) == [
        DepositStatus.NEEDS_REVIEW,
        DepositStatus.SUCCEEDED,
    ]
    assert available(first) + available(second) == CREDIT
    assert books.verify().differences == []


def test_twin_without_the_unique_id_credits_both(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, acts = two_with_one_id()
    meet_after(monkeypatch, acceptance, "why_not")

    with without(unique_id_index()):
        both(*acts)

        assert available(first) + available(second) == CREDIT * 2


def test_uninvited_payment_told_twice_at_once_is_one_row(far: FakePaystack) -> None:
    paid = far.pay_uninvited("T1", 800_000)

    results = race(16, lambda _: settling.receive(paid))

    assert errors(results) == []
    assert Deposit.objects.get().status == DepositStatus.NEEDS_REVIEW
    assert Transfer.objects.filter(code="suspense_in").count() == 1
    assert books.verify().differences == []


def test_reversal_told_at_once_is_taken_back_once(far: FakePaystack) -> None:
    deposit = make_credited_deposit(far=far)
    make_credited_deposit(deposit.user)
    gone = far.pay(deposit.reference, "reversed")

    results = race(16, lambda _: settling.apply(deposit.pk, gone))

    assert errors(results) == []
    assert available(deposit) == CREDIT
    assert books.verify().differences == []


# --- one form, one deposit --------------------------------------------------------------------------------------------


def test_form_sent_by_a_crowd_is_one_deposit(far: FakePaystack) -> None:
    make_rate()
    user, form_key = make_customer(), uuid.uuid4()

    results = race(16, lambda _: deposits.start(user=user, amount_subunits=500_000, form_key=form_key).pk)

    assert set(results) == {Deposit.objects.get().pk}
    assert far.count("initialize") == 1


def double_submit(user: User, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    form_key = uuid.uuid4()
    meet_after(monkeypatch, deposit_limits, "check")
    return both(*[lambda: deposits.start(user=user, amount_subunits=500_000, form_key=form_key).pk] * 2)


def test_form_sent_twice_in_the_worst_moment_is_one_deposit(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate()

    results = double_submit(make_customer(), monkeypatch)

    assert set(results) == {Deposit.objects.get().pk}


def test_twin_without_lock_and_unique_form_begins_twice(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate()
    user = make_customer()
    without_account_lock(monkeypatch)

    with without("deposit_form_once"):
        double_submit(user, monkeypatch)

        assert Deposit.objects.count() == 2


def test_unique_form_alone_still_begins_once(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    make_rate()
    without_account_lock(monkeypatch)

    results = double_submit(make_customer(), monkeypatch)

    assert Deposit.objects.count() == 1
    assert [type(error) for error in errors(results)] == [IntegrityError]


# --- limits -----------------------------------------------------------------------------------------------------------


def two_that_are_too_much(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    settings.TOP_UP_DAILY_MAX = "9000"  # each has room alone
    make_rate()
    user = make_customer()
    meet_after(monkeypatch, deposit_limits, "usage")
    return both(*[lambda: deposits.start(user=user, amount_subunits=500_000, form_key=None)] * 2)


def test_two_starts_at_once_stay_within_the_day(
    far: FakePaystack, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = two_that_are_too_much(settings, monkeypatch)

    assert [type(error) for error in errors(results)] == [DailyTopUpLimit]
    assert Deposit.objects.count() == 1


def test_twin_without_the_wallets_lock_exceeds_the_day(
    far: FakePaystack, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_account_lock(monkeypatch)

    results = two_that_are_too_much(settings, monkeypatch)

    assert errors(results) == []
    assert Deposit.objects.count() == 2


def one_card_of_two(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    make_credited_deposit()
    settings.USERS_PER_CARD = 1
    card = Authorization(signature="SIG_same", channel="card", last4="4081")
    made = [make_deposit(), make_deposit()]
    meet_after(monkeypatch, acceptance, "why_not")
    both(
        *[
            lambda deposit=deposit: settling.apply(deposit.pk, make_transaction(deposit, authorization=card))
            for deposit in made
        ]
    )
    rows = Deposit.objects.filter(pk__in=[deposit.pk for deposit in made])
    return sorted(rows.values_list("status", flat=True))


def test_card_used_by_two_at_once_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_card_of_two(settings, monkeypatch) == [DepositStatus.NEEDS_REVIEW, DepositStatus.SUCCEEDED]


def test_twin_without_the_cards_lock_does_not_notice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "lock_card", lambda _: None)

    assert one_card_of_two(settings, monkeypatch) == [DepositStatus.SUCCEEDED] * 2


# --- staff, sweeps, calls ---------------------------------------------------------------------------------------------


def test_money_under_review_is_credited_or_sent_back(far: FakePaystack) -> None:
    deposit, staff = make_suspended_deposit(far=far), StaffFactory.create()
    decisions = (reviews.credit, reviews.send_back)

    results = race(16, lambda index: decisions[index % 2](deposit_id=deposit.pk, actor=staff, reason="test"))

    assert {type(error) for error in errors(results)} == {ReviewDecided}
    assert len(errors(results)) == 15
    assert books.verify().differences == []


def test_twin_without_the_deposits_lock_does_both(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    deposit, staff = make_suspended_deposit(far=far), StaffFactory.create()
    mine, has_checked = threading.local(), threading.Event()

    def read(deposit_id: uuid.UUID) -> Deposit:
        """The credit goes on once the other has read for the last time, which is its second."""
        row = Deposit.objects.get(pk=deposit_id)
        mine.reads = getattr(mine, "reads", 0) + 1
        if mine.reads == 2:
            has_checked.set()
        if mine.is_credit:
            has_checked.wait(5)
        return row

    def decide(is_credit: bool) -> object:
        mine.is_credit = is_credit
        act = reviews.credit if is_credit else reviews.send_back
        return act(deposit_id=deposit.pk, actor=staff, reason="test")

    monkeypatch.setattr(locks, "lock_deposit", read)

    both(lambda: decide(True), lambda: decide(False))

    deposit.refresh_from_db()
    assert deposit.credited_at is not None
    assert deposit.refunds.count() == 1


def test_sweeps_at_once_ask_about_each_once(far: FakePaystack) -> None:
    for _ in range(12):
        far.pay(make_deposit(far=far).reference)

    results = race(4, lambda _: deposit_sweeps.sweep(at_once=3))

    assert errors(results) == []
    assert far.count("verify") == 12
    assert set(Deposit.objects.values_list("status", flat=True)) == {DepositStatus.SUCCEEDED}
    assert books.verify().differences == []


def test_paystack_is_called_outside_any_transaction_about_committed_rows(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate()
    seen: list[tuple[str, bool, bool]] = []
    for name in ("initialize", "verify"):
        real = getattr(far, name)

        def look(*args: Any, real: Any = real, name: str = name, **told: Any) -> Any:
            reference = told.get("reference") or args[0]
            committed = race(1, lambda _: Deposit.objects.filter(reference=reference).exists())
            seen.append((name, connection.in_atomic_block, committed == [True]))
            return real(*args, **told)

        monkeypatch.setattr(far, name, look)
    far.fail_after("initialize")

    deposit = deposits.start(user=make_customer(), amount_subunits=500_000, form_key=None)
    settling.settle(deposit.pk)

    assert seen == [
        ("initialize", False, True),
        ("verify", False, True),
        ("initialize", False, True),
        ("verify", False, True),
    ]


def test_address_that_comes_after_a_sweep_gave_up_is_kept(far: FakePaystack) -> None:
    """The call took so long that the sweep retired the row; the customer can pay all the same."""
    make_rate()
    intent = deposit_intents.write(user=make_customer(), amount_subunits=500_000)
    Deposit.objects.filter(pk=intent.deposit.pk).update(
        status=DepositStatus.ABANDONED, closed_at=timezone.now()
    )

    deposit = deposits._open(intent.deposit)

    assert (deposit.status, deposit.closed_at) == (DepositStatus.PENDING, None)


def test_payment_while_its_checkout_is_being_retired_is_credited(far: FakePaystack) -> None:
    make_rate()
    intent = deposit_intents.write(user=make_customer(), amount_subunits=500_000)
    far.fail_after("initialize")
    real = far.verify

    def paid_meanwhile(reference: str) -> Any:
        far.pay(reference)
        return real(reference)

    far.verify = paid_meanwhile  # type: ignore[method-assign]

    deposit = deposits._open(intent.deposit)

    assert (deposit.status, available(deposit)) == (DepositStatus.SUCCEEDED, CREDIT)
