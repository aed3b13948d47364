"""Receipt numbers and e-mails under fire on real PostgreSQL; each guard has a twin without it, which must fail."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import OutgoingEmail
from accounts.services import emails
from accounts.services.emails import Outcome
from billing.models import Receipt
from billing.services import receipts
from tests.concurrency.racing import race, without
from tests.factories.accounts import UserFactory
from tests.factories.papers import make_paid_deposit, make_receipt

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 16
NOT_LOCKED = "SELECT last FROM billing_receiptcounter WHERE year = %s"


def numbers() -> list[int]:
    return sorted(int(number[5:]) for number in Receipt.objects.values_list("number", flat=True))


# --- receipts ---------------------------------------------------------------------------------------------------------


def issue_or_roll_back(deposits: list[Any], index: int) -> object:
    """Every third fact is undone after it took its number."""
    with transaction.atomic():
        receipt = receipts.issue_for_deposit(deposits[index])
        if index % 3 == 2:
            transaction.set_rollback(True)
    return receipt


def test_numbers_have_no_gaps_and_no_twins_whatever_is_undone() -> None:
    deposits = [make_paid_deposit() for _ in range(120)]

    results = race(120, lambda index: issue_or_roll_back(deposits, index))

    assert [result for result in results if isinstance(result, Exception)] == []
    assert numbers() == list(range(1, 81))


def test_twin_with_a_sequence_leaves_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why there is a locked row: what a sequence gave out stays gone."""
    deposits = [make_paid_deposit() for _ in range(30)]
    from_sequence = receipts.ISSUE.replace(
        "SET last = last + 1", "SET last = nextval('test_receipt_numbers')"
    )
    monkeypatch.setattr(receipts, "ISSUE", from_sequence)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE test_receipt_numbers")
    try:
        race(30, lambda index: issue_or_roll_back(deposits, index))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP SEQUENCE test_receipt_numbers")

    assert len(numbers()) == 20
    assert numbers() != list(range(1, 21))


def overlapping(deposit: Any) -> list[Any]:
    """Issue for one deposit twice, the second while the first has not committed."""
    issued = threading.Event()

    def act(index: int) -> object:
        with transaction.atomic():
            if index == 1:
                assert issued.wait(5)
            receipt = receipts.issue_for_deposit(deposit)
            issued.set()
            if index == 0:
                time.sleep(0.3)
        return receipt

    return race(2, act)


def test_one_fact_told_twice_at_once_has_one_receipt() -> None:
    make_receipt()  # the year is open
    deposit = make_paid_deposit()

    first, second = overlapping(deposit)

    assert first == second == Receipt.objects.get(deposit=deposit)
    assert numbers() == [1, 2]


def test_crowd_about_one_fact_writes_one_receipt_and_no_gap() -> None:
    deposit = make_paid_deposit()

    def issue(_: int) -> object:
        with transaction.atomic():
            return receipts.issue_for_deposit(deposit)

    results = race(40, issue)

    assert {result.pk for result in results} == {Receipt.objects.get().pk}
    make_receipt()
    assert numbers() == [1, 2]


def test_twin_without_lock_and_index_writes_two_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    make_receipt()
    deposit = make_paid_deposit()
    monkeypatch.setattr(receipts, "LOCK_YEAR", NOT_LOCKED)

    with without("receipt_of_deposit_once"):
        overlapping(deposit)

        assert Receipt.objects.filter(deposit=deposit).count() == 2


def test_index_alone_still_writes_one_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    make_receipt()
    deposit = make_paid_deposit()
    monkeypatch.setattr(receipts, "LOCK_YEAR", NOT_LOCKED)

    results = overlapping(deposit)

    assert sorted(type(result).__name__ for result in results) == ["IntegrityError", "Receipt"]
    assert any(isinstance(result, IntegrityError) for result in results)
    assert numbers() == [1, 2]


def test_first_receipts_of_a_year_at_once_open_it_once() -> None:
    deposits = [make_paid_deposit() for _ in range(WORKERS)]

    def issue(index: int) -> object:
        with transaction.atomic():
            return receipts.issue_for_deposit(deposits[index])

    race(WORKERS, issue)

    assert numbers() == list(range(1, WORKERS + 1))


# --- e-mails ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each e-mail went out; the mail server takes a moment."""
    counted: Counter[str] = Counter()
    lock = threading.Lock()

    def send(message: EmailMultiAlternatives, fail_silently: bool = False) -> int:
        time.sleep(0.005)
        with lock:
            counted[message.message()["Message-ID"]] += 1
        return 1

    monkeypatch.setattr(EmailMultiAlternatives, "send", send)
    return counted


def queue(count: int) -> list[OutgoingEmail]:
    user = UserFactory.create()
    context = {"balance": "$0.85", "url": "/wallet/top-up/"}
    with transaction.atomic():
        queued = [
            emails.queue(user_id=user.pk, template="wallet_low", context=context, key=f"low:{number}")
            for number in range(count)
        ]
    return [email for email in queued if email is not None]


def test_sweeps_at_once_send_each_email_once(sent: Counter[str]) -> None:
    queue(50)

    race(WORKERS, lambda _: emails.send_due(limit=100))

    assert len(sent) == 50
    assert set(sent.values()) == {1}
    assert OutgoingEmail.objects.filter(sent_at__isnull=False, tries=1).count() == 50


def test_twin_without_the_claim_sends_twice(sent: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    queue(50)
    monkeypatch.setattr(
        emails,
        "_claim",
        lambda pk: OutgoingEmail.objects.filter(pk=pk, next_try_at__lte=timezone.now()).first(),
    )

    race(WORKERS, lambda _: emails.send_due(limit=100))

    assert len(sent) == 50
    assert max(sent.values()) > 1


def test_task_and_sweeps_about_one_email_send_it_once(sent: Counter[str]) -> None:
    [email] = queue(1)

    outcomes = race(WORKERS, lambda _: emails.send(email.pk))

    assert Counter(outcomes) == {Outcome.SENT: 1, Outcome.NOT_DUE: WORKERS - 1}
    assert sum(sent.values()) == 1


def test_one_fact_queued_by_a_crowd_is_one_email() -> None:
    user = UserFactory.create()

    def tell(_: int) -> OutgoingEmail | None:
        with transaction.atomic():
            return emails.queue(
                user_id=user.pk, template="wallet_low", context={"balance": "$1", "url": "/"}, key="low"
            )

    results = race(WORKERS, tell)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert len([result for result in results if result is not None]) == 1
    assert OutgoingEmail.objects.count() == 1
