"""A refund is sent at most once, whatever goes wrong, and followed to its end."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Event, OutgoingEmail, User
from billing.enums import RefundStatus, SystemCode
from billing.exceptions import RefundDecided
from billing.models import Deposit, Receipt, Refund
from billing.paystack.errors import (
    AlreadyRefunded,
    BadKey,
    NotFound,
    NotReached,
    OutcomeUnknown,
    PaystackError,
    RefundNotCovered,
    Refused,
    Throttled,
)
from billing.selectors import system_balance, wallet
from billing.services import books, ledger, refund_outcomes, refund_sending, refunds
from namaskah.exceptions import DomainError
from tests.factories.accounts import StaffFactory
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import make_due, make_refund, make_sent_refund
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
CREDIT = Decimal("3.3333")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def deposit(far: FakePaystack) -> Deposit:
    return make_credited_deposit(far=far)


@pytest.fixture
def owner(deposit: Deposit) -> User:
    assert deposit.user is not None
    return deposit.user


@pytest.fixture
def held(deposit: Deposit) -> Refund:
    """A refund of half the deposit that is about to be sent: Paystack would take a second one like it."""
    refund = make_refund(deposit, 250_000)
    return refunds.approve(refund_id=refund.pk, actor=StaffFactory.create(), reason="test")


def exchange(currency: str) -> Decimal:
    return system_balance(ledger.system_account(SystemCode.EXCHANGE, currency).pk)


def clearing() -> Decimal:
    return system_balance(ledger.system_account(SystemCode.PAYSTACK_CLEARING, "NGN").pk)


def status(refund: Refund) -> str:
    return Refund.objects.get(pk=refund.pk).status


# --- Sending and following --------------------------------------------------------------------------------------------


def test_refund_is_sent_with_our_token(held: Refund, far: FakePaystack) -> None:
    sent = refund_sending.send(held.pk)

    (fact,) = far.refunds_by_id.values()
    assert (sent.status, sent.paystack_id) == (RefundStatus.PENDING, fact.id)
    assert (fact.amount, fact.merchant_note) == (250_000, held.token)


def test_sending_again_calls_nobody(held: Refund, far: FakePaystack) -> None:
    for _ in range(3):
        refund_sending.send(held.pk)

    assert far.count("refund") == 1


def test_requested_refund_is_not_sent(deposit: Deposit, far: FakePaystack) -> None:
    refund = make_refund(deposit)

    assert refund_sending.send(refund.pk).status == RefundStatus.REQUESTED
    assert far.count("refund") == 0


def test_processed_refund_moves_the_money_in_both_currencies(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    before = clearing()
    refund = make_sent_refund(deposit)
    far.set_refund(refund.paystack_id or 0, "processed")

    refund_sending.look(refund.pk)

    assert status(refund) == RefundStatus.PROCESSED
    assert (wallet(owner.pk).balance, wallet(owner.pk).held) == (Decimal(0), Decimal(0))
    assert (exchange("USD"), exchange("NGN")) == (Decimal(0), Decimal(0))
    assert clearing() - before == Decimal(5000)
    assert Receipt.objects.filter(refund=refund).count() == 1
    assert OutgoingEmail.objects.filter(template="refund_processed", user=owner).count() == 1
    assert Event.objects.filter(type="refund.processed", subject=f"refund:{refund.pk}").count() == 1
    assert books.verify().differences == []


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("pending", "pending"),
        ("processing", "processing"),
        ("needs-attention", "needs_attention"),
        ("processed", "processed"),
        ("failed", "failed"),
        ("a new word", "pending"),
    ],
)
def test_refund_follows_paystack(held: Refund, far: FakePaystack, there: str, here: str) -> None:
    sent = refund_sending.send(held.pk)
    far.set_refund(sent.paystack_id or 0, there)
    make_due(sent)

    assert refund_sending.sweep() == 1

    assert status(held) == here


def test_failed_refund_returns_the_money_once(deposit: Deposit, owner: User, far: FakePaystack) -> None:
    refund = make_sent_refund(deposit)
    far.set_refund(refund.paystack_id or 0, "failed")

    for _ in range(3):
        refunds.look(transaction_reference=deposit.reference)

    deposit.refresh_from_db()
    assert (status(refund), deposit.refunded_subunits) == ("failed", 0)
    assert (wallet(owner.pk).available, wallet(owner.pk).held) == (CREDIT, Decimal(0))
    assert OutgoingEmail.objects.filter(template="refund_failed").count() == 1
    assert [row.most_subunits for row in refunds.refundable(owner.pk)] == [500_000]


def test_refund_that_ended_otherwise_there_moves_nothing(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    refund = make_sent_refund(deposit)
    fact = far.set_refund(refund.paystack_id or 0, "failed")
    refund_outcomes.apply(refund.pk, fact)

    refund_outcomes.apply(refund.pk, far.set_refund(refund.paystack_id or 0, "processed"))

    assert status(refund) == RefundStatus.FAILED
    assert wallet(owner.pk).available == CREDIT


def test_refund_of_another_amount_is_left_to_a_person(
    deposit: Deposit, owner: User, far: FakePaystack
) -> None:
    refund = make_sent_refund(deposit)
    far.refunds_by_id[refund.paystack_id or 0] = far.set_refund(
        refund.paystack_id or 0, "processed"
    ).__class__(id=refund.paystack_id or 0, status="processed", amount=1, currency="NGN")

    refund_sending.look(refund.pk)

    refund.refresh_from_db()
    assert refund.status == RefundStatus.PENDING
    assert "a person decides" in refund.note
    assert wallet(owner.pk).held == CREDIT


def test_webhook_about_somebody_elses_payment_is_no_news(far: FakePaystack, held: Refund) -> None:
    refunds.look(transaction_reference="nm-t-unknown")

    assert far.calls == []


# --- Definite answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [AlreadyRefunded(), Refused(), NotFound()])
def test_refusal_of_paystack_returns_the_money(
    held: Refund, owner: User, far: FakePaystack, error: PaystackError
) -> None:
    far.fail("refund", error)

    assert refund_sending.send(held.pk).status == RefundStatus.FAILED

    assert wallet(owner.pk).available == CREDIT
    assert books.verify().differences == []


@pytest.mark.parametrize("error", [RefundNotCovered(), NotReached(), Throttled(), BadKey()])
def test_refund_that_was_not_taken_yet_is_sent_later(
    held: Refund, owner: User, far: FakePaystack, error: PaystackError
) -> None:
    far.fail("refund", error)

    waiting = refund_sending.send(held.pk)

    assert (waiting.status, bool(waiting.note), waiting.sent_at) == ("held", True, None)
    assert waiting.next_look_at is not None
    assert waiting.next_look_at > timezone.now()
    assert wallet(owner.pk).held > 0
    make_due(waiting)
    refund_sending.sweep()
    assert (status(held), len(far.refunds_by_id)) == ("pending", 1)


def test_sweep_sends_what_the_task_has_not(held: Refund, far: FakePaystack) -> None:
    make_due(held)

    assert refund_sending.sweep() == 1

    assert status(held) == RefundStatus.PENDING


def test_refund_that_fails_to_be_looked_at_does_not_stop_the_others(
    held: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_sent_refund(make_credited_deposit(far=far))
    far.set_refund(other.paystack_id or 0, "processed")
    make_due(held)
    make_due(other)
    monkeypatch.setattr(refund_sending, "send", lambda refund_id: 1 / 0)

    assert refund_sending.sweep() == 1

    assert status(other) == RefundStatus.PROCESSED


# --- Unknown outcomes -------------------------------------------------------------------------------------------------


def lose_answer_before(far: FakePaystack) -> None:
    far.fail("refund", OutcomeUnknown())


def lose_answer_after(far: FakePaystack) -> None:
    far.fail_after("refund", OutcomeUnknown())


def test_lost_answer_is_found_by_our_token(held: Refund, far: FakePaystack) -> None:
    lose_answer_after(far)

    assert refund_sending.send(held.pk).status == RefundStatus.SENT
    make_due(held)
    refund_sending.sweep()

    found = Refund.objects.get(pk=held.pk)
    assert (found.status, found.paystack_id) == ("pending", next(iter(far.refunds_by_id)))
    assert far.count("refund") == 1


def test_equal_refund_of_somebody_else_is_not_taken_for_ours(held: Refund, far: FakePaystack) -> None:
    far.refund(
        transaction=held.deposit.reference, amount=250_000, currency="NGN", merchant_note="from the dashboard"
    )
    lose_answer_before(far)

    refund_sending.send(held.pk)
    make_due(held)
    refund_sending.sweep()

    assert status(held) == RefundStatus.SENT


def test_refund_that_is_nowhere_waits_for_a_person(held: Refund, owner: User, far: FakePaystack) -> None:
    lose_answer_before(far)
    refund_sending.send(held.pk)
    for _ in range(3):
        make_due(held, sent_hours_ago=25)
        refund_sending.sweep()

    lost = Refund.objects.get(pk=held.pk)
    assert (lost.status, lost.note) == ("sent", refund_sending.A_PERSON_DECIDES)
    assert refund_sending.is_lost(lost)
    assert (far.count("refund"), wallet(owner.pk).held) == (1, held.wallet_amount)


def test_person_declares_a_lost_refund_unsent(held: Refund, owner: User, far: FakePaystack) -> None:
    lose_answer_before(far)
    refund_sending.send(held.pk)
    staff = StaffFactory.create()
    with pytest.raises(RefundDecided):
        refund_sending.declare_unsent(refund_id=held.pk, actor=staff, reason="too early")
    make_due(held, sent_hours_ago=25)

    declared = refund_sending.declare_unsent(refund_id=held.pk, actor=staff, reason="not on the dashboard")

    assert (declared.status, declared.decided_by) == ("failed", staff)
    assert wallet(owner.pk).available == CREDIT
    assert books.verify().differences == []


def crash_before_the_claim(monkeypatch: pytest.MonkeyPatch, far: FakePaystack) -> None:
    monkeypatch.setattr(refund_sending, "_claim", _kill)


def crash_before_the_call(monkeypatch: pytest.MonkeyPatch, far: FakePaystack) -> None:
    monkeypatch.setattr(far, "refund", _kill)


def crash_after_the_call(monkeypatch: pytest.MonkeyPatch, far: FakePaystack) -> None:
    real = far.refund

    def refund(**arguments: Any) -> None:
        real(**arguments)
        raise Killed

    monkeypatch.setattr(far, "refund", refund)


def crash_before_the_outcome(monkeypatch: pytest.MonkeyPatch, far: FakePaystack) -> None:
    monkeypatch.setattr(refund_outcomes, "apply", _kill)


def _kill(*_: Any, **__: Any) -> Any:
    raise Killed


@pytest.mark.parametrize(
    ("crash", "ends", "made"),
    [
        (crash_before_the_claim, "pending", 1),
        (crash_before_the_call, "sent", 0),
        (crash_after_the_call, "pending", 1),
        (crash_before_the_outcome, "pending", 1),
    ],
)
def test_crash_at_any_boundary_makes_at_most_one_refund(
    held: Refund,
    far: FakePaystack,
    crash: Callable[[pytest.MonkeyPatch, FakePaystack], None],
    ends: str,
    made: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        crash(patch, far)
        with pytest.raises(Killed):
            refund_sending.send(held.pk)

    for _ in range(3):
        make_due(held)
        refund_sending.sweep()
        refund_sending.send(held.pk)

    assert (status(held), len(far.refunds_by_id)) == (ends, made)
    assert books.verify().differences == []


@pytest.mark.parametrize("lose_answer", [lose_answer_before, lose_answer_after])
def test_unknown_outcome_makes_at_most_one_refund(
    held: Refund, far: FakePaystack, lose_answer: Callable[[FakePaystack], None]
) -> None:
    lose_answer(far)

    for _ in range(5):
        refund_sending.send(held.pk)
        make_due(held)
        refund_sending.sweep()

    assert far.count("refund") == 1


def test_twin_sending_again_after_an_unknown_outcome_pays_twice(
    held: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refund_sending, "NotReached", OutcomeUnknown)  # "probably it did not get there"
    lose_answer_after(far)

    refund_sending.send(held.pk)
    make_due(held)
    refund_sending.sweep()

    assert len(far.refunds_by_id) == 2


# --- Whatever happens, in whatever order ------------------------------------------------------------------------------

FAULTS: list[PaystackError] = [OutcomeUnknown(), NotReached(), Throttled(), RefundNotCovered(), Refused()]


def anything(dice: random.Random, refund: Refund, far: FakePaystack) -> None:
    """One thing that may happen to a refund, at Paystack or here."""
    staff = StaffFactory.create() if dice.random() < 0.2 else None
    match dice.randrange(9):
        case 0 | 1:
            refund_sending.send(refund.pk)
        case 2 | 3:
            make_due(refund, sent_hours_ago=25 if dice.random() < 0.3 and status(refund) == "sent" else 0)
            refund_sending.sweep()
        case 4:
            far.fail("refund", dice.choice(FAULTS))
        case 5:
            far.fail_after("refund", OutcomeUnknown())
        case 6:
            if far.refunds_by_id:
                made = dice.choice(list(far.refunds_by_id))
                if far.refunds_by_id[made].status not in ("processed", "failed"):
                    far.set_refund(
                        made, dice.choice(["pending", "processing", "needs-attention", "processed", "failed"])
                    )
        case 7:
            refunds.look(transaction_reference=refund.deposit.reference)
        case 8 if staff is not None:
            decide = dice.choice([refunds.approve, refunds.refuse])
            decide(refund_id=refund.pk, actor=staff, reason="dice")


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_two_hundred_random_orders_of_events_make_at_most_one_refund_each(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    for seed in range(block * 20, block * 20 + 20):
        dice = random.Random(seed)
        far.refunds_by_id.clear()
        far._before.clear()
        far._after.clear()
        deposit = make_credited_deposit(far=far)
        refund = make_refund(deposit, 250_000, form_key=uuid.uuid4())
        refunds.approve(refund_id=refund.pk, actor=StaffFactory.create(), reason="test")
        for _ in range(14):
            try:
                anything(dice, refund, far)
            except (DomainError, PaystackError):
                continue

        refund.refresh_from_db()
        deposit.refresh_from_db()
        made = list(far.refunds_by_id.values())
        assert len(made) <= 1, seed
        if refund.status == RefundStatus.PROCESSED:
            assert [fact.status for fact in made] == ["processed"], seed
        if refund.status in ("failed", "refused"):
            assert [fact.status for fact in made] in ([], ["failed"]), seed
            assert deposit.refunded_subunits == 0, seed
    assert books.verify().differences == []
