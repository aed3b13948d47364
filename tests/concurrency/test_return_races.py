"""Refunds and disputes under fire on real PostgreSQL. Each race has a twin with its guard taken out, which must go wrong."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Event, User
from billing import locks
from billing.enums import RefundStatus
from billing.exceptions import DepositNotRefundable, RefundDecided
from billing.models import Deposit, Dispute, Receipt, Refund, Transfer
from billing.paystack.errors import OutcomeUnknown, PaystackError
from billing.selectors import returns, wallet
from billing.services import books, disputes, receivables, refund_outcomes, refund_sending, refunds, shares
from namaskah.exceptions import DomainError
from tests.concurrency.racing import Meeting, both, meet_after, of, race, without
from tests.factories.accounts import StaffFactory
from tests.factories.billing import make_hold, make_wallet
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import end_dispute, make_dispute, make_due, make_refund, make_sent_refund, spend
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db(transaction=True)
CREDIT = Decimal("3.3333")
HALF = 250_000
ZERO = Decimal(0)


@pytest.fixture
def deposit(far: FakePaystack) -> Deposit:
    """One of two equal deposits, so that the wallet alone would cover taking it back twice."""
    deposit = make_credited_deposit(far=far)
    make_credited_deposit(deposit.user, far=far)
    return deposit


@pytest.fixture
def owner(deposit: Deposit) -> User:
    assert deposit.user is not None
    return deposit.user


@pytest.fixture
def held(deposit: Deposit) -> Refund:
    """Half of the deposit, about to be sent: Paystack would take a second one like it."""
    refund = make_refund(deposit, HALF)
    return refunds.approve(refund_id=refund.pk, actor=StaffFactory.create(), reason="test")


def without_deposit_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of deposits becomes a plain read."""
    monkeypatch.setattr(locks, "lock_deposit", lambda deposit_id: Deposit.objects.get(pk=deposit_id))


def without_account_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger reads the account instead of locking it."""
    monkeypatch.setattr(locks, "LOCK_ACCOUNT", locks.LOCK_ACCOUNT.replace("FOR NO KEY UPDATE", ""))
    monkeypatch.setattr(locks, "LOCK_HOLD", locks.LOCK_HOLD.replace("FOR NO KEY UPDATE OF a", ""))


def without_refund_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deposit and refund are read as they are."""

    def read(refund_id: uuid.UUID) -> tuple[Deposit, Refund]:
        refund = Refund.objects.select_related("deposit", "hold").get(pk=refund_id)
        return refund.deposit, refund

    monkeypatch.setattr(refund_outcomes, "lock", read)


def figures(user: User) -> tuple[Decimal, Decimal]:
    now = wallet(user.pk)
    return now.available, now.held


def refunded(deposit: Deposit) -> int:
    return Deposit.objects.get(pk=deposit.pk).refunded_subunits


def half_requests(deposit: Deposit) -> Callable[[int], object]:
    return lambda _: make_refund(deposit, HALF, form_key=uuid.uuid4())


# --- one deposit, refunded once ---------------------------------------------------------------------------------------


def test_deposit_asked_back_from_many_connections_goes_back_once(deposit: Deposit, owner: User) -> None:
    results = race(16, half_requests(deposit))

    assert (len(of(Refund, results)), len(of(DepositNotRefundable, results))) == (2, 14)
    assert refunded(deposit) == deposit.amount_subunits
    assert figures(owner) == (CREDIT, CREDIT)
    assert books.verify().differences == []


def test_form_sent_by_many_tabs_at_once_is_one_refund(deposit: Deposit) -> None:
    key = uuid.uuid4()

    results = race(16, lambda _: make_refund(deposit, HALF, form_key=key))

    assert {refund.pk for refund in of(Refund, results)} == {Refund.objects.get().pk}
    assert len(of(Refund, results)) == 16


