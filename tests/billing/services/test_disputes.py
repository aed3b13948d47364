"""A disputed payment is frozen once, answered in time, and concluded as Paystack says."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, OutgoingEmail, User
from accounts.services import standing
from billing.enums import DepositStatus, DisputeOutcome, SystemCode
from billing.exceptions import (
    AnswerNotTaken,
    DepositNotRefundable,
    DisputeClosed,
    ReviewDecided,
    ReviewNotPossible,
    UnknownDispute,
)
from billing.models import Deposit, Dispute, Refund, Transfer
from billing.paystack.errors import OutcomeUnknown, PaystackError, Refused
from billing.selectors import system_balance, wallet
from billing.selectors.returns import fraud_disputes
from billing.services import (
    books,
    crediting,
    disputes,
    fraud,
    ledger,
    receivables,
    refund_sending,
    refunds,
    reviews,
    saved_cards,
    standing_orders,
)
from tests.factories.accounts import StaffFactory
from tests.factories.instruments import make_card
from tests.factories.payments import make_credited_deposit, make_deposit, make_suspended_deposit
from tests.factories.returns import end_dispute, make_dispute, make_refund, make_sent_refund, spend
from tests.fake_paystack import FakePaystack
from tests.namaskah.log_lines import log_lines

pytestmark = pytest.mark.django_db
CREDIT = Decimal("3.3333")
ZERO = Decimal(0)


@pytest.fixture
def deposit(far: FakePaystack) -> Deposit:
    return make_credited_deposit(far=far)


@pytest.fixture
def owner(deposit: Deposit) -> User:
    assert deposit.user is not None
    return deposit.user


@pytest.fixture
def dispute(deposit: Deposit, far: FakePaystack) -> Dispute:
    return make_dispute(deposit, far)


def balance(code: SystemCode, currency: str) -> Decimal:
    return system_balance(ledger.system_account(code, currency).pk)


def figures(user: User) -> tuple[Decimal, Decimal]:
    now = wallet(user.pk)
    return now.available, now.held


# --- Opening ----------------------------------------------------------------------------------------------------------


def test_dispute_freezes_what_the_deposit_credited(dispute: Dispute, deposit: Deposit, owner: User) -> None:
    assert (dispute.deposit, dispute.user, dispute.outcome) == (deposit, owner, "open")
    assert (dispute.wallet_amount, dispute.shortfall) == (CREDIT, ZERO)
    assert figures(owner) == (ZERO, CREDIT)
    assert OutgoingEmail.objects.filter(template="dispute_opened", user=owner).count() == 1
    assert books.verify().differences == []


def test_looking_again_freezes_nothing_more(dispute: Dispute, owner: User) -> None:
    for _ in range(3):
        disputes.look(dispute.paystack_id)

    assert figures(owner) == (ZERO, CREDIT)
    assert Dispute.objects.count() == 1
    assert OutgoingEmail.objects.filter(template="dispute_opened").count() == 1


def test_spent_money_is_a_shortfall_and_the_balance_stays_at_zero(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    spend(owner, "3.0000")

    dispute = make_dispute(deposit, far)

    assert (dispute.wallet_amount, dispute.shortfall) == (CREDIT, Decimal("3.0000"))
    assert figures(owner) == (ZERO, Decimal("0.3333"))


def test_everything_spent_is_all_shortfall(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    spend(owner, str(CREDIT))

    dispute = make_dispute(deposit, far)

    assert (dispute.hold, dispute.shortfall) == (None, CREDIT)
    assert figures(owner) == (ZERO, ZERO)


def test_part_of_a_payment_freezes_its_share(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    dispute = make_dispute(deposit, far, refund_amount=250_000)

    assert dispute.wallet_amount == Decimal("1.6667")
    assert figures(owner) == (Decimal("1.6666"), Decimal("1.6667"))


def test_two_disputes_of_one_payment_freeze_no_more_than_its_credit(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    make_credited_deposit(owner, far=far)
    make_dispute(deposit, far)

    second = make_dispute(deposit, far)

    assert (second.wallet_amount, Dispute.objects.count()) == (ZERO, 2)
    assert figures(owner) == (CREDIT, CREDIT)


def test_second_dispute_freezes_what_the_first_gave_back(
    dispute: Dispute, deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    end_dispute(dispute, far, "declined")

    second = make_dispute(deposit, far)

    assert second.wallet_amount == CREDIT
    assert figures(owner) == (ZERO, CREDIT)


def test_automatic_top_up_stops(
    deposit: Deposit, owner: User, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[tuple[int, str]] = []
    monkeypatch.setattr(
        standing_orders, "switch_off", lambda *, user_id, reason: stopped.append((user_id, reason))
    )

    make_dispute(deposit, far)

    assert stopped == [(owner.pk, "dispute")]


def test_dispute_of_a_payment_we_do_not_know_freezes_nothing(far: FakePaystack) -> None:
    far.pay_uninvited("somebody-elses", 100_000)

    dispute = disputes.look(far.open_dispute("somebody-elses").id)

    assert (dispute.deposit, dispute.hold, dispute.amount_subunits) == (None, None, 100_000)


def test_dispute_seen_before_its_payment_freezes_later(
    far: FakePaystack, deposit: Deposit, owner: User
) -> None:
    known = deposit.paystack_id
    Deposit.objects.filter(pk=deposit.pk).update(paystack_id=1, reference="hidden")
    dispute = make_dispute(deposit, far)
    assert dispute.deposit is None
    Deposit.objects.filter(pk=deposit.pk).update(paystack_id=known, reference=deposit.reference)

    dispute = disputes.look(dispute.paystack_id)

    assert (dispute.deposit, dispute.wallet_amount) == (deposit, CREDIT)


# --- Of money under review --------------------------------------------------------------------------------------------


def test_money_under_review_that_the_bank_took_is_decided(far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    dispute = make_dispute(deposit, far)

    lost = end_dispute(dispute, far, "auto-accepted")

    deposit.refresh_from_db()
    assert (deposit.status, deposit.closed_at) == (DepositStatus.REVERSED, lost.closed_at)
    assert dispute.hold is None
    assert balance(SystemCode.SUSPENSE, "NGN") == ZERO
    assert books.verify().differences == []
    with pytest.raises(ReviewDecided):
        reviews.credit(deposit_id=deposit.pk, actor=StaffFactory.create(), reason="late")


def test_rest_of_what_the_bank_took_in_part_can_be_credited_and_not_sent_back(far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)

    end_dispute(make_dispute(deposit, far, refund_amount=100_000), far, "merchant-accepted")

    deposit.refresh_from_db()
    assert (deposit.status, deposit.closed_at) == (DepositStatus.NEEDS_REVIEW, None)
    assert balance(SystemCode.SUSPENSE, "NGN") == Decimal(2000)
    assert books.verify().differences == []
    with pytest.raises(ReviewNotPossible, match="took a part"):
        reviews.send_back(deposit_id=deposit.pk, actor=StaffFactory.create(), reason="the rest")

    credited = reviews.credit(deposit_id=deposit.pk, actor=StaffFactory.create(), reason="the rest")

    assert (credited.amount_subunits, credited.credit_amount) == (
        200_000,
        crediting.worth(200_000, deposit.rate),
    )
    assert balance(SystemCode.SUSPENSE, "NGN") == ZERO
    assert books.verify().differences == []


def test_money_under_review_that_banks_took_in_two_parts_is_decided(far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)

    for part in (100_000, 200_000):
        end_dispute(make_dispute(deposit, far, refund_amount=part), far, "merchant-accepted")

    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.REVERSED
    assert balance(SystemCode.SUSPENSE, "NGN") == ZERO
    assert books.verify().differences == []


def test_money_under_review_whose_dispute_is_won_can_be_decided(far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    end_dispute(make_dispute(deposit, far), far, "declined")

    credited = reviews.credit(deposit_id=deposit.pk, actor=StaffFactory.create(), reason="it is theirs")

    assert credited.status == DepositStatus.SUCCEEDED
    assert books.verify().differences == []


def test_lost_dispute_of_money_that_never_came_takes_none_of_others(far: FakePaystack) -> None:
    other = make_suspended_deposit(far=far)
    deposit = make_deposit(far=far, status=DepositStatus.FAILED)

    with log_lines() as lines:
        end_dispute(make_dispute(deposit, far), far, "auto-accepted")

    assert balance(SystemCode.SUSPENSE, "NGN") == Decimal(other.paid_subunits or 0) / 100
    assert lines.named("Lost a dispute of money that is not in the books")
    assert books.verify().differences == []


# --- With refunds -----------------------------------------------------------------------------------------------------


def test_dispute_takes_the_place_of_a_refund_that_is_not_out(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    refund = make_refund(deposit)

    dispute = make_dispute(deposit, far)

    refund.refresh_from_db()
    deposit.refresh_from_db()
    assert (refund.status, deposit.refunded_subunits, dispute.wallet_amount) == ("refused", 0, CREDIT)
    assert figures(owner) == (ZERO, CREDIT)
    assert refund_sending.send(refund.pk).status == "refused"


@pytest.mark.parametrize("decided", [False, True], ids=["requested", "held"])
@pytest.mark.parametrize("asked", [500_000, 250_000], ids=["whole", "half"])
@pytest.mark.parametrize("other", [None, 30_000, 500_000], ids=["alone", "a little more", "as much more"])
@pytest.mark.parametrize(
    ("resolution", "taken_subunits", "charged"),
    [
        ("merchant-accepted", 500_000, CREDIT),
        ("merchant-accepted", 250_000, Decimal("1.6667")),
        ("declined", 500_000, ZERO),
    ],
    ids=["lost", "lost in part", "won"],
)
def test_dispute_owns_the_one_hold_of_what_an_undecided_refund_held(
    deposit: Deposit, owner: User, far: FakePaystack, decided: bool, asked: int, other: int | None,
    resolution: str, taken_subunits: int, charged: Decimal,
) -> None:  # fmt: skip
    if other is not None:
        make_credited_deposit(owner, other, far=far)
    before = wallet(owner.pk).available
    refund = make_refund(deposit, asked)
    if decided:
        refunds.approve(refund_id=refund.pk, actor=StaffFactory.create(), reason="test")

    dispute = make_dispute(deposit, far)

    refund.refresh_from_db()
    dispute.refresh_from_db()
    assert refund.status == "refused"
    assert list(Transfer.objects.filter(code="dispute_hold")) == [dispute.hold]
    assert (dispute.wallet_amount, dispute.shortfall) == (CREDIT, ZERO)
    assert figures(owner) == (before - CREDIT, CREDIT)
    assert books.verify().differences == []

    end_dispute(dispute, far, resolution, refund_amount=taken_subunits)

    assert figures(owner) == (before - charged, ZERO)
    assert receivables.owed_by(owner.pk) == ZERO
    assert refund_sending.send(refund.pk).status == "refused"
    assert books.verify().differences == []


def test_two_undecided_refunds_become_one_hold(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    for _ in range(2):
        make_refund(deposit, 250_000)

    dispute = make_dispute(deposit, far)

    assert set(Refund.objects.values_list("status", flat=True)) == {"refused"}
    assert list(Transfer.objects.filter(code="dispute_hold")) == [dispute.hold]
    assert figures(owner) == (ZERO, CREDIT)
    assert books.verify().differences == []


def test_disputed_deposit_is_not_refunded(
    dispute: Dispute, deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    make_credited_deposit(owner, far=far)

    with pytest.raises(DepositNotRefundable):
        make_refund(deposit)
    assert deposit not in [row.deposit for row in refunds.refundable(owner.pk)]


def test_refund_on_its_way_counts_before_the_dispute(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    make_credited_deposit(owner, far=far)
    make_sent_refund(deposit, 250_000)

    dispute = make_dispute(deposit, far)

    assert dispute.wallet_amount == Decimal("1.6666")
    assert figures(owner) == (CREDIT, CREDIT)


def test_refund_that_fails_while_disputed_is_frozen_for_the_dispute(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    refund = make_sent_refund(deposit, 250_000)
    dispute = make_dispute(deposit, far)
    far.set_refund(refund.paystack_id or 0, "failed")

    refund_sending.look(refund.pk)

    dispute.refresh_from_db()
    assert (dispute.wallet_amount, dispute.shortfall) == (CREDIT, ZERO)
    assert figures(owner) == (ZERO, CREDIT)
    end_dispute(dispute, far, "merchant-accepted")
    assert figures(owner) == (ZERO, ZERO)
    assert books.verify().differences == []


# --- The end ----------------------------------------------------------------------------------------------------------


def test_won_dispute_returns_the_money(dispute: Dispute, owner: User, far: FakePaystack) -> None:
    won = end_dispute(dispute, far, "declined")

    assert (won.outcome, won.next_look_at) == (DisputeOutcome.WON, None)
    assert figures(owner) == (CREDIT, ZERO)
    email = OutgoingEmail.objects.get(template="dispute_closed", user=owner)
    assert (email.context["outcome"], email.context["shortfall"]) == ("won", "")
    assert books.verify().differences == []


@pytest.mark.parametrize("resolution", ["merchant-accepted", "auto-accepted"])
def test_lost_dispute_takes_the_money_in_both_currencies(
    dispute: Dispute, owner: User, far: FakePaystack, resolution: str
) -> None:
    before = balance(SystemCode.PAYSTACK_CLEARING, "NGN")

    for _ in range(2):
        lost = end_dispute(dispute, far, resolution)

    assert lost.outcome == DisputeOutcome.LOST
    assert wallet(owner.pk).balance == ZERO
    assert balance(SystemCode.PAYSTACK_CLEARING, "NGN") - before == Decimal(5000)
    assert (balance(SystemCode.EXCHANGE, "NGN"), balance(SystemCode.EXCHANGE, "USD")) == (ZERO, ZERO)
    assert books.verify().differences == []


def test_lost_shortfall_is_a_debt(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    spend(owner, "3.0000")

    end_dispute(make_dispute(deposit, far), far, "merchant-accepted")

    assert receivables.owed_by(owner.pk) == Decimal("3.0000")
    assert wallet(owner.pk).balance == ZERO
    assert balance(SystemCode.EXCHANGE, "USD") == ZERO
    assert OutgoingEmail.objects.get(template="dispute_closed").context["shortfall"] == "$3.00"
    assert books.verify().differences == []


def test_lost_shortfall_is_taken_at_once_from_what_is_there_now(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    spend(owner, "3.0000")
    dispute = make_dispute(deposit, far)
    make_credited_deposit(owner, far=far)

    end_dispute(dispute, far, "merchant-accepted")

    assert (receivables.owed_by(owner.pk), wallet(owner.pk).balance) == (ZERO, Decimal("0.3333"))


def test_part_lost_charges_its_share_and_returns_the_rest(
    dispute: Dispute, owner: User, far: FakePaystack
) -> None:
    lost = end_dispute(dispute, far, "merchant-accepted", refund_amount=250_000)

    assert (lost.wallet_amount, lost.shortfall) == (Decimal("1.6667"), ZERO)
    assert figures(owner) == (Decimal("1.6666"), ZERO)
    assert balance(SystemCode.EXCHANGE, "NGN") == Decimal(2500)
    assert books.verify().differences == []


def test_part_lost_within_the_hold_leaves_no_debt(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    spend(owner, "1.0000")
    dispute = make_dispute(deposit, far)

    lost = end_dispute(dispute, far, "merchant-accepted", refund_amount=250_000)

    assert (lost.wallet_amount, lost.shortfall) == (Decimal("1.6667"), ZERO)
    assert figures(owner) == (Decimal("0.6666"), ZERO)


@pytest.mark.parametrize("status", ["resolved", "archived"])
def test_end_that_we_do_not_know_is_waited_out(
    dispute: Dispute, owner: User, far: FakePaystack, status: str
) -> None:
    known = far.disputes_by_id[dispute.paystack_id]
    far.disputes_by_id[dispute.paystack_id] = replace(known, status=status, resolution="split")

    waiting = disputes.look(dispute.paystack_id)

    assert waiting.outcome == DisputeOutcome.OPEN
    assert figures(owner) == (ZERO, CREDIT)


def test_lost_dispute_of_a_payment_that_was_reversed_takes_nothing_twice(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    Deposit.objects.filter(pk=deposit.pk).update(status=DepositStatus.REVERSED)
    dispute = make_dispute(deposit, far)

    end_dispute(dispute, far, "auto-accepted")

    assert (dispute.hold, wallet(owner.pk).balance) == (None, CREDIT)


def state_of(user: User) -> str:
    return User.objects.get(pk=user.pk).state


def test_two_fraud_disputes_suspend_the_customer(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    make_dispute(deposit, far, category="fraud")
    assert state_of(owner) == "active"

    make_dispute(make_credited_deposit(owner, far=far), far, category="Fraudulent")

    assert (fraud_disputes(owner.pk), state_of(owner)) == (2, "suspended")
    entry = AuditEntry.objects.get(action=AuditAction.SUSPENDED)
    assert (entry.actor_id, entry.subject_id) == (None, owner.pk)
    assert OutgoingEmail.objects.filter(template="account_suspended", user=owner).count() == 1


@pytest.mark.parametrize("category", ["chargeback", ""])
def test_other_disputes_suspend_nobody(
    deposit: Deposit, owner: User, far: FakePaystack, category: str
) -> None:
    make_dispute(deposit, far, category=category)
    make_dispute(make_credited_deposit(owner, far=far), far, category=category)

    assert state_of(owner) == "active"


def test_fraud_dispute_that_was_won_does_not_count(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    end_dispute(make_dispute(deposit, far, category="fraud"), far, "declined")
    make_dispute(make_credited_deposit(owner, far=far), far, category="fraud")

    assert state_of(owner) == "active"


def test_suspension_for_fraud_can_be_left_to_staff(
    deposit: Deposit, owner: User, far: FakePaystack, settings: Settings
) -> None:
    settings.FRAUD_DISPUTES_SUSPEND = 0

    with log_lines() as lines:
        make_dispute(deposit, far, category="fraud")
        make_dispute(make_credited_deposit(owner, far=far), far, category="fraud")

    assert state_of(owner) == "active"
    assert [line["disputes"] for line in lines.named("Customer with several fraud disputes")] == [2]


def test_customer_whom_staff_restored_stays_so_until_the_next_fraud_dispute(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    make_dispute(deposit, far, category="fraud")
    second = make_dispute(make_credited_deposit(owner, far=far), far, category="fraud")
    standing.restore(user_id=owner.pk, reason="Spoke to them", actor=StaffFactory.create())

    disputes.look(second.paystack_id)
    assert state_of(owner) == "active"

    make_dispute(make_credited_deposit(owner, far=far), far, category="fraud")
    assert state_of(owner) == "suspended"


def test_suspension_that_a_crash_left_out_is_made_up_at_the_next_look(
    deposit: Deposit, owner: User, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_dispute(deposit, far, category="fraud")
    with monkeypatch.context() as crash:
        crash.setattr(fraud, "look", lambda *_, **__: None)
        second = make_dispute(make_credited_deposit(owner, far=far), far, category="fraud")
    assert state_of(owner) == "active"

    disputes.look(second.paystack_id)

    assert state_of(owner) == "suspended"


@pytest.mark.parametrize(("category", "cards_left"), [("Fraud", 0), ("chargeback", 1)])
def test_fraud_dispute_ends_the_cards(
    deposit: Deposit, owner: User, far: FakePaystack, category: str, cards_left: int
) -> None:
    make_card(owner)

    make_dispute(deposit, far, category=category)

    assert saved_cards.cards_of(owner.pk).count() == cards_left


# --- Our answer -------------------------------------------------------------------------------------------------------


def test_accepted_dispute_is_lost(dispute: Dispute, owner: User) -> None:
    staff = StaffFactory.create()

    accepted = disputes.accept(dispute_id=dispute.pk, actor=staff, reason="our mistake")

    assert (accepted.outcome, accepted.resolution) == ("lost", "merchant-accepted")
    assert (accepted.answered_by, accepted.answer) == (staff, "our mistake")
    assert wallet(owner.pk).balance == ZERO


def test_accepting_hands_our_records_over(dispute: Dispute, far: FakePaystack) -> None:
    disputes.accept(dispute_id=dispute.pk, actor=StaffFactory.create(), reason="our mistake")

    dispute.refresh_from_db()
    assert [section["title"] for section in dispute.evidence["sections"]][:2] == ["Payment", "Customer"]
    assert [call for call, _ in far.calls if "evidence" in call or "resolve" in call] == [
        "upload_evidence",
        "resolve_dispute",
    ]


def test_part_is_accepted(dispute: Dispute, owner: User) -> None:
    accepted = disputes.accept(
        dispute_id=dispute.pk, actor=StaffFactory.create(), reason="half of it", amount_subunits=250_000
    )

    assert (accepted.outcome, accepted.wallet_amount) == ("lost", Decimal("1.6667"))
    assert figures(owner) == (Decimal("1.6666"), ZERO)
    assert books.verify().differences == []


@pytest.mark.parametrize("error", [Refused("Too large"), OutcomeUnknown()])
def test_acceptance_whose_file_was_not_taken_can_be_given_again(
    dispute: Dispute, far: FakePaystack, error: PaystackError
) -> None:
    staff = StaffFactory.create()
    far.fail("upload_evidence", error)

    with pytest.raises(AnswerNotTaken):
        disputes.accept(dispute_id=dispute.pk, actor=staff, reason="yes")

    assert far.count("resolve_dispute") == 0
    assert disputes.accept(dispute_id=dispute.pk, actor=staff, reason="yes").outcome == "lost"


def test_contested_dispute_is_answered_with_evidence(
    dispute: Dispute, owner: User, far: FakePaystack
) -> None:
    won = disputes.contest(dispute_id=dispute.pk, actor=StaffFactory.create(), message="all delivered")

    assert (won.outcome, won.resolution) == ("won", "declined")
    assert [section["title"] for section in won.evidence["sections"]][:2] == ["Payment", "Customer"]
    assert won.evidence_id is not None
    assert [call for call, _ in far.calls if "evidence" in call or "resolve" in call] == [
        "add_evidence",
        "upload_evidence",
        "resolve_dispute",
    ]
    assert figures(owner) == (CREDIT, ZERO)


def test_answer_that_was_lost_but_arrived_is_found(dispute: Dispute, far: FakePaystack) -> None:
    far.fail_after("resolve_dispute", OutcomeUnknown())

    accepted = disputes.accept(dispute_id=dispute.pk, actor=StaffFactory.create(), reason="yes")

    assert accepted.outcome == DisputeOutcome.LOST
    assert far.count("resolve_dispute") == 1


def test_answer_that_did_not_arrive_is_not_given_blindly_again(dispute: Dispute, far: FakePaystack) -> None:
    staff = StaffFactory.create()
    far.fail("resolve_dispute", OutcomeUnknown())
    with pytest.raises(AnswerNotTaken):
        disputes.accept(dispute_id=dispute.pk, actor=staff, reason="yes")

    with pytest.raises(DisputeClosed):
        disputes.accept(dispute_id=dispute.pk, actor=staff, reason="again")
    assert far.count("resolve_dispute") == 1

    Dispute.objects.filter(pk=dispute.pk).update(answered_at=timezone.now() - dt.timedelta(minutes=11))
    assert disputes.accept(dispute_id=dispute.pk, actor=staff, reason="later").outcome == "lost"


@pytest.mark.parametrize("call", ["resolve_dispute", "add_evidence", "upload_evidence"])
def test_answer_that_was_refused_can_be_given_again(dispute: Dispute, far: FakePaystack, call: str) -> None:
    staff = StaffFactory.create()
    far.fail(call, Refused("Dispute is locked"))

    with pytest.raises(AnswerNotTaken, match="Dispute is locked"):
        disputes.contest(dispute_id=dispute.pk, actor=staff, message="delivered")

    dispute.refresh_from_db()
    assert dispute.answered_at is None
    assert disputes.contest(dispute_id=dispute.pk, actor=staff, message="delivered").outcome == "won"


def test_closed_dispute_is_not_answered(dispute: Dispute, far: FakePaystack) -> None:
    end_dispute(dispute, far, "declined")

    with pytest.raises(DisputeClosed):
        disputes.accept(dispute_id=dispute.pk, actor=StaffFactory.create(), reason="late")
    assert far.count("resolve_dispute") == 0


def test_unknown_dispute_is_said_to_be_unknown(far: FakePaystack) -> None:
    with pytest.raises(UnknownDispute):
        disputes.accept(dispute_id=1, actor=StaffFactory.create(), reason="x")


# --- Sweeps -----------------------------------------------------------------------------------------------------------


def test_sweep_looks_once_an_hour(dispute: Dispute, far: FakePaystack) -> None:
    known = far.disputes_by_id[dispute.paystack_id]
    far.disputes_by_id[dispute.paystack_id] = replace(known, status="resolved", resolution="auto-accepted")

    assert disputes.sweep() == 0
    Dispute.objects.update(next_look_at=timezone.now())
    assert (disputes.sweep(), disputes.sweep()) == (1, 0)

    assert Dispute.objects.get().outcome == DisputeOutcome.LOST


@pytest.mark.parametrize(("hours", "alarms"), [(3.9, 1), (4.1, 0), (-1, 1)])
def test_alarm_four_hours_before_the_deadline(
    deposit: Deposit, far: FakePaystack, hours: float, alarms: int
) -> None:
    make_dispute(deposit, far, due_at=timezone.now() + dt.timedelta(hours=hours))
    Dispute.objects.update(next_look_at=timezone.now())

    with log_lines() as lines:
        disputes.sweep()

    assert len(lines.named("Dispute is due")) == alarms


def test_alarm_rings_when_paystack_does_not_answer(deposit: Deposit, far: FakePaystack) -> None:
    make_dispute(deposit, far, due_at=timezone.now())
    Dispute.objects.update(next_look_at=timezone.now())
    far.fail("dispute", PaystackError("down"))

    with log_lines() as lines:
        assert disputes.sweep() == 0

    assert len(lines.named("Dispute is due")) == 1


def test_dispute_without_a_webhook_is_found(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    far.open_dispute(deposit.reference)

    assert (disputes.find_missed(), disputes.find_missed()) == (1, 0)

    assert figures(owner) == (ZERO, CREDIT)
    assert Refund.objects.count() == 0
