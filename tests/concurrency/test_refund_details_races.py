"""Bank details of a refund given many times at once: one call is under way. The twin without the lock makes two."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import OutgoingEmail
from billing.enums import RefundStatus
from billing.exceptions import BankDetailsNotWanted
from billing.models import Deposit, Refund
from billing.paystack.base import RefundFact
from billing.paystack.errors import OutcomeUnknown
from billing.services import books, refund_details, refund_outcomes, refund_sending, refunds, shares
from tests.concurrency.racing import both, meet_after, of, race
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import make_sent_refund, make_waiting_refund
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_banks_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def waiting(far: FakePaystack) -> Refund:
    return make_waiting_refund(make_credited_deposit(far=far), far)


def give(refund: Refund) -> Refund:
    assert refund.user is not None
    return refund_details.give(refund_id=refund.pk, user=refund.user, bank_id=21, account_number="0123987456")


def test_details_given_by_many_tabs_at_once_reach_paystack_once(waiting: Refund, far: FakePaystack) -> None:
    results = race(16, lambda _: give(waiting))

    assert (len(of(Refund, results)), len(of(BankDetailsNotWanted, results))) == (1, 15)
    assert far.count("retry_refund") == 1
    assert Refund.objects.get(pk=waiting.pk).details_tries == 1


def test_form_sent_twice_at_once_reaches_paystack_once(
    waiting: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, shares, "live_disputes")

    results = both(lambda: give(waiting), lambda: give(waiting))

    assert (len(of(Refund, results)), len(of(BankDetailsNotWanted, results))) == (1, 1)
    assert far.count("retry_refund") == 1


def test_twin_form_sent_twice_without_the_lock_reaches_paystack_twice(
    waiting: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(refund_id: uuid.UUID) -> tuple[Deposit, Refund]:
        refund = Refund.objects.select_related("deposit", "hold").get(pk=refund_id)
        return refund.deposit, refund

    monkeypatch.setattr(refund_outcomes, "lock", read)
    meet_after(monkeypatch, shares, "live_disputes")

    both(lambda: give(waiting), lambda: give(waiting))

    assert far.count("retry_refund") == 2


def look_during_the_call(
    waiting: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, list[Any]]:
    """A webhook makes us look while the details are on their way; the customer has time for a second try meanwhile."""
    called, looked, seen = threading.Event(), threading.Event(), []
    original = far.retry_refund

    def slowly(*args: Any, **kwargs: Any) -> RefundFact:
        called.set()
        assert looked.wait(10)
        return original(*args, **kwargs)

    def look() -> None:
        assert called.wait(10)
        refunds.look(transaction_reference=waiting.deposit.reference)
        seen.append(Refund.objects.get(pk=waiting.pk).status)
        looked.set()

    with monkeypatch.context() as patch:
        patch.setattr(far, "retry_refund", slowly)
        results = both(lambda: give(waiting), look)
    return seen[0], results


def test_look_during_the_call_does_not_open_the_form_again(
    waiting: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, results = look_during_the_call(waiting, far, monkeypatch)

    assert of(Exception, results) == []
    assert seen == RefundStatus.SENT
    assert Refund.objects.get(pk=waiting.pk).status == RefundStatus.PROCESSING


def test_twin_look_during_the_call_without_the_lease_opens_the_form_again(
    waiting: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refund_outcomes, "_has_details_under_way", lambda refund: False)

    seen, _ = look_during_the_call(waiting, far, monkeypatch)

    assert seen == RefundStatus.NEEDS_ATTENTION


def test_lost_answer_among_many_tries_leaves_one_call(waiting: Refund, far: FakePaystack) -> None:
    far.fail_after("retry_refund", OutcomeUnknown())

    race(8, lambda index: give(waiting) if index % 2 else refund_sending.look(waiting.pk))

    assert far.count("retry_refund") == 1
    assert Refund.objects.get(pk=waiting.pk).status == RefundStatus.PROCESSING
    assert books.verify().differences == []


def test_storm_of_looks_tells_once_that_details_are_needed(far: FakePaystack) -> None:
    refund = make_sent_refund(make_credited_deposit(far=far))
    far.set_refund(refund.paystack_id or 0, "needs-attention")

    results = race(16, lambda _: refund_sending.look(refund.pk))

    assert of(Exception, results) == []
    assert OutgoingEmail.objects.filter(template="refund_needs_details").count() == 1
