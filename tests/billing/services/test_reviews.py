"""What staff decides about money under review."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import OutgoingEmail
from billing.enums import DepositStatus, RefundStatus, ReviewReason, SystemCode
from billing.exceptions import RateTooOld, ReviewDecided, ReviewNotPossible
from billing.models import Deposit, Refund, Transfer
from billing.selectors import system_balance, wallet
from billing.selectors.deposit_state import deposit_state
from billing.services import books, deposit_limits, ledger, refund_sending, reviews, settling
from tests.factories.accounts import StaffFactory
from tests.factories.billing import make_customer
from tests.factories.payments import (
    make_credited_deposit,
    make_deposit,
    make_rate,
    make_suspended_deposit,
    make_transaction,
)
from tests.factories.returns import make_dispute
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
ZERO = Decimal(0)


@pytest.fixture
def staff(db: None) -> Any:
    return StaffFactory()


def suspense(currency: str = "NGN") -> Decimal:
    return system_balance(ledger.system_account(SystemCode.SUSPENSE, currency).pk)


def suspended(**paid: Any) -> Deposit:
    deposit = make_deposit()
    return settling.apply(deposit.pk, make_transaction(deposit, **paid))


@pytest.mark.parametrize(
    ("paid", "credit", "recovered"),
    [
        ({"amount": 300_000, "requested_amount": 300_000}, "2.0000", 0),
        ({"amount": 300_000, "requested_amount": 500_000}, "2.0000", 0),
        ({"amount": 600_000, "requested_amount": None}, "4.0000", 0),
        ({"amount": 609_000, "requested_amount": 600_000}, "4.0000", 90),
    ],
)
def test_credit_is_what_was_paid_for_at_the_deposits_rate(
    staff: Any, paid: dict[str, Any], credit: str, recovered: int
) -> None:
    deposit = suspended(**paid)

    deposit = reviews.credit(deposit_id=deposit.pk, actor=staff, reason="The customer called")

    assert (deposit.status, deposit.credit_amount) == (DepositStatus.SUCCEEDED, Decimal(credit))
    assert wallet(deposit.user_id or 0).available == Decimal(credit)
    assert system_balance(ledger.system_account(SystemCode.FEE_RECOVERED, "NGN").pk) == recovered
    assert (deposit.reviewed_by, suspense()) == (staff, ZERO)
    assert "The customer called" in deposit.review_note
    assert "500000" in deposit.review_note
    assert deposit.receipts.count() == 1
    assert books.verify().differences == []


def test_money_is_decided_about_once(staff: Any) -> None:
    deposit = make_suspended_deposit()
    reviews.credit(deposit_id=deposit.pk, actor=staff, reason="yes")

    for decide in (reviews.credit, reviews.send_back, reviews.write_off):
        with pytest.raises(ReviewDecided):
            decide(deposit_id=deposit.pk, actor=staff, reason="again")

    assert wallet(deposit.user_id or 0).available == Decimal(2)


@pytest.mark.parametrize("decide", [reviews.credit, reviews.send_back, reviews.write_off])
def test_what_its_bank_claims_back_is_decided_by_the_dispute(
    far: FakePaystack, staff: Any, decide: Any
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, amount=300_000, requested_amount=300_000)
    deposit = settling.settle(deposit.pk, force=True)
    make_dispute(deposit, far)

    with pytest.raises(ReviewNotPossible, match="claims it back"):
        decide(deposit_id=deposit.pk, actor=staff, reason="yes")

    assert (wallet(deposit.user_id or 0).balance, suspense()) == (ZERO, Decimal(3000))
    assert Refund.objects.count() == 0


def test_decision_needs_a_reason(staff: Any) -> None:
    deposit = make_suspended_deposit()

    with pytest.raises(ValueError, match="reason"):
        reviews.credit(deposit_id=deposit.pk, actor=staff, reason="  ")


def test_what_is_not_under_review_is_not_decided_about(staff: Any) -> None:
    for deposit in (make_deposit(), make_credited_deposit()):
        with pytest.raises(ReviewDecided):
            reviews.credit(deposit_id=deposit.pk, actor=staff, reason="why not")


@pytest.mark.parametrize("paid", [{"currency": "GHS"}, {"domain": "live"}])
def test_money_without_a_rate_or_of_another_mode_is_not_credited(staff: Any, paid: dict[str, Any]) -> None:
    deposit = suspended(**paid)

    with pytest.raises(ReviewNotPossible):
        reviews.credit(deposit_id=deposit.pk, actor=staff, reason="yes")

    assert wallet(deposit.user_id or 0).balance == 0


def test_money_of_nobody_is_given_to_somebody_and_credited_at_todays_rate(
    far: FakePaystack, staff: Any
) -> None:
    make_rate("1500")
    user = make_customer()
    deposit = settling.receive(far.pay_uninvited("T1", 800_000))
    with pytest.raises(ReviewNotPossible):
        reviews.credit(deposit_id=deposit.pk, actor=staff, reason="whose?")
    make_rate("1600")

    reviews.attach(deposit_id=deposit.pk, user=user, actor=staff, reason="Sent us the slip")
    deposit = reviews.credit(deposit_id=deposit.pk, actor=staff, reason="as attached")

    assert (deposit.rate, wallet(user.pk).available) == (Decimal(1600), Decimal(5))
    assert books.verify().differences == []


def test_money_of_somebody_is_not_given_to_somebody_else(staff: Any) -> None:
    deposit = make_suspended_deposit()

    with pytest.raises(ReviewNotPossible):
        reviews.attach(deposit_id=deposit.pk, user=make_customer(), actor=staff, reason="no")


def test_money_of_nobody_waits_for_a_rate(far: FakePaystack, staff: Any) -> None:
    deposit = settling.receive(far.pay_uninvited("T1", 800_000))

    with pytest.raises(RateTooOld):
        reviews.attach(deposit_id=deposit.pk, user=make_customer(), actor=staff, reason="slip")


def test_money_sent_back_stays_in_suspense_until_paystack_has_refunded_it(
    far: FakePaystack, staff: Any
) -> None:
    deposit = make_suspended_deposit(far=far)

    refund = reviews.send_back(deposit_id=deposit.pk, actor=staff, reason="Not ours")
    refund_sending.send(refund.pk)
    assert suspense() == Decimal(3000)
    assert books.verify().differences == []
    with pytest.raises(ReviewDecided):
        reviews.credit(deposit_id=deposit.pk, actor=staff, reason="and credit it, too")
    refund.refresh_from_db()
    far.set_refund(refund.paystack_id or 0, "processed")
    refund_sending.look(refund.pk)

    deposit.refresh_from_db()
    assert (deposit.status, suspense()) == (DepositStatus.REVERSED, ZERO)
    assert Refund.objects.get().status == RefundStatus.PROCESSED
    assert books.verify().differences == []


def test_money_of_another_mode_is_written_off_whole(staff: Any) -> None:
    deposit = suspended(domain="live")

    deposit = reviews.write_off(deposit_id=deposit.pk, actor=staff, reason="A test payment")

    assert (deposit.status, suspense()) == (DepositStatus.FAILED, ZERO)
    assert system_balance(ledger.system_account(SystemCode.PAYSTACK_CLEARING, "NGN").pk) == 0
    assert system_balance(ledger.system_account(SystemCode.PSP_FEES, "NGN").pk) == 0
    assert books.verify().differences == []


def test_customer_is_told_that_there_was_no_money_and_no_decline_is_counted(staff: Any) -> None:
    deposit = suspended(domain="live")

    reviews.write_off(deposit_id=deposit.pk, actor=staff, reason="A test payment")

    deposit.refresh_from_db()
    state = deposit_state(deposit)
    assert (state.label, state.can_retry) == ("Closed", False)
    assert "no money of it has reached us" in state.sentence
    assert [entry.label for entry in state.timeline][-1] == "Closed: no money has reached us"
    assert "bank" not in state.sentence
    (email,) = OutgoingEmail.objects.filter(template="deposit_closed")
    assert (email.user_id, email.context["amount"]) == (deposit.user_id, "₦5,000.00")
    assert deposit_limits.usage(deposit.user_id or 0, "NGN").declines == 0


def test_written_off_money_does_not_come_again(far: FakePaystack, staff: Any) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, domain="live")
    settling.settle(deposit.pk)
    reviews.write_off(deposit_id=deposit.pk, actor=staff, reason="A test payment")
    before = Transfer.objects.count()

    settling.settle(deposit.pk, force=True)

    assert Transfer.objects.count() == before


def test_real_money_is_not_written_off_and_unreal_money_not_sent_back(staff: Any) -> None:
    with pytest.raises(ReviewNotPossible):
        reviews.write_off(deposit_id=make_suspended_deposit().pk, actor=staff, reason="no")
    with pytest.raises(ReviewNotPossible):
        reviews.send_back(deposit_id=suspended(domain="live").pk, actor=staff, reason="no")


def test_payment_booked_for_another_deposit_is_closed_without_money(staff: Any) -> None:
    first, second = make_credited_deposit(), make_deposit()
    settling.apply(second.pk, make_transaction(second, id=first.paystack_id))
    before = Transfer.objects.count()

    second = reviews.write_off(deposit_id=second.pk, actor=staff, reason="Booked for the other")

    assert (second.status, second.review_reason) == (DepositStatus.FAILED, ReviewReason.UNKNOWN_REFERENCE)
    assert Transfer.objects.count() == before
