"""Reconciliation: each kind of difference is found, named once, and gone when it is; nobody's money moves on a list's word."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing import tasks
from billing.enums import DepositStatus, DifferenceKind, SystemCode, TransferCode
from billing.models import Deposit, Difference, Dispute, ReconciledDay, Refund, Settlement, Transfer
from billing.paystack.base import RefundFact, SettlementFact, Transaction
from billing.paystack.errors import OutcomeUnknown
from billing.selectors import wallet
from billing.services import books, ledger, reconciled_days, reconciliation, reconciliation_sums
from billing.services import reconciliation_clearing as clearing
from billing.services import reconciliation_sides as sides
from billing.services.reconciled_days import DayHasDifferences, DayNotOver
from billing.services.reconciliation_sides import Finding
from tests.factories.accounts import StaffFactory
from tests.factories.payments import make_credited_deposit, make_deposit, make_rate
from tests.factories.returns import end_dispute, make_dispute, make_sent_refund
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db


@pytest.fixture
def day() -> dt.date:
    return sides.today() - dt.timedelta(days=1)


@pytest.fixture
def noon(day: dt.date) -> dt.datetime:
    return sides.start_of(day) + dt.timedelta(hours=12)


@pytest.fixture
def staff() -> User:
    return StaffFactory.create()


def paid(far: FakePaystack, noon: dt.datetime, **changes: Any) -> Deposit:
    """5,000 naira, paid that noon and credited; Paystack knows it, too."""
    return make_credited_deposit(far=far, paid={"paid_at": noon, "created_at": noon} | changes)


def run(day: dt.date) -> ReconciledDay:
    """The row of the day in naira."""
    return next(row for row in reconciliation.run_day(day) if row.currency == "NGN")


def named(row: ReconciledDay) -> list[tuple[str, str]]:
    """What is open, by kind and subject."""
    rows = row.differences.filter(gone_at=None).order_by("pk")
    return list(rows.values_list("kind", "subject"))


def there(far: FakePaystack, deposit: Deposit, **changes: Any) -> Transaction:
    """Change what Paystack has of a deposit."""
    made = replace(far.transactions_by_reference[deposit.reference], **changes)
    far.transactions_by_reference[deposit.reference] = made
    return made


# --- a day that adds up -----------------------------------------------------------------------------------------------


def test_day_that_adds_up_has_the_same_figures_on_both_sides(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    paid(far, noon)
    paid(far, noon)

    row = run(day)

    assert (row.open_differences, row.differences.count()) == (0, 0)
    assert {name: row.figures["ours"][name] for name in row.figures["theirs"]} == row.figures["theirs"]
    assert (row.figures["ours"]["payments"], row.figures["ours"]["paid"]) == (2, 1_000_000)
    assert row.figures["ours"]["fees"] == 35_000


def test_settled_day_closes_at_zero_and_paystack_owes_nothing(
    far: FakePaystack, day: dt.date, noon: dt.datetime, staff: User
) -> None:
    paid(far, noon)
    far.settlements_made.append(
        SettlementFact(id=77, status="success", currency="NGN", total_amount=482_500, total_fees=17_500,
                       total_processed=500_000, settled_on=day)
    )  # fmt: skip

    row = reconciled_days.close(day_id=run(day).pk, actor=staff, reason="")

    assert (row.closed_by, row.open_differences, row.reason) == (staff, 0, "")
    assert (row.figures["ours"]["settled"], row.figures["theirs"]["settled"]) == (482_500, 482_500)
    assert clearing.movement(clearing.account_of("NGN")) == 0
    assert books.verify().differences == []


def test_day_without_payments_is_written_and_closes(far: FakePaystack, day: dt.date, staff: User) -> None:
    row = reconciled_days.close(day_id=run(day).pk, actor=staff, reason="")

    assert (row.figures["ours"]["paid"], row.closed_at is not None) == (0, True)


# --- paid there, not here ---------------------------------------------------------------------------------------------


def test_lost_payment_is_credited_and_the_difference_is_gone(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, paid_at=noon)

    row = run(day)

    deposit.refresh_from_db()
    assert (deposit.status, wallet(deposit.user_id or 0).available) == ("succeeded", deposit.credit_amount)
    difference = row.differences.get()
    assert (difference.kind, difference.gone_at is not None) == (DifferenceKind.NOT_CREDITED, True)
    assert row.open_differences == 0
    assert row.figures["ours"]["paid"] == row.figures["theirs"]["paid"] == 500_000


def test_payment_that_cannot_be_credited_now_stays_open_until_it_is(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, paid_at=noon)
    far.fail("verify")

    assert named(run(day)) == [("not_credited", f"deposit:{deposit.pk}")]

    row = run(day)
    assert (row.open_differences, row.differences.count()) == (0, 1)
    assert Transfer.objects.filter(code=TransferCode.DEPOSIT).count() == 1


def test_unknown_payment_goes_to_suspense(far: FakePaystack, day: dt.date, noon: dt.datetime) -> None:
    make_rate()
    far.pay_uninvited("somebodys-page", 700_000)
    payment = far.transactions_by_reference["somebodys-page"]
    far.transactions_by_reference["somebodys-page"] = replace(payment, paid_at=noon)

    row = run(day)

    deposit = Deposit.objects.get(paystack_id=payment.id)
    assert (deposit.status, deposit.user) == (DepositStatus.NEEDS_REVIEW, None)
    difference = row.differences.get()
    assert (difference.kind, difference.subject) == ("unknown_transaction", f"transaction:{payment.id}")
    assert (difference.gone_at is not None, row.open_differences) == (True, 0)
    assert not Transfer.objects.filter(code=TransferCode.DEPOSIT).exists()


def test_payment_reversed_before_we_saw_it_is_no_difference(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, status="reversed", paid_at=noon)

    assert named(run(day)) == []
    assert not Transfer.objects.exists()


# --- here, not there --------------------------------------------------------------------------------------------------


def test_credit_without_a_payment_is_named_and_never_taken_back(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = paid(far, noon)
    del far.transactions_by_reference[deposit.reference]
    before = list(Transfer.objects.values_list("pk", flat=True))

    for _ in range(2):
        assert named(run(day)) == [("not_paid", f"deposit:{deposit.pk}")]

    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.SUCCEEDED
    assert wallet(deposit.user_id or 0).available == deposit.credit_amount
    assert list(Transfer.objects.values_list("pk", flat=True)) == before
    assert Difference.objects.get().amount_subunits == -500_000


def test_credit_whose_payment_reappears_is_gone(far: FakePaystack, day: dt.date, noon: dt.datetime) -> None:
    deposit = paid(far, noon)
    payment = far.transactions_by_reference.pop(deposit.reference)
    run(day)
    far.transactions_by_reference[deposit.reference] = payment

    row = run(day)

    assert (row.open_differences, Difference.objects.get().gone_at is not None) == (0, True)


def test_payment_the_list_lacks_is_asked_for_before_it_is_named(
    far: FakePaystack, day: dt.date, noon: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(far, noon)
    monkeypatch.setattr(far, "transactions", lambda **_: iter([]))

    assert named(run(day)) == []
    assert far.count("transaction") == 1


def test_refunded_payment_that_left_the_successes_is_still_paid(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = paid(far, noon)
    refund = make_sent_refund(deposit)
    far.set_refund(refund.paystack_id or 0, "processed")
    there(far, deposit, status="reversed")

    assert run(day).open_differences == 0


# --- the same payment, told differently -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "kind", "amount"),
    [
        ({"amount": 400_000}, "amount", -100_000),
        ({"fees": 20_000}, "fees", 2_500),
    ],
)
def test_payment_told_differently_is_named(
    far: FakePaystack, day: dt.date, noon: dt.datetime, change: dict[str, Any], kind: str, amount: int
) -> None:
    deposit = paid(far, noon)
    there(far, deposit, **change)

    reconciliation.run_day(day)

    difference = Difference.objects.get()
    assert (difference.kind, difference.subject) == (kind, f"deposit:{deposit.pk}")
    assert (difference.amount_subunits, difference.gone_at) == (amount, None)


def test_payment_of_another_currency_is_named_in_both(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = paid(far, noon)
    there(far, deposit, currency="GHS")

    rows = {row.currency: row for row in reconciliation.run_day(day)}

    assert {code: named(row) for code, row in rows.items()} == {
        code: [("currency", f"deposit:{deposit.pk}")] for code in ("NGN", "GHS")
    }
    assert set(Difference.objects.values_list("amount_subunits", flat=True)) == {500_000, -500_000}


def test_payment_credited_under_another_id_is_named(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = paid(far, noon)
    there(far, deposit, id=999)

    assert ("not_credited", f"deposit:{deposit.pk}") in named(run(day))


def test_row_inserted_between_pages_is_neither_missed_nor_doubled(
    far: FakePaystack, day: dt.date, noon: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = paid(far, noon), paid(far, noon)
    late = make_deposit(far=far)
    listed = FakePaystack.transactions

    def pages(**asked: Any) -> Iterator[Transaction]:
        rows = list(listed(far, **asked))
        if asked.get("status", "success") != "success":
            yield from rows
            return
        yield from rows[:1]
        far.pay(late.reference, paid_at=noon)  # pushes the first row on to the second page
        yield from rows

    monkeypatch.setattr(far, "transactions", pages)

    row = run(day)
    assert (row.open_differences, row.figures["theirs"]["payments"]) == (0, 2)

    row = run(day)
    assert (row.open_differences, row.figures["ours"]["payments"]) == (0, 3)
    assert {first.pk, second.pk, late.pk} == set(Deposit.objects.values_list("pk", flat=True))


def test_list_that_breaks_off_changes_nothing(far: FakePaystack, day: dt.date, noon: dt.datetime) -> None:
    paid(far, noon)
    far.fail("refunds")

    with pytest.raises(OutcomeUnknown):
        reconciliation.run_day(day)

    assert not ReconciledDay.objects.exists()


# --- refunds, disputes, settlements, clearing -------------------------------------------------------------------------


def test_refund_nobody_here_asked_for_is_named(far: FakePaystack, day: dt.date, noon: dt.datetime) -> None:
    deposit = paid(far, noon)
    far.refunds_by_id[9001] = RefundFact(
        id=9001, status="pending", amount=100, currency="NGN", transaction_id=deposit.paystack_id, created_at=noon
    )  # fmt: skip

    assert named(run(day)) == [("refund", "refund-there:9001")]


@pytest.mark.parametrize("status", ["processed", "failed"])
def test_refund_that_has_ended_is_caught_up_with(far: FakePaystack, noon: dt.datetime, status: str) -> None:
    refund = make_sent_refund(paid(far, noon))
    far.set_refund(refund.paystack_id or 0, status)
    fact = far.refunds_by_id[refund.paystack_id or 0]
    far.refunds_by_id[fact.id] = replace(fact, created_at=timezone.now() - dt.timedelta(minutes=20))

    rows = reconciliation.run(since=noon.date(), until=sides.today())

    refund.refresh_from_db()
    assert refund.status == status
    assert sum(row.open_differences for row in rows) == 0


def test_refund_that_ended_otherwise_is_named(far: FakePaystack, noon: dt.datetime) -> None:
    refund = make_sent_refund(paid(far, noon))
    fact = far.set_refund(refund.paystack_id or 0, "failed")
    far.refunds_by_id[fact.id] = replace(fact, created_at=timezone.now() - dt.timedelta(minutes=20))
    reconciliation.run(since=noon.date(), until=sides.today())
    far.set_refund(fact.id, "processed")

    reconciliation.run(since=noon.date(), until=sides.today())

    difference = Difference.objects.get(gone_at=None)
    assert (difference.kind, difference.subject) == ("refund", f"refund:{refund.pk}")
    assert "failed here, processed there" in difference.text


def test_refund_that_paystack_does_not_have_is_named(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    refund = make_sent_refund(paid(far, noon))
    type(refund).objects.filter(pk=refund.pk).update(sent_at=noon)
    far.refunds_by_id.clear()

    assert named(run(day)) == [("refund", f"refund:{refund.pk}")]


def test_dispute_no_webhook_told_of_is_written_down(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = paid(far, noon)
    far.open_dispute(deposit.reference)

    assert named(run(day)) == []
    assert deposit.disputes.count() == 1


def test_lost_dispute_is_on_both_sides(far: FakePaystack, noon: dt.datetime) -> None:
    deposit = paid(far, noon)
    end_dispute(make_dispute(deposit, far), far, "merchant-accepted")
    there(far, deposit, status="reversed")

    rows = reconciliation.run(since=noon.date(), until=sides.today())

    assert sum(row.open_differences for row in rows) == 0
    assert clearing.movement(clearing.account_of("NGN")) == Decimal("-175.0000")


def test_settlement_that_does_not_add_up_is_named(far: FakePaystack, day: dt.date) -> None:
    far.settlements_made.append(
        SettlementFact(id=78, status="success", currency="NGN", total_amount=480_000, total_fees=17_500,
                       total_processed=500_000, settled_on=day)
    )  # fmt: skip

    assert named(run(day)) == [("settlement", "settlement:78")]


def test_credit_without_its_transfers_is_named_under_the_clearing_account(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = paid(far, noon)
    Deposit.objects.filter(pk=deposit.pk).update(fees_subunits=10_000)
    there(far, deposit, fees=10_000)

    assert named(run(day)) == [("clearing", f"deposit:{deposit.pk}")]
    assert "₦4,825.00" in Difference.objects.get().text


def test_transfer_of_nothing_known_is_named(far: FakePaystack) -> None:
    bank, owed = ledger.system_accounts(SystemCode.BANK, SystemCode.PAYSTACK_CLEARING, currency="NGN")
    with transaction.atomic():
        stray = ledger.post(
            debit=bank, credit=owed, amount=Decimal(5), code=TransferCode.SETTLEMENT, key="by hand"
        )

    assert named(run(sides.today())) == [("clearing", f"transfer:{stray.sequence}")]


def test_correction_by_staff_is_no_difference(far: FakePaystack) -> None:
    bank, owed = ledger.system_accounts(SystemCode.BANK, SystemCode.PAYSTACK_CLEARING, currency="NGN")
    with transaction.atomic():
        ledger.post(
            debit=bank,
            credit=owed,
            amount=Decimal(5),
            code=TransferCode.CLEARING_CORRECTION,
            key="corrected",
            reason="Paystack's letter of May",
        )

    assert named(run(sides.today())) == []


# --- the days ---------------------------------------------------------------------------------------------------------


def test_recent_run_goes_back_to_the_last_one(far: FakePaystack) -> None:
    long_ago = timezone.now() - dt.timedelta(days=2, hours=1)
    ReconciledDay.objects.create(day=long_ago.date(), currency="NGN", ran_at=long_ago)

    rows = reconciliation.run_recent()

    since = (long_ago - reconciliation.OVERLAP).astimezone(dt.UTC).date()
    assert rows[0].day == since
    assert rows[-1].day == sides.today()


def test_fresh_payment_is_left_to_its_ordinary_way(far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)

    row = run(sides.today())

    deposit.refresh_from_db()
    assert (deposit.status, row.differences.count(), far.count("verify")) == ("pending", 0, 0)


def test_day_with_differences_is_closed_only_with_a_reason(
    far: FakePaystack, day: dt.date, noon: dt.datetime, staff: User
) -> None:
    del far.transactions_by_reference[paid(far, noon).reference]
    row = run(day)

    with pytest.raises(DayHasDifferences):
        reconciled_days.close(day_id=row.pk, actor=staff, reason="  ")
    closed = reconciled_days.close(day_id=row.pk, actor=staff, reason="Paystack lost it, letter 12")

    assert (closed.closed_by, closed.open_differences) == (staff, 1)
    assert books.verify().differences == []


def test_day_with_differences_and_no_reason_cannot_be_closed_in_the_database(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    del far.transactions_by_reference[paid(far, noon).reference]
    row = run(day)

    with pytest.raises(IntegrityError), transaction.atomic():
        ReconciledDay.objects.filter(pk=row.pk).update(closed_at=timezone.now())


def test_explained_difference_no_longer_keeps_its_day_open(
    far: FakePaystack, day: dt.date, noon: dt.datetime, staff: User
) -> None:
    del far.transactions_by_reference[paid(far, noon).reference]
    row = run(day)

    reconciled_days.explain(difference_id=Difference.objects.get().pk, actor=staff, explanation="Letter 12")

    row.refresh_from_db()
    assert row.open_differences == 0
    assert run(day).open_differences == 0
    assert reconciled_days.close(day_id=row.pk, actor=staff, reason="").closed_at is not None


def test_explanation_does_not_cover_what_changes_afterwards(
    far: FakePaystack, day: dt.date, noon: dt.datetime, staff: User
) -> None:
    deposit = paid(far, noon)
    there(far, deposit, fees=20_000)
    run(day)
    reconciled_days.explain(difference_id=Difference.objects.get().pk, actor=staff, explanation="New tariff")
    there(far, deposit, fees=30_000)

    assert run(day).open_differences == 1


def test_day_that_is_not_over_cannot_be_closed(far: FakePaystack, staff: User) -> None:
    with pytest.raises(DayNotOver):
        reconciled_days.close(day_id=run(sides.today()).pk, actor=staff, reason="early")


def test_closed_day_stays_as_it_was_signed(
    far: FakePaystack, day: dt.date, noon: dt.datetime, staff: User
) -> None:
    deposit = paid(far, noon)
    closed = reconciled_days.close(day_id=run(day).pk, actor=staff, reason="")
    make_sent_refund(deposit)

    row = run(day)

    assert (row.closed_at, row.figures) == (closed.closed_at, closed.figures)


def test_closed_day_in_which_something_new_turns_up_is_open_again(
    far: FakePaystack, day: dt.date, noon: dt.datetime, staff: User
) -> None:
    deposit = paid(far, noon)
    reconciled_days.close(day_id=run(day).pk, actor=staff, reason="")
    del far.transactions_by_reference[deposit.reference]

    row = run(day)

    assert (row.closed_at, row.closed_by, row.open_differences) == (None, None, 1)


def test_books_find_a_closed_day_that_no_longer_adds_up(
    far: FakePaystack, day: dt.date, noon: dt.datetime, staff: User
) -> None:
    paid(far, noon)
    reconciled_days.close(day_id=run(day).pk, actor=staff, reason="")
    paid(far, noon)

    found = [item.text for item in books.verify().differences if item.check == "closed days still add up"]

    assert f"{day} NGN: closed with payments of 1, now 2" in found
    assert f"{day} NGN: closed with paid of 500000, now 1000000" in found


# --- the command ------------------------------------------------------------------------------------------------------


def test_command_prints_the_day_and_exits_1_on_open_differences(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    deposit = paid(far, noon)
    del far.transactions_by_reference[deposit.reference]
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", day=day.isoformat(), stdout=out)

    assert ended.value.code == 1
    assert f"{day} NGN, open" in out.getvalue()
    assert "OPEN: credited here, not paid there" in out.getvalue()


def test_command_says_when_nothing_is_open(far: FakePaystack, noon: dt.datetime) -> None:
    paid(far, noon)
    out = StringIO()

    call_command("reconcile", stdout=out)

    assert "No difference is open." in out.getvalue()
    assert "₦5,000.00" in out.getvalue()


@pytest.mark.parametrize("day_text", ["tomorrow", "2999-01-01"])
def test_command_refuses_a_day_that_is_none(far: FakePaystack, day_text: str) -> None:
    with pytest.raises(CommandError):
        call_command("reconcile", day=day_text)


def test_command_says_when_paystack_is_away(far: FakePaystack) -> None:
    far.fail("transactions")

    with pytest.raises(CommandError, match="nothing was written"):
        call_command("reconcile")


def test_settlements_are_fetched_for_a_week(far: FakePaystack, day: dt.date) -> None:
    far.settlements_made.append(
        SettlementFact(
            id=79, status="success", currency="NGN", total_amount=1, total_processed=1, settled_on=day
        )
    )

    run(day)

    assert Settlement.objects.get().is_posted
    (since, until) = next(about for name, about in far.calls if name == "settlements")
    assert until - since > dt.timedelta(days=7)


@pytest.mark.parametrize("status", ["reversal-pending", "reversal pending", "reversed"])
def test_payment_on_its_way_back_counts_on_both_sides(
    far: FakePaystack, day: dt.date, noon: dt.datetime, status: str
) -> None:
    paid(far, noon)
    deposit = paid(far, noon)
    make_sent_refund(deposit)
    there(far, deposit, status=status)

    row = run(day)

    assert named(row) == []
    assert {name: row.figures["ours"][name] for name in row.figures["theirs"]} == row.figures["theirs"]
    assert (row.figures["theirs"]["payments"], row.figures["theirs"]["paid"]) == (2, 1_000_000)


def test_refund_that_is_a_moment_younger_there_counts_on_one_day(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    refund = make_sent_refund(paid(far, noon))
    midnight = sides.start_of(day + dt.timedelta(days=1))
    type(refund).objects.filter(pk=refund.pk).update(sent_at=midnight - dt.timedelta(seconds=1))
    fact = far.refunds_by_id[refund.paystack_id or 0]
    far.refunds_by_id[fact.id] = replace(fact, created_at=midnight)

    rows = [row for row in reconciliation.run(since=day, until=sides.today()) if row.currency == "NGN"]

    assert [row.figures["theirs"]["refunds"] for row in rows] == [500_000, 0]
    assert [row.figures["ours"]["refunds"] for row in rows] == [500_000, 0]
    assert run(day).open_differences == 0


def test_refund_without_an_answer_that_paystack_does_not_have_is_named(
    far: FakePaystack, day: dt.date, noon: dt.datetime
) -> None:
    far.fail("refund")
    refund = make_sent_refund(paid(far, noon))
    type(refund).objects.filter(pk=refund.pk).update(sent_at=noon)

    assert refund.status == "sent"
    assert named(run(day)) == [("refund", f"refund:{refund.pk}")]


# --- the table and the list -------------------------------------------------------------------------------------------

MISSING = {"not_credited", "not_paid", "unknown_transaction", "currency"}
REASONS = {
    "payments": MISSING, "paid": MISSING | {"amount"}, "fees": MISSING | {"fees"}, "refunds": {"refund"},
    "disputes": {"clearing"}, "settled": {"settlement"},
}  # fmt: skip


def _mishap(chance: random.Random, far: FakePaystack, deposit: Deposit) -> None:
    """Something that makes the two sides of one payment differ, or that should not."""
    row = Deposit.objects.filter(pk=deposit.pk)
    match chance.randrange(12):
        case 0:
            del far.transactions_by_reference[deposit.reference]
        case 1:
            there(far, deposit, amount=chance.choice([1, 400_000]))
        case 2:
            there(far, deposit, fees=chance.choice([None, -1, 20_000]))
        case 3:
            there(far, deposit, currency="GHS")
        case 4:
            there(far, deposit, status=chance.choice(["reversed", "reversal-pending", "failed"]))
        case 5:
            row.update(paid_at=(deposit.paid_at or timezone.now()) - dt.timedelta(days=1))
        case 6:
            row.update(status=DepositStatus.FAILED)
        case 7:
            late = make_deposit(far=far)
            far.pay(late.reference, paid_at=deposit.paid_at, status=chance.choice(["success", "reversed"]))
        case 8 | 9:
            _refund_mishap(chance, far, deposit)
        case 10:
            lost = end_dispute(make_dispute(deposit, far), far, "merchant-accepted", refund_amount=100_000)
            moved = (deposit.paid_at or timezone.now()) + dt.timedelta(hours=chance.choice([0, 24]))
            Dispute.objects.filter(pk=lost.pk).update(closed_at=moved)
        case _:
            total = chance.choice([482_500, 480_000])
            made = SettlementFact(id=deposit.paystack_id or 0, status="success", currency="NGN", total_fees=17_500,
                                  total_amount=total, total_processed=500_000,
                                  settled_on=(deposit.paid_at or timezone.now()).date())  # fmt: skip
            far.settlements_made.append(made)


def _refund_mishap(chance: random.Random, far: FakePaystack, deposit: Deposit) -> None:
    refund = make_sent_refund(deposit)
    sent_at = (deposit.paid_at or timezone.now()) + dt.timedelta(hours=chance.choice([0, 13]))
    Refund.objects.filter(pk=refund.pk).update(sent_at=chance.choice([sent_at, None]))
    fact = far.refunds_by_id.pop(refund.paystack_id or 0)
    there(far, deposit, status=chance.choice(["success", "reversal-pending", "reversed"]))
    if chance.random() < 0.8:
        far.refunds_by_id[fact.id] = replace(
            fact,
            created_at=sent_at + dt.timedelta(hours=chance.choice([0, 1, 12])),
            status=chance.choice(["pending", "processed", "failed"]),
            amount=chance.choice([fact.amount, 100_000]),
            merchant_note=chance.choice([fact.merchant_note, "by hand"]),
        )


def _generated(chance: random.Random, far: FakePaystack, day: dt.date) -> None:
    for _ in range(chance.randint(1, 5)):
        at = sides.start_of(day) + dt.timedelta(
            hours=chance.choice([0, 12, 23]), seconds=chance.randrange(3600)
        )
        deposit = paid(far, at)
        if chance.random() < 0.8:
            _mishap(chance, far, deposit)


def contradictions(far: FakePaystack, day: dt.date, seed: int) -> list[tuple[str, int, int]]:
    """Figures of generated days that differ while no difference is of a kind that could say why."""
    _generated(random.Random(seed), far, day)
    return [
        (name, row.figures["ours"][name], row.figures["theirs"][name])
        for row in reconciliation.run(since=day - dt.timedelta(days=1), until=sides.today())
        for name, reasons in REASONS.items()
        if row.figures["ours"][name] != row.figures["theirs"][name]
        and not reasons & set(row.differences.filter(gone_at=None).values_list("kind", flat=True))
    ]


@pytest.mark.parametrize("seed", range(40))
def test_figure_that_differs_has_a_difference_that_says_so(
    far: FakePaystack, day: dt.date, seed: int
) -> None:
    assert contradictions(far, day, seed) == []


@pytest.mark.parametrize("is_guarded", [True, False])
def test_payment_of_another_day_there_is_named_by_the_sums_alone(
    far: FakePaystack, day: dt.date, noon: dt.datetime, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    deposit = paid(far, noon)
    Deposit.objects.filter(pk=deposit.pk).update(paid_at=noon - dt.timedelta(days=1))
    if not is_guarded:
        monkeypatch.setattr(reconciliation_sums, "unnamed", lambda *_: [])

    rows = reconciliation.run(since=day - dt.timedelta(days=1), until=day)

    found = [kind for row in rows for kind, subject in named(row) if subject.startswith("sum:")]
    assert found == (["not_paid", "not_credited"] if is_guarded else [])


@pytest.mark.parametrize("name", REASONS)
def test_sum_that_nothing_explains_is_named_itself(day: dt.date, name: str) -> None:
    theirs = dict.fromkeys(REASONS, 0)

    (made,) = reconciliation_sums.unnamed(day, "NGN", {"ours": theirs | {name: 5}, "theirs": theirs}, [])

    assert (made.kind in REASONS[name], made.subject) == (True, f"sum:{name}")
    assert reconciliation_sums.unnamed(day, "NGN", {"ours": theirs, "theirs": theirs}, []) == []


def test_what_a_run_has_put_right_explains_nothing(day: dt.date, noon: dt.datetime) -> None:
    sums = dict.fromkeys(REASONS, 0)
    right = Finding(DifferenceKind.REFUND, "refund:1", "", "NGN", noon, is_gone=True)

    assert reconciliation_sums.unnamed(day, "NGN", {"ours": sums | {"refunds": 5}, "theirs": sums}, [right])


# --- the schedule -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [tasks.reconcile_recent, tasks.reconcile_days])
def test_scheduled_run_compares(
    far: FakePaystack, settings: Settings, noon: dt.datetime, task: Callable[[], None]
) -> None:
    settings.PAYSTACK_SECRET_KEY = "sk_test_x"
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, paid_at=noon)
    ReconciledDay.objects.create(day=noon.date(), currency="NGN", ran_at=noon)

    task()

    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.SUCCEEDED


def test_scheduled_run_that_cannot_read_leaves_it_to_the_next(far: FakePaystack, settings: Settings) -> None:
    settings.PAYSTACK_SECRET_KEY = "sk_test_x"
    far.fail("transactions")

    tasks.reconcile_days()

    assert not ReconciledDay.objects.exists()


def test_nothing_is_compared_without_a_key(far: FakePaystack, settings: Settings) -> None:
    settings.PAYSTACK_SECRET_KEY = ""

    tasks.reconcile_days()

    assert far.calls == []
