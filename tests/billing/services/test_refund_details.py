"""Bank details of a refund: handed on at most once, never kept, and the refund found where it is whatever goes wrong."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.serializers import serialize
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import OutgoingEmail
from billing.enums import RefundStatus
from billing.exceptions import (
    BankDetailsNotSent,
    BankDetailsNotWanted,
    BankDetailsRefused,
    BankDetailsTooOften,
    BankDetailsWrong,
    UnknownRefund,
)
from billing.models import Deposit, Refund
from billing.paystack import client
from billing.paystack.base import Bank
from billing.paystack.errors import (
    BadKey,
    NotReached,
    OutcomeUnknown,
    PaystackError,
    RefundNotWaiting,
    Refused,
    Throttled,
)
from billing.services import books, refund_details, refund_outcomes, refund_sending
from namaskah.exceptions import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import make_dispute, make_due, make_sent_refund, make_waiting_refund
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
ACCOUNT = "0123987456"


@pytest.fixture(autouse=True)
def _no_banks_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def deposit(far: FakePaystack) -> Deposit:
    return make_credited_deposit(far=far)


@pytest.fixture
def waiting(deposit: Deposit, far: FakePaystack) -> Refund:
    return make_waiting_refund(deposit, far)


def give(refund: Refund, **changes: Any) -> Refund:
    values: dict[str, Any] = {"user": refund.user, "bank_id": 21, "account_number": ACCOUNT}
    return refund_details.give(refund_id=refund.pk, **(values | changes))


def set_back(refund: Refund, **time: float) -> None:
    """The latest try was this long ago."""
    Refund.objects.filter(pk=refund.pk).update(details_sent_at=timezone.now() - dt.timedelta(**time))


def status(refund: Refund) -> str:
    return Refund.objects.get(pk=refund.pk).status


# --- Handed on --------------------------------------------------------------------------------------------------------


def test_details_go_to_paystack_and_the_refund_goes_on(
    waiting: Refund, deposit: Deposit, far: FakePaystack
) -> None:
    refund = give(waiting, account_number=" 0123-987 456 ")

    assert far.details_given == {waiting.paystack_id: ("NGN", ACCOUNT, 21)}
    assert (refund.status, refund.details_tries) == (RefundStatus.PROCESSING, 1)

    far.set_refund(waiting.paystack_id or 0, "processed")
    refund_sending.look(waiting.pk)

    assert status(waiting) == RefundStatus.PROCESSED
    assert books.verify().differences == []


def test_intention_is_written_down_before_the_call(
    waiting: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    original = far.retry_refund

    def spy(*args: Any, **kwargs: Any) -> Any:
        row = Refund.objects.get(pk=waiting.pk)
        seen.append((row.status, row.note))
        return original(*args, **kwargs)

    monkeypatch.setattr(far, "retry_refund", spy)
    give(waiting)

    assert seen == [(RefundStatus.SENT, "Bank details given: bank 21, account ending in 7456")]


@pytest.mark.parametrize(
    "error", [None, OutcomeUnknown(), Refused(f"No account {ACCOUNT[-4:]}"), NotReached()]
)
def test_account_number_is_neither_kept_nor_logged(
    waiting: Refund, far: FakePaystack, error: PaystackError | None
) -> None:
    if error:
        far.fail("retry_refund", error)

    with capture_logs() as lines:
        try:
            give(waiting)
        except DomainError as refusal:
            assert ACCOUNT not in f"{refusal} {refusal.message}"  # noqa: PT017 - one of several ends

    assert ACCOUNT not in serialize("json", Refund.objects.all())
    assert ACCOUNT not in serialize("json", OutgoingEmail.objects.all())
    assert ACCOUNT not in str(lines)
    assert lines


def test_customer_is_told_once_that_details_are_needed(waiting: Refund, far: FakePaystack) -> None:
    told = OutgoingEmail.objects.filter(template="refund_needs_details", user=waiting.user)
    assert told.count() == 1
    refund_sending.look(waiting.pk)
    give(waiting)
    far.set_refund(waiting.paystack_id or 0, "needs-attention")
    refund_sending.look(waiting.pk)

    assert status(waiting) == RefundStatus.NEEDS_ATTENTION
    assert told.count() == 1


# --- Refused by us ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["", "012398745", "01239874561", "012398745x", "٠١٢٣٩٨٧٤٥٦", "+123987456"])
def test_what_is_no_account_number_is_refused(waiting: Refund, far: FakePaystack, number: str) -> None:
    with pytest.raises(BankDetailsWrong, match="10 digits") as caught:
        give(waiting, account_number=number)

    assert caught.value.field == "account_number"
    assert (far.count("retry_refund"), status(waiting)) == (0, RefundStatus.NEEDS_ATTENTION)


@pytest.mark.parametrize(
    ("number", "fits"), [("12345", False), ("123456", True), ("1" * 20, True), ("1" * 21, False)]
)
def test_other_countries_have_other_account_numbers(
    deposit: Deposit, far: FakePaystack, number: str, fits: bool
) -> None:
    refund = make_waiting_refund(deposit, far)
    Refund.objects.filter(pk=refund.pk).update(charge_currency="GHS")

    if fits:
        give(refund, account_number=number)
        assert far.details_given[refund.paystack_id or 0] == ("GHS", number, 21)
        assert ("banks", "ghana") in far.calls
    else:
        with pytest.raises(BankDetailsWrong, match="6 to 20 digits"):
            give(refund, account_number=number)


def test_bank_must_be_one_of_the_list(waiting: Refund, far: FakePaystack) -> None:
    with pytest.raises(BankDetailsWrong) as caught:
        give(waiting, bank_id=77)

    assert caught.value.field == "bank"
    assert far.count("retry_refund") == 0


def test_somebody_elses_refund_is_not_known(waiting: Refund, far: FakePaystack) -> None:
    assert waiting.user is not None
    for refund_id, user in ((waiting.pk, UserFactory.create()), (uuid.uuid4(), waiting.user)):
        with pytest.raises(UnknownRefund):
            refund_details.give(refund_id=refund_id, user=user, bank_id=21, account_number=ACCOUNT)

    assert far.count("retry_refund") == 0


def test_refund_that_does_not_wait_takes_no_details(deposit: Deposit, far: FakePaystack) -> None:
    refund = make_sent_refund(deposit)

    with pytest.raises(BankDetailsNotWanted):
        give(refund)

    assert far.count("retry_refund") == 0


def test_disputed_payment_is_not_paid_out_as_well(
    waiting: Refund, deposit: Deposit, far: FakePaystack
) -> None:
    make_dispute(deposit, far)

    with pytest.raises(BankDetailsRefused, match="disputed"):
        give(waiting)

    assert (far.count("retry_refund"), status(waiting)) == (0, RefundStatus.NEEDS_ATTENTION)


def test_five_tries_a_day(waiting: Refund, far: FakePaystack) -> None:
    far.fail("retry_refund", Refused("No such account", status=400), times=6)
    for _ in range(5):
        with pytest.raises(BankDetailsRefused, match="not accepted"):
            give(waiting)

    with pytest.raises(BankDetailsTooOften):
        give(waiting)
    assert far.count("retry_refund") == 5

    set_back(waiting, days=1)
    with pytest.raises(BankDetailsRefused, match="not accepted"):
        give(waiting)
    assert Refund.objects.get(pk=waiting.pk).details_tries == 1


# --- Refused by Paystack, or nobody knows -----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [NotReached(), Throttled(), BadKey()])
def test_details_that_were_not_taken_in_may_be_given_again(
    waiting: Refund, far: FakePaystack, error: PaystackError
) -> None:
    far.fail("retry_refund", error)

    with pytest.raises(BankDetailsNotSent):
        give(waiting)
    row = Refund.objects.get(pk=waiting.pk)

    assert (row.status, row.details_tries) == (RefundStatus.NEEDS_ATTENTION, 0)
    assert give(waiting).status == RefundStatus.PROCESSING


def test_refused_details_are_asked_for_again_and_staff_reads_why(waiting: Refund, far: FakePaystack) -> None:
    far.fail("retry_refund", Refused("Could not resolve account", code="invalid_account", status=400))

    with pytest.raises(BankDetailsRefused, match="not accepted"):
        give(waiting)
    row = Refund.objects.get(pk=waiting.pk)

    assert (row.status, row.details_tries) == (RefundStatus.NEEDS_ATTENTION, 1)
    assert row.note == "Bank details not taken: invalid_account Could not resolve account"
    assert give(waiting).status == RefundStatus.PROCESSING


def test_refund_that_went_on_at_paystack_is_read_back(waiting: Refund, far: FakePaystack) -> None:
    far.set_refund(waiting.paystack_id or 0, "processed")  # by a hand on the dashboard

    with pytest.raises(BankDetailsNotWanted):
        give(waiting)

    assert (status(waiting), far.details_given) == (RefundStatus.PROCESSED, {})


def test_wrong_state_of_a_refund_that_waits_all_the_same_is_a_refusal(
    waiting: Refund, far: FakePaystack
) -> None:
    far.fail("retry_refund", RefundNotWaiting(status=422))

    with pytest.raises(BankDetailsRefused, match="not accepted"):
        give(waiting)

    assert (status(waiting), far.count("fetch_refund")) == (RefundStatus.NEEDS_ATTENTION, 2)


def test_answer_lost_after_the_effect_is_read_back(waiting: Refund, far: FakePaystack) -> None:
    far.fail_after("retry_refund", OutcomeUnknown())

    assert give(waiting).status == RefundStatus.PROCESSING
    assert far.count("retry_refund") == 1


def test_call_lost_before_its_effect_is_not_repeated_and_the_customer_is_asked_again_later(
    waiting: Refund, far: FakePaystack
) -> None:
    far.fail("retry_refund", OutcomeUnknown())

    refund = give(waiting)
    assert refund.status == RefundStatus.SENT  # it may still be on its way
    with pytest.raises(BankDetailsNotWanted):
        give(waiting)

    set_back(waiting, seconds=refund_outcomes.DETAILS_UNDER_WAY.total_seconds() + 1)
    make_due(waiting)
    assert refund_sending.sweep() == 1
    assert (status(waiting), far.count("retry_refund")) == (RefundStatus.NEEDS_ATTENTION, 1)
    assert give(waiting).status == RefundStatus.PROCESSING


def test_refund_that_cannot_be_read_back_is_left_to_the_sweep(waiting: Refund, far: FakePaystack) -> None:
    far.fail_after("retry_refund", OutcomeUnknown())
    far.fail("fetch_refund", OutcomeUnknown())

    assert give(waiting).status == RefundStatus.SENT
    make_due(waiting)
    refund_sending.sweep()

    assert (status(waiting), far.count("retry_refund")) == (RefundStatus.PROCESSING, 1)


def test_worker_that_dies_leaves_the_refund_to_the_sweep(
    waiting: Refund, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process ends here."""

    def die(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(far, "retry_refund", die)
        with pytest.raises(Killed):
            give(waiting)
    row = Refund.objects.get(pk=waiting.pk)

    assert row.status == RefundStatus.SENT
    assert row.next_look_at is not None
    assert row.next_look_at <= timezone.now() + refund_outcomes.DETAILS_UNDER_WAY


# --- Banks ------------------------------------------------------------------------------------------------------------


def test_banks_are_asked_for_once_a_day(far: FakePaystack) -> None:
    assert refund_details.banks("NGN") == refund_details.banks("NGN") == far.banks_listed
    assert far.calls == [("banks", "nigeria")]


@pytest.mark.parametrize(
    ("currency", "country"),
    [("NGN", "nigeria"), ("GHS", "ghana"), ("KES", "kenya"), ("ZAR", "south africa"), ("USD", "nigeria")],
)
def test_banks_are_those_of_the_country(far: FakePaystack, currency: str, country: str) -> None:
    refund_details.banks(currency)

    assert far.calls == [("banks", country)]


def test_banks_of_test_and_live_mode_are_kept_apart(far: FakePaystack, settings: Settings) -> None:
    refund_details.banks("NGN")
    far.banks_listed = [Bank(id=1, name="Live Bank")]
    settings.PAYSTACK_SECRET_KEY = "sk_live_0123456789abcdef"

    assert refund_details.banks("NGN") == [Bank(id=1, name="Live Bank")]


def test_banks_that_cannot_be_had_are_not_asked_for_at_each_page(waiting: Refund, far: FakePaystack) -> None:
    far.fail("banks", OutcomeUnknown())

    assert refund_details.banks("NGN") == refund_details.banks("NGN") == []
    with pytest.raises(BankDetailsNotSent):
        give(waiting)
    assert (far.count("banks"), far.count("retry_refund")) == (1, 0)


def test_banks_are_not_asked_for_while_paystack_is_away(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "is_available", lambda: False)

    assert refund_details.banks("NGN") == []
    assert far.calls == []


def test_unknown_currency_has_no_banks(far: FakePaystack) -> None:
    assert refund_details.banks("XXX") == []
