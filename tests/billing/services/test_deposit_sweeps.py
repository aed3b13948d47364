"""Without any webhook: the schedule of looks, and days that pass."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from billing.enums import DepositStatus
from billing.exceptions import TopUpUnanswered
from billing.models import Deposit, Transfer
from billing.paystack import client
from billing.paystack.errors import NotReached, OutcomeUnknown, Paused
from billing.selectors import wallet
from billing.services import books, deposit_looks, deposit_outcomes, deposit_sweeps, deposits, settling
from billing.tasks import settle_deposit, settle_deposits
from tests.factories.billing import make_customer
from tests.factories.payments import make_deposit, make_rate
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
Clock = Any  # time-machine ships no name for its traveller
START = dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)
HOUR = 3600


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(START, tick=False) as travelling:
        yield travelling


def run(clock: Clock, *, hours: float, every_s: int = 60) -> None:
    """Let time pass, with a sweep every now and then."""
    for _ in range(int(hours * HOUR / every_s)):
        clock.shift(every_s)
        while deposit_sweeps.sweep(at_once=1):
            pass


def test_looks_follow_the_schedule(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, _: low)
    deposit = make_deposit(created_at=timezone.now())
    looks: list[float] = []
    now = timezone.now()

    while (look := deposit_looks.next_look(deposit, now)) is not None:
        looks.append((look - deposit.created_at).total_seconds())
        now = look

    assert looks[:6] == [120, 300, 600, 1200, 2400, HOUR]
    assert looks[5:29] == [HOUR * hour for hour in range(1, 25)]
    assert looks[29:] == [HOUR * hour for hour in range(30, 169, 6)]


def test_jitter_never_looks_early_and_never_misses_the_week(clock: Clock) -> None:
    deposit = make_deposit(created_at=timezone.now())
    now = timezone.now()

    looks = 0
    while (look := deposit_looks.next_look(deposit, now)) is not None:
        assert look > now
        now, looks = look, looks + 1

    assert looks == 53
    assert dt.timedelta(days=7) <= now - START <= dt.timedelta(days=7, minutes=5)


def test_failed_deposit_is_watched_for_a_day(far: FakePaystack, clock: Clock) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, "failed")
    run(clock, hours=1)

    run(clock, hours=26, every_s=600)

    deposit.refresh_from_db()
    assert (deposit.status, deposit.next_look_at) == (DepositStatus.FAILED, None)


def test_everything_is_credited_in_72_hours_without_any_webhook(far: FakePaystack, clock: Clock) -> None:
    """Customers pay at all times after their checkout; nobody tells us, and every seventh question is lost."""
    made = [make_deposit(far=far, created_at=timezone.now()) for _ in range(24)]
    waiting = dict(enumerate(made))
    questions = iter(range(10**9))
    real = far.verify

    def verify(reference: str) -> Any:
        if next(questions) % 7 == 0:
            raise OutcomeUnknown
        return real(reference)

    far.verify = verify  # type: ignore[method-assign]

    for hour in range(72):
        for number in [number for number in waiting if number * 2 <= hour]:
            far.pay(waiting.pop(number).reference)
        run(clock, hours=1, every_s=300)
    run(clock, hours=7, every_s=600)  # the last ones are looked at four times a day by now

    assert set(Deposit.objects.values_list("status", flat=True)) == {DepositStatus.SUCCEEDED}
    assert all(wallet(deposit.user_id or 0).available == Decimal("3.3333") for deposit in made)
    assert books.verify().differences == []


@pytest.mark.parametrize("day", [2, 4, 6.9])
def test_late_payment_of_an_abandoned_checkout_is_credited_within_the_week(
    far: FakePaystack, clock: Clock, day: float
) -> None:
    deposit = make_deposit(far=far, created_at=timezone.now())
    run(clock, hours=day * 24, every_s=1800)
    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.ABANDONED
    far.pay(deposit.reference)

    run(clock, hours=6.5, every_s=1800)

    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.SUCCEEDED


@pytest.mark.parametrize("word", ["abandoned", "ongoing", "pending", "queued", "failed", "a-new-word", None])
def test_every_deposit_comes_to_an_end_within_a_week(
    far: FakePaystack, clock: Clock, word: str | None
) -> None:
    if word is None:
        deposit = make_deposit(status=DepositStatus.CREATED, access_code="", authorization_url="")
    else:
        deposit = make_deposit(far=far)
        far.pay(deposit.reference, word)

    run(clock, hours=7 * 24 + 1, every_s=1800)

    deposit.refresh_from_db()
    assert deposit.next_look_at is None
    assert deposit.status in (DepositStatus.FAILED, DepositStatus.ABANDONED)
    assert not Transfer.objects.exists()


def test_run_looks_at_so_many_and_the_longest_waiting_first(far: FakePaystack) -> None:
    now = timezone.now()
    for minutes in range(4):
        make_deposit(far=far, next_look_at=now - dt.timedelta(minutes=minutes))

    due = deposit_sweeps.due(now, limit=3)

    by_wait = list(Deposit.objects.order_by("next_look_at").values_list("pk", flat=True))
    assert due == by_wait[:3]


def test_one_that_breaks_does_not_keep_the_others_waiting(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = make_deposit(far=far), make_deposit(far=far)
    for deposit in (broken, sound):
        far.pay(deposit.reference)
    real = settling.settle

    def settle(deposit_id: Any) -> Deposit:
        if deposit_id == broken.pk:
            raise RuntimeError("bug")
        return real(deposit_id)

    monkeypatch.setattr(settling, "settle", settle)

    assert deposit_sweeps.sweep(at_once=1) == 1
    sound.refresh_from_db()
    assert sound.status == DepositStatus.SUCCEEDED


@pytest.mark.parametrize("error", [Paused(), NotReached()])
def test_look_that_was_not_let_through_is_made_within_a_minute(far: FakePaystack, error: Exception) -> None:
    deposit = make_deposit(far=far)
    far.fail("verify", error)  # type: ignore[arg-type]

    deposit_sweeps.sweep(at_once=1)

    deposit.refresh_from_db()
    assert deposit.next_look_at is not None
    assert dt.timedelta(0) < deposit.next_look_at - timezone.now() <= dt.timedelta(minutes=1)


def test_paystack_away_leaves_looks_due(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    make_deposit(far=far)
    monkeypatch.setattr(client, "is_available", lambda: False)

    assert deposit_sweeps.sweep(at_once=1) == 0
    assert far.calls == []
    assert len(deposit_sweeps.due(timezone.now())) == 1


def test_tasks_settle_one_and_what_is_due(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deposit_sweeps, "AT_ONCE", 1)
    one, other = make_deposit(far=far), make_deposit(far=far)
    for deposit in (one, other):
        far.pay(deposit.reference)

    settle_deposit(str(one.pk))

    assert settle_deposits() == 1
    assert set(Deposit.objects.values_list("status", flat=True)) == {DepositStatus.SUCCEEDED}


def test_due_looks_are_found_through_their_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM billing_deposit WHERE (looking_until IS NULL OR looking_until < now())"
            " AND next_look_at <= now() ORDER BY next_look_at LIMIT 30"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "deposit_due" in plan


# --- a start that was killed ------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Nothing in the product catches it, as nothing catches SIGKILL."""


