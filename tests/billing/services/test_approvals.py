"""Above the limit two members of staff are needed: one asks, the other decides, and deciding carries it out once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.enums import ApprovalKind, DepositStatus, RefundStatus
from billing.exceptions import InsufficientFunds
from billing.models import Account, Approval, Transfer
from billing.selectors import wallet
from billing.services import approvals
from billing.services.approvals import AlreadyAsked, AlreadyDecided, NeedsAnother
from tests.factories.accounts import StaffFactory
from tests.factories.payments import make_credited_deposit, make_suspended_deposit
from tests.factories.returns import make_refund
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker() -> User:
    return StaffFactory.create()


@pytest.fixture
def second() -> User:
    return StaffFactory.create()


def ask(user: User, asker: User, amount: str = "250") -> Approval:
    return approvals.ask(
        kind=ApprovalKind.ADJUSTMENT,
        subject=f"user:{user.pk}",
        amount=Decimal(amount),
        reason="Outage of May",
        actor=asker,
    )


@pytest.mark.parametrize(
    ("amount", "needs"), [("200", False), ("200.0001", True), ("-200", False), ("-200.0001", True)]
)
def test_limit_counts_in_both_directions(settings: Settings, amount: str, needs: bool) -> None:
    settings.APPROVAL_ABOVE = Decimal(200)

    assert approvals.needs_second(Decimal(amount)) is needs


def test_asking_moves_nothing_and_is_written_down(customer: User, asker: User) -> None:
    approval = ask(customer, asker)

    assert wallet(customer.pk).available == 10
    assert (approval.decided_at, approval.asked_by) == (None, asker)
    assert LogEntry.objects.get(user=asker).get_change_message().endswith("Outage of May")


def test_second_member_of_staff_carries_it_out(customer: User, asker: User, second: User) -> None:
    approval = approvals.decide(approval_id=ask(customer, asker).pk, actor=second, approve=True)

    transfer = Transfer.objects.latest("sequence")
    assert wallet(customer.pk).available == 260
    assert (transfer.actor, transfer.key) == (second, f"approval:{approval.pk}")
    assert transfer.reason == f"Outage of May (asked for by staff {asker.pk})"
    assert (approval.is_approved, approval.decided_by) == (True, second)
    assert approval.outcome == f"transfer {transfer.sequence}"
    assert LogEntry.objects.filter(user=second).exists()


def test_refusal_moves_nothing(customer: User, asker: User, second: User) -> None:
    approval = approvals.decide(approval_id=ask(customer, asker).pk, actor=second, approve=False)

    assert approval.is_approved is False
    assert wallet(customer.pk).available == 10


def test_asker_cannot_decide(customer: User, asker: User) -> None:
    approval = ask(customer, asker)

    for approve in (True, False):
        with pytest.raises(NeedsAnother):
            approvals.decide(approval_id=approval.pk, actor=asker, approve=approve)

    assert wallet(customer.pk).available == 10


def test_asker_cannot_decide_in_the_database_either(customer: User, asker: User) -> None:
    approval = ask(customer, asker)

    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(
            decided_by=asker, decided_at=timezone.now(), is_approved=True
        )


def test_deciding_the_same_again_is_left_as_it_is(customer: User, asker: User, second: User) -> None:
    approval = ask(customer, asker)

    for _ in range(2):
        approvals.decide(approval_id=approval.pk, actor=second, approve=True)

    assert wallet(customer.pk).available == 260


@pytest.mark.parametrize("approve", [True, False])
def test_decision_of_another_stands(customer: User, asker: User, second: User, approve: bool) -> None:
    approval = ask(customer, asker)
    approvals.decide(approval_id=approval.pk, actor=second, approve=False)

    with pytest.raises(AlreadyDecided):
        approvals.decide(approval_id=approval.pk, actor=StaffFactory.create(), approve=approve)

    assert wallet(customer.pk).available == 10


def test_one_open_request_about_one_thing(customer: User, asker: User, second: User) -> None:
    approval = ask(customer, asker)

    with pytest.raises(AlreadyAsked):
        ask(customer, second, "300")

    approvals.decide(approval_id=approval.pk, actor=second, approve=False)
    assert ask(customer, second, "300").pk != approval.pk


def test_act_that_is_not_possible_leaves_the_request_open(
    account: Account, customer: User, asker: User, second: User
) -> None:
    approval = ask(customer, asker, "-250")

    with pytest.raises(InsufficientFunds):
        approvals.decide(approval_id=approval.pk, actor=second, approve=True)

    approval.refresh_from_db()
    assert approval.decided_at is None
    assert wallet(customer.pk).available == 10


def test_request_needs_a_reason(customer: User, asker: User) -> None:
    with pytest.raises(ValueError, match="reason"):
        approvals.ask(
            kind=ApprovalKind.ADJUSTMENT,
            subject=f"user:{customer.pk}",
            amount=Decimal(500),
            reason=" ",
            actor=asker,
        )


def test_approved_review_credits_the_customer(far: FakePaystack, asker: User, second: User) -> None:
    deposit = make_suspended_deposit(far=far)
    approval = approvals.ask(
        kind=ApprovalKind.REVIEW_CREDIT,
        subject=f"deposit:{deposit.pk}",
        amount=deposit.credit_amount,
        reason="Told us why",
        actor=asker,
    )

    approvals.decide(approval_id=approval.pk, actor=second, approve=True)

    deposit.refresh_from_db()
    assert (deposit.status, deposit.reviewed_by) == (DepositStatus.SUCCEEDED, second)
    assert wallet(deposit.user_id or 0).available == deposit.credit_amount == Decimal("2.0000")


def test_approved_refund_goes_out(far: FakePaystack, asker: User, second: User) -> None:
    refund = make_refund(make_credited_deposit(far=far))
    approval = approvals.ask(
        kind=ApprovalKind.REFUND,
        subject=f"refund:{refund.pk}",
        amount=refund.wallet_amount,
        reason="Asked politely",
        actor=asker,
    )

    approvals.decide(approval_id=approval.pk, actor=second, approve=True)

    refund.refresh_from_db()
    assert (refund.status, refund.decided_by) == (RefundStatus.HELD, second)
    assert far.count("refund") == 0  # a task sends it, outside this transaction


def test_approved_return_of_suspense_goes_out(far: FakePaystack, asker: User, second: User) -> None:
    deposit = make_suspended_deposit(far=far)
    approval = approvals.ask(
        kind=ApprovalKind.REFUND,
        subject=f"deposit:{deposit.pk}",
        amount=deposit.credit_amount,
        reason="Nobody's",
        actor=asker,
    )

    approvals.decide(approval_id=approval.pk, actor=second, approve=True)

    refund = deposit.refunds.get()
    assert (refund.status, refund.amount_subunits, refund.decided_by) == ("held", 300_000, second)
