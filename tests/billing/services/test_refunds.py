"""What may go back, the request, and what staff decides about it."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import OutgoingEmail, User
from billing.enums import DepositStatus, RefundStatus, SystemCode
from billing.exceptions import (
    DepositNotRefundable,
    RefundDecided,
    RefundTooLarge,
    RefundTooSmall,
    UnknownRefund,
)
from billing.models import Deposit, Refund
from billing.selectors import system_balance, wallet
from billing.services import books, ledger, refund_sending, refunds
from namaskah.lib import queueing
from tests.factories.accounts import StaffFactory
from tests.factories.billing import make_customer, make_wallet
from tests.factories.payments import make_credited_deposit, make_deposit, make_suspended_deposit
from tests.factories.returns import make_refund, make_sent_refund, spend
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
CREDIT = Decimal("3.3333")  # 5,000 naira at 1,500 for a dollar


@pytest.fixture
def deposit(far: FakePaystack) -> Deposit:
    return make_credited_deposit(far=far)


@pytest.fixture
def owner(deposit: Deposit) -> User:
    assert deposit.user is not None
    return deposit.user


def most(user: User) -> list[int]:
    return [row.most_subunits for row in refunds.refundable(user.pk)]


# --- What may go back -------------------------------------------------------------------------------------------------


def test_unspent_deposits_are_refundable_newest_first(far: FakePaystack, owner: User) -> None:
    make_credited_deposit(owner, 100_000, far=far)

    rows = refunds.refundable(owner.pk)

    assert [(row.most_subunits, row.wallet_amount) for row in rows] == [
        (100_000, Decimal("0.6666")),
        (500_000, CREDIT),
    ]


def test_spent_money_is_not_refundable(owner: User) -> None:
    spend(owner, "0.35")

    (row,) = refunds.refundable(owner.pk)

    assert row.most_subunits == int((CREDIT - Decimal("0.35")) * 500_000 / CREDIT)
    assert row.wallet_amount <= CREDIT - Decimal("0.35")
    assert row.left_subunits == 500_000


def test_everything_spent_leaves_nothing(owner: User) -> None:
    spend(owner, str(CREDIT))

    assert refunds.refundable(owner.pk) == []


def test_credit_from_support_is_not_refundable(owner: User) -> None:
    spend(owner, str(CREDIT))
    make_wallet("2.00", user=owner)

    assert refunds.refundable(owner.pk) == []


def test_own_money_counts_as_spent_before_credit_from_support(owner: User) -> None:
    make_wallet("2.00", user=owner)
    spend(owner, "3.0000")

    (row,) = refunds.refundable(owner.pk)

    assert row.wallet_amount <= Decimal("0.3333")
    assert row.most_subunits == int(Decimal("0.3333") * 500_000 / CREDIT)


def test_credit_from_support_that_was_spent_takes_nothing_from_a_later_deposit(
    far: FakePaystack, owner: User
) -> None:
    spend(owner, str(CREDIT))
    make_wallet("2.00", user=owner)
    spend(owner, "2.00")
    make_credited_deposit(owner, 100_000, far=far)

    assert most(owner)[0] == 100_000


@pytest.mark.parametrize(
    "changes",
    [
        {"credited_at": timezone.now() - dt.timedelta(days=91)},
        {"status": DepositStatus.REVERSED},
        {"refunded_subunits": 500_000},
    ],
)
def test_deposit_too_old_reversed_or_refunded_is_not_refundable(
    deposit: Deposit, owner: User, changes: dict[str, object]
) -> None:
    Deposit.objects.filter(pk=deposit.pk).update(**changes)

    assert refunds.refundable(owner.pk) == []
    with pytest.raises(DepositNotRefundable):
        make_refund(deposit)


def test_deposit_that_was_not_paid_is_not_refundable() -> None:
    pending = make_deposit(make_wallet("10.00").user)

    with pytest.raises(DepositNotRefundable):
        make_refund(pending)


# --- The request ------------------------------------------------------------------------------------------------------


def test_request_holds_the_share_of_the_wallet(deposit: Deposit, owner: User) -> None:
    refund = make_refund(deposit)

    deposit.refresh_from_db()
    assert (refund.status, refund.wallet_amount, deposit.refunded_subunits) == ("requested", CREDIT, 500_000)
    assert (wallet(owner.pk).available, wallet(owner.pk).held) == (Decimal(0), CREDIT)
    assert refund.token.startswith("nmr-")
    assert OutgoingEmail.objects.filter(template="refund_requested", user=owner).count() == 1
    assert books.verify().differences == []


def test_parts_of_a_deposit_take_exactly_its_credit_together(deposit: Deposit, owner: User) -> None:
    parts = [make_refund(deposit, amount) for amount in (166_667, 166_667, 166_666)]

    assert sum(part.wallet_amount for part in parts) == CREDIT
    assert wallet(owner.pk).available == 0


@pytest.mark.parametrize("amount", [10_000, 10_001, 10_007, 33_333, 499_999])
def test_rounding_never_gains_the_customer_anything(deposit: Deposit, amount: int) -> None:
    refund = make_refund(deposit, amount)

    assert refund.wallet_amount * 500_000 >= CREDIT * amount


def test_more_than_is_unspent_is_refused_with_what_is_possible(deposit: Deposit, owner: User) -> None:
    spend(owner, "0.35")

    with pytest.raises(RefundTooLarge) as caught:
        make_refund(deposit)

    assert caught.value.most_subunits == most(owner)[0]
    assert Refund.objects.count() == 0
    assert wallet(owner.pk).held == 0


@pytest.mark.parametrize("amount", [0, -5])
def test_nothing_is_no_refund(deposit: Deposit, amount: int) -> None:
    with pytest.raises(RefundTooSmall):
        make_refund(deposit, amount)


def test_minimum_of_the_currency_is_kept(far: FakePaystack) -> None:
    dollars = make_credited_deposit(far=far, amount_subunits=500, charge_currency="USD", rate="1")

    with pytest.raises(RefundTooSmall, match=r"\$1\.00"):
        make_refund(dollars, 99)
    assert make_refund(dollars, 100).wallet_amount == Decimal(1)


def test_less_than_the_minimum_goes_back_only_as_the_last_of_a_deposit(deposit: Deposit) -> None:
    with pytest.raises(RefundTooSmall, match="₦100.00"):
        make_refund(deposit, 9_999)

    make_refund(deposit, deposit.amount_subunits - 5_000)
    deposit.refresh_from_db()

    with pytest.raises(RefundTooSmall):
        make_refund(deposit, 4_999)
    assert make_refund(deposit, 5_000).amount_subunits == 5_000


def test_deposit_of_somebody_else_is_not_refundable(deposit: Deposit) -> None:
    with pytest.raises(DepositNotRefundable):
        refunds.request(
            deposit_id=deposit.pk, user=make_customer(), amount_subunits=1_000, form_key=uuid.uuid4()
        )


def test_form_sent_twice_is_one_refund(deposit: Deposit, owner: User) -> None:
    key = uuid.uuid4()

    first, second = (make_refund(deposit, 100_000, form_key=key) for _ in range(2))

    assert first == second
    deposit.refresh_from_db()
    assert deposit.refunded_subunits == 100_000


def test_form_sent_for_two_deposits_is_one_refund(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    key, other = uuid.uuid4(), make_credited_deposit(owner, far=far)

    first, second = (make_refund(one, 100_000, form_key=key) for one in (deposit, other))

    assert first == second


def test_small_refund_is_sent_without_staff(
    deposit: Deposit,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.REFUND_AUTO_MAX = CREDIT
    queued: list[tuple[object, ...]] = []
    monkeypatch.setattr(queueing, "_send", lambda *task: queued.append(task))

    with django_capture_on_commit_callbacks(execute=True):
        refund = make_refund(deposit)

    assert refund.status == RefundStatus.HELD
    assert ("billing.send_refund", (str(refund.pk),)) in [task[:2] for task in queued]


def test_splitting_does_not_get_past_the_automatic_limit(deposit: Deposit, settings: Settings) -> None:
    settings.REFUND_AUTO_MAX = Decimal("2.00")

    statuses = [make_refund(deposit, 250_000).status for _ in range(2)]

    assert statuses == ["held", "requested"]


# --- The decision -----------------------------------------------------------------------------------------------------


def test_approved_refund_is_about_to_be_sent(deposit: Deposit) -> None:
    staff = StaffFactory.create()

    approved = refunds.approve(refund_id=make_refund(deposit).pk, actor=staff, reason="unused")

    assert (approved.status, approved.decided_by, approved.note) == ("held", staff, "Approved: unused")


def test_approving_again_changes_nothing(deposit: Deposit, far: FakePaystack) -> None:
    refund = make_sent_refund(deposit)

    again = refunds.approve(refund_id=refund.pk, actor=StaffFactory.create(), reason="twice")

    assert again.status == RefundStatus.PENDING
    assert far.count("refund") == 1


def test_refused_refund_returns_the_money_once(deposit: Deposit, owner: User) -> None:
    refund, staff = make_refund(deposit), StaffFactory.create()

    for _ in range(2):
        refused = refunds.refuse(refund_id=refund.pk, actor=staff, reason="abuse")

    deposit.refresh_from_db()
    assert (refused.status, refused.decided_by, deposit.refunded_subunits) == ("refused", staff, 0)
    assert (wallet(owner.pk).available, wallet(owner.pk).held) == (CREDIT, Decimal(0))
    assert OutgoingEmail.objects.filter(template="refund_failed", user=owner).count() == 1
    assert books.verify().differences == []


def test_refused_refund_is_not_approved_and_sent_one_not_refused(deposit: Deposit, far: FakePaystack) -> None:
    staff, refused, sent = (
        StaffFactory.create(),
        make_refund(deposit, 100_000),
        make_sent_refund(deposit, 100_000),
    )
    refunds.refuse(refund_id=refused.pk, actor=staff, reason="no")

    with pytest.raises(RefundDecided):
        refunds.approve(refund_id=refused.pk, actor=staff, reason="yes")
    with pytest.raises(RefundDecided):
        refunds.refuse(refund_id=sent.pk, actor=staff, reason="no")


def test_unknown_refund_is_said_to_be_unknown() -> None:
    with pytest.raises(UnknownRefund):
        refunds.approve(refund_id=uuid.uuid4(), actor=StaffFactory.create(), reason="x")


# --- Money under review -----------------------------------------------------------------------------------------------


def test_money_under_review_goes_back_whole(far: FakePaystack) -> None:
    staff, deposit = StaffFactory.create(), make_suspended_deposit(far=far)

    refund = refunds.return_suspense(deposit_id=deposit.pk, actor=staff, reason="short")
    refund_sending.send(refund.pk)
    far.set_refund(next(iter(far.refunds_by_id)), "processed")
    refunds.look(transaction_reference=deposit.reference)

    refund.refresh_from_db()
    deposit.refresh_from_db()
    assert (refund.status, refund.wallet_amount, refund.amount_subunits) == ("processed", Decimal(0), 300_000)
    assert (deposit.status, deposit.refunded_subunits) == (DepositStatus.REVERSED, 300_000)
    assert system_balance(ledger.system_account(SystemCode.SUSPENSE, "NGN").pk) == 0
    assert books.verify().differences == []


def test_payment_above_what_was_asked_goes_back_whole(far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far, paid_subunits=700_000)

    refund = refunds.return_suspense(deposit_id=deposit.pk, actor=StaffFactory.create(), reason="over")

    deposit.refresh_from_db()
    assert (refund.amount_subunits, deposit.refunded_subunits) == (700_000, 700_000)


def test_money_under_review_goes_back_once(far: FakePaystack) -> None:
    staff, deposit = StaffFactory.create(), make_suspended_deposit(far=far)

    first, second = (
        refunds.return_suspense(deposit_id=deposit.pk, actor=staff, reason="short") for _ in range(2)
    )

    assert first == second


def test_credited_deposit_is_not_returned_as_if_under_review(deposit: Deposit) -> None:
    with pytest.raises(DepositNotRefundable):
        refunds.return_suspense(deposit_id=deposit.pk, actor=StaffFactory.create(), reason="x")