def test_form_sent_at_once_for_two_deposits_is_one_refund(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    key, other = uuid.uuid4(), Deposit.objects.exclude(pk=deposit.pk).get()

    results = both(*(lambda one=one: make_refund(one, HALF, form_key=key) for one in (deposit, other)))

    assert {refund.pk for refund in of(Refund, results)} == {Refund.objects.get().pk}
    assert refunded(deposit) + refunded(other) == HALF


def test_twin_without_locks_and_check_refunds_more_than_the_deposit(
    deposit: Deposit, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_deposit_lock(monkeypatch)
    without_account_lock(monkeypatch)
    meet_after(monkeypatch, refunds, "unspent", parties=3)
    meet_after(monkeypatch, refunds, "_wallet_share", parties=3)

    with without("deposit_refunds_within_amount"):
        results = race(3, half_requests(deposit))

        assert len(of(Refund, results)) == 3
        assert refunded(deposit) == 3 * HALF > deposit.amount_subunits


def test_check_alone_still_refunds_no_more_than_the_deposit(
    deposit: Deposit, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_deposit_lock(monkeypatch)
    without_account_lock(monkeypatch)
    meet_after(monkeypatch, refunds, "unspent", parties=3)
    meet_after(monkeypatch, refunds, "_wallet_share", parties=3)

    results = race(3, half_requests(deposit))

    assert (len(of(Refund, results)), len(of(IntegrityError, results))) == (2, 1)
    assert refunded(deposit) == deposit.amount_subunits


def test_unspent_money_goes_back_once_of_whichever_deposit(deposit: Deposit, owner: User) -> None:
    spend(owner, str(CREDIT))
    ids = list(Deposit.objects.filter(user=owner).values_list("pk", flat=True))

    results = race(
        16,
        lambda index: refunds.request(
            deposit_id=ids[index % 2], user=owner, amount_subunits=500_000, form_key=uuid.uuid4()
        ),
    )

    assert len(of(Refund, results)) == 1
    assert figures(owner) == (ZERO, CREDIT)


# --- one refund, one decision, one sending ----------------------------------------------------------------------------


@pytest.mark.parametrize("round_", range(5))
def test_approving_and_refusing_at_once_has_one_end(
    deposit: Deposit, owner: User, far: FakePaystack, round_: int
) -> None:
    refund, staff = make_refund(deposit, HALF), StaffFactory.create()

    def act(index: int) -> object:
        decide = (refunds.approve, refunds.refuse)[index % 2]
        decide(refund_id=refund.pk, actor=staff, reason="race")
        return refund_sending.send(refund.pk)

    race(16, act)

    refund.refresh_from_db()
    is_out = refund.status == RefundStatus.PENDING
    assert refund.status in (RefundStatus.PENDING, RefundStatus.REFUSED)
    assert (far.count("refund"), refunded(deposit)) == ((1, HALF) if is_out else (0, 0))
    assert figures(owner)[1] == (refund.wallet_amount if is_out else ZERO)
    assert books.verify().differences == []


def test_refusing_while_it_is_sent_has_one_winner(held: Refund, owner: User, far: FakePaystack) -> None:
    staff = StaffFactory.create()

    both(
        lambda: refund_sending.send(held.pk),
        lambda: refunds.refuse(refund_id=held.pk, actor=staff, reason="race"),
    )

    released = Transfer.objects.filter(code="refund_release").count()
    assert far.count("refund") + released == 1


def test_twin_refusing_while_it_is_sent_without_the_lock_pays_and_gives_back(
    held: Refund, owner: User, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = StaffFactory.create()
    without_refund_lock(monkeypatch)
    meet_after(monkeypatch, refund_outcomes, "lock")

    both(
        lambda: refund_sending.send(held.pk),
        lambda: refunds.refuse(refund_id=held.pk, actor=staff, reason="race"),
    )

    assert (far.count("refund"), Transfer.objects.filter(code="refund_release").count()) == (1, 1)


def test_refund_sent_by_many_workers_is_sent_once(held: Refund, far: FakePaystack) -> None:
    make_due(held)

    race(16, lambda index: refund_sending.sweep() if index % 2 else refund_sending.send(held.pk))

    assert far.count("refund") == 1


def test_twin_refund_sent_by_two_workers_without_the_lock_is_paid_twice(
    held: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_refund_lock(monkeypatch)
    meet_after(monkeypatch, refund_outcomes, "lock")

    both(lambda: refund_sending.send(held.pk), lambda: refund_sending.send(held.pk))

    assert len(far.refunds_by_id) == 2


# --- news of a refund, told once --------------------------------------------------------------------------------------


def test_storm_of_looks_finishes_a_refund_once(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    refund = make_sent_refund(deposit)
    far.set_refund(refund.paystack_id or 0, "processed")

    results = race(64, lambda _: refunds.look(transaction_reference=deposit.reference))

    assert of(Exception, results) == []
    assert Event.objects.filter(type="refund.processed").count() == 1
    assert Receipt.objects.filter(refund=refund).count() == 1
    assert Transfer.objects.filter(code__in=["refund_capture", "refund_paid"]).count() == 2
    assert figures(owner) == (CREDIT, ZERO)
    assert books.verify().differences == []


def test_storm_of_looks_gives_a_failed_refund_back_once(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    refund = make_sent_refund(deposit, HALF)
    make_sent_refund(deposit, HALF)
    far.set_refund(refund.paystack_id or 0, "failed")

    race(64, lambda _: refunds.look(transaction_reference=deposit.reference))

    assert refunded(deposit) == HALF
    assert books.verify().differences == []


def test_twin_looks_without_the_lock_give_a_failed_refund_back_twice(
    deposit: Deposit, owner: User, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = make_sent_refund(deposit, HALF)
    make_sent_refund(deposit, HALF)
    far.set_refund(refund.paystack_id or 0, "failed")
    without_refund_lock(monkeypatch)
    meet_after(monkeypatch, refund_outcomes, "lock")

    both(lambda: refund_sending.look(refund.pk), lambda: refund_sending.look(refund.pk))

    assert refunded(deposit) == 0  # the other half is still on its way


FAULTS: list[PaystackError | None] = [None, OutcomeUnknown()]


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_refund_is_made_at_most_once_however_workers_and_faults_interleave(
    far: FakePaystack, block: int
) -> None:
    for seed in range(block * 10, block * 10 + 10):
        dice = random.Random(seed)
        far.refunds_by_id.clear()
        deposit = make_credited_deposit(far=far)
        refund = make_refund(deposit, HALF)
        refunds.approve(refund_id=refund.pk, actor=StaffFactory.create(), reason="test")
        if fault := dice.choice(FAULTS):
            dice.choice([far.fail, far.fail_after])("refund", fault)
        make_due(refund)
        acts: list[Callable[[], object]] = [
            lambda: refund_sending.send(refund.pk),  # noqa: B023  # run within this turn
            refund_sending.sweep,
            lambda: refunds.look(transaction_reference=deposit.reference),  # noqa: B023
        ]
        plan = [dice.choice(acts) for _ in range(12)]

        results = race(12, lambda index: plan[index](), workers=6)  # noqa: B023

        assert of(Exception, results) == [], seed
        assert len(far.refunds_by_id) <= 1, seed
        assert far.calls.count(("refund", refund.token)) <= 1, seed
    assert books.verify().differences == []


# --- disputes ---------------------------------------------------------------------------------------------------------


def test_storm_about_a_new_dispute_freezes_once(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    fact = far.open_dispute(deposit.reference)

    results = race(64, lambda _: disputes.look(fact.id))

    assert of(Exception, results) == []
    assert figures(owner) == (CREDIT, CREDIT)
    assert Dispute.objects.get().shortfall == ZERO
    assert books.verify().differences == []


def unplaced(deposit: Deposit, far: FakePaystack) -> Dispute:
    """A dispute that came before its payment was known; the next look freezes."""
    known = deposit.paystack_id
    Deposit.objects.filter(pk=deposit.pk).update(paystack_id=1, reference="hidden")
    dispute = make_dispute(deposit, far)
    Deposit.objects.filter(pk=deposit.pk).update(paystack_id=known, reference=deposit.reference)
    return dispute


def test_dispute_that_finds_its_payment_freezes_once(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    spend(owner, str(CREDIT))
    dispute = unplaced(deposit, far)

    race(16, lambda _: disputes.look(dispute.paystack_id))

    dispute.refresh_from_db()
    assert (dispute.wallet_amount, dispute.shortfall, figures(owner)) == (CREDIT, ZERO, (ZERO, CREDIT))


def test_twin_dispute_that_finds_its_payment_without_locks_forgets_its_hold(
    deposit: Deposit, owner: User, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(owner, str(CREDIT))
    dispute = unplaced(deposit, far)
    without_deposit_lock(monkeypatch)
    monkeypatch.setattr(
        disputes,
        "_row",
        lambda fact, _: (Dispute.objects.select_related("hold").get(paystack_id=fact.id), False),
    )
    monkeypatch.setattr(disputes, "_copy", _only_place)
    meet_after(monkeypatch, disputes, "_row")

    both(lambda: disputes.look(dispute.paystack_id), lambda: disputes.look(dispute.paystack_id))

    dispute.refresh_from_db()
    assert figures(owner) == (ZERO, CREDIT)
    assert (dispute.hold, dispute.shortfall) == (None, CREDIT)  # held, and nobody knows why


def _only_place(dispute: Dispute, fact: object, deposit: Deposit | None) -> None:
    """Set what freezing needs, without the UPDATE that would make the second look wait for the first."""
    dispute.deposit, dispute.user = deposit, deposit.user if deposit else None


def test_dispute_and_refund_at_once_take_no_more_than_the_deposit_credited(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    fact = far.open_dispute(deposit.reference)

    both(lambda: disputes.look(fact.id), lambda: make_refund(deposit, form_key=uuid.uuid4()))

    assert figures(owner) == (CREDIT, CREDIT)
    assert refunded(deposit) == 0
    assert books.verify().differences == []


def test_twin_dispute_and_refund_without_the_lock_take_the_deposit_twice(
    deposit: Deposit, owner: User, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    fact = far.open_dispute(deposit.reference)
    without_deposit_lock(monkeypatch)
    without_account_lock(monkeypatch)
    meeting = Meeting()
    unspent, refuse_unsent = returns.unspent, refund_outcomes.refuse_unsent

    def unspent_together(user_id: int) -> Decimal:
        meeting.wait()
        return unspent(user_id)

    def refuse_together(deposit: Deposit) -> None:
        refuse_unsent(deposit)
        meeting.wait()

    monkeypatch.setattr(refunds, "unspent", unspent_together)
    monkeypatch.setattr(refund_outcomes, "refuse_unsent", refuse_together)
    meet_after(monkeypatch, shares, "left_of_credit")

    results = both(lambda: disputes.look(fact.id), lambda: make_refund(deposit, form_key=uuid.uuid4()))

    assert of(Exception, results) == []
    assert figures(owner) == (ZERO, 2 * CREDIT)


def test_freezing_while_the_money_is_spent_never_overdraws(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    fact = far.open_dispute(deposit.reference)
    account = make_wallet("0", user=owner)

    race(24, lambda index: make_hold(account, "0.35") if index % 3 else disputes.look(fact.id))

    dispute = Dispute.objects.get()
    end_dispute(dispute, far, "auto-accepted")
    assert wallet(owner.pk).available >= 0
    assert dispute.wallet_amount == CREDIT
    assert books.verify().differences == []


def test_storm_about_the_end_of_a_dispute_concludes_once(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    spend(owner, str(CREDIT + Decimal("1.0000")))
    dispute = make_dispute(deposit, far)
    known = far.disputes_by_id[dispute.paystack_id]
    far.disputes_by_id[dispute.paystack_id] = replace(known, status="resolved", resolution="auto-accepted")

    results = race(64, lambda _: disputes.look(dispute.paystack_id))

    assert of(Exception, results) == []
    ends = Transfer.objects.filter(code__in=["dispute_capture", "dispute_paid", "receivable"])
    assert ends.count() == 3
    assert receivables.owed_by(owner.pk) == Decimal("1.0000")
    assert books.verify().differences == []


def test_answer_given_by_two_at_once_is_given_once(deposit: Deposit, far: FakePaystack) -> None:
    dispute, staff = make_dispute(deposit, far), StaffFactory.create()

    results = race(8, lambda _: disputes.accept(dispute_id=dispute.pk, actor=staff, reason="race"))

    assert far.count("resolve_dispute") == 1
    assert len(of(Dispute, results)) == 1
    assert len(of(DomainError, results)) == 7


# --- debts ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def debtor(far: FakePaystack) -> User:
    """Owes what one deposit credited, and has ten dollars."""
    deposit = make_credited_deposit(far=far)
    assert deposit.user is not None
    spend(deposit.user, str(CREDIT))
    end_dispute(make_dispute(deposit, far), far, "merchant-accepted")
    make_wallet("10.00", user=deposit.user)
    return deposit.user


def collect(user: User) -> Callable[[int], object]:
    def act(index: int) -> None:
        with transaction.atomic():
            receivables.collect(user_id=user.pk, key=f"receivable:{index}")

    return act


def test_debt_is_collected_once_by_a_crowd(debtor: User) -> None:
    results = race(16, collect(debtor))

    assert of(Exception, results) == []
    assert (receivables.owed_by(debtor.pk), wallet(debtor.pk).available) == (ZERO, Decimal(10) - CREDIT)


def test_twin_debt_collected_without_the_lock_is_taken_twice(
    debtor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_account_lock(monkeypatch)
    meet_after(monkeypatch, receivables, "_owed")

    race(2, collect(debtor))

    monkeypatch.undo()
    assert receivables.owed_by(debtor.pk) == -CREDIT


def test_refund_decided_twice_at_once_is_decided_once(deposit: Deposit, far: FakePaystack) -> None:
    refund, staff = make_refund(deposit, HALF), StaffFactory.create()

    results = race(16, lambda _: refunds.refuse(refund_id=refund.pk, actor=staff, reason="race"))

    assert of(RefundDecided, results) == []
    assert refunded(deposit) == 0
    assert Transfer.objects.filter(code="refund_release").count() == 1