def killed(*_: Any, **__: Any) -> None:
    raise Killed


def start_killed(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, by: Any) -> None:
    """A start whose process dies where `name` is called."""
    with monkeypatch.context() as patch:
        patch.setattr(where, name, by)
        with pytest.raises(Killed):
            deposits.start(user=make_customer(), amount_subunits=500_000, form_key=None)


def test_start_killed_before_the_call_is_closed_by_the_sweep(
    far: FakePaystack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate()
    start_killed(monkeypatch, far, "initialize", killed)

    run(clock, hours=1)

    assert Deposit.objects.get().status == DepositStatus.FAILED


def test_start_killed_after_the_call_is_given_up_and_credited_if_it_was_paid(
    far: FakePaystack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate()
    start_killed(monkeypatch, deposits, "_opened", killed)
    run(clock, hours=1)
    deposit = Deposit.objects.get()
    assert deposit.status == DepositStatus.ABANDONED

    far.pay(deposit.reference)
    run(clock, hours=2)

    assert wallet(deposit.user_id or 0).available == Decimal("3.3333")


def test_start_killed_between_retiring_and_opening_again_loses_nothing(
    far: FakePaystack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate()
    far.fail_after("initialize")
    calls: Iterator[Any] = iter([far.initialize, killed])

    def initialize(**told: Any) -> Any:
        return next(calls)(**told)

    start_killed(monkeypatch, far, "initialize", initialize)

    run(clock, hours=1)

    second = Deposit.objects.get(retry_of__isnull=False)
    assert second.retry_of is not None
    assert (second.retry_of.status, second.status) == (DepositStatus.ABANDONED, DepositStatus.FAILED)


def test_look_killed_before_its_answer_is_written_is_made_again(
    far: FakePaystack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)
    with monkeypatch.context() as patch:
        patch.setattr(deposit_outcomes, "paid", killed)
        with pytest.raises(Killed):
            settling.settle(deposit.pk)

    run(clock, hours=1)

    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.SUCCEEDED


def test_customer_of_a_lost_call_is_told_to_try_again_and_the_row_ends(
    far: FakePaystack, clock: Clock
) -> None:
    make_rate()
    far.fail("initialize")
    with pytest.raises(TopUpUnanswered):
        deposits.start(user=make_customer(), amount_subunits=500_000, form_key=None)

    run(clock, hours=1)

    assert Deposit.objects.get().status == DepositStatus.FAILED
