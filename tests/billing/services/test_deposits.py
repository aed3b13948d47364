"""Starting a top-up: the intent, the call, the address, and every way the call may go."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.enums import DepositStatus
from billing.exceptions import (
    ChargeCurrencyRefused,
    PayerEmailRefused,
    PaymentRefused,
    RateTooOld,
    TopUpAmountRefused,
    TopUpRefused,
    TopUpsBusy,
    TopUpsPaused,
    TopUpUnanswered,
)
from billing.models import Deposit
from billing.paystack import client
from billing.paystack.base import Checkout
from billing.paystack.errors import (
    AmountRefused,
    BadKey,
    CurrencyNotSupported,
    DuplicateReference,
    EmailRefused,
    NotReached,
    OutcomeUnknown,
    Paused,
    PaystackError,
    Refused,
    SuspectedFraud,
    Throttled,
)
from billing.selectors import wallet
from billing.services import deposits, settling
from tests.factories.billing import make_customer
from tests.factories.payments import make_credited_deposit, make_deposit, make_rate
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
NAIRA_5000 = 500_000


@pytest.fixture(autouse=True)
def _rate(db: None) -> None:
    make_rate("1500")


def start(**changes: object) -> Deposit:
    wanted = {"user": make_customer(), "amount_subunits": NAIRA_5000, "form_key": None} | changes
    return deposits.start(**wanted)  # type: ignore[arg-type]


def test_start_writes_the_intent_and_keeps_the_address(far: FakePaystack) -> None:
    user = make_customer()

    deposit = start(user=user, save_card=True)

    assert deposit.status == DepositStatus.PENDING
    assert deposit.authorization_url == "https://checkout.paystack.com/code1"
    assert (deposit.reference[:5], len(deposit.reference)) == ("nm-t-", 31)
    assert (deposit.email, deposit.charge_currency, deposit.rate) == (user.email, "NGN", Decimal(1500))
    assert (deposit.credit_amount, deposit.wants_card_saved) == (Decimal("3.3333"), True)
    assert wallet(user.pk).available == 0


def test_row_is_written_before_paystack_is_called(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, object]]] = []

    def initialize(**told: object) -> Checkout:
        seen.append((Deposit.objects.get(reference=told["reference"]).status, told))
        return Checkout(
            reference=str(told["reference"]),
            access_code="c",
            authorization_url="https://checkout.paystack.com/c",
        )

    monkeypatch.setattr(far, "initialize", initialize)

    deposit = start()

    [(status, told)] = seen
    assert status == DepositStatus.CREATED
    assert told["metadata"] == {"intent": deposit.reference[5:]}  # nothing personal
    assert told["callback_url"] == "http://testserver/wallet/top-up/return/"
    assert told["cancel_url"] == "http://testserver/wallet/top-up/cancelled/"
    assert told["channels"] == ["card", "bank_transfer", "ussd", "bank"]


def test_bank_transfer_is_not_offered_below_its_minimum(
    far: FakePaystack, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TOP_UP_MIN = "50"
    told: list[list[str]] = []
    real = far.initialize

    def initialize(**values: object) -> Checkout:
        told.append(values["channels"])  # type: ignore[arg-type]
        return real(**values)  # type: ignore[arg-type]

    monkeypatch.setattr(far, "initialize", initialize)

    start(amount_subunits=9_999)
    start(amount_subunits=10_000)

    assert told == [["card", "ussd", "bank"], ["card", "bank_transfer", "ussd", "bank"]]


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (CurrencyNotSupported(), ChargeCurrencyRefused),
        (EmailRefused(), PayerEmailRefused),
        (AmountRefused(), TopUpAmountRefused),
        (Throttled(), TopUpsBusy),
        (Paused(), TopUpsPaused),
        (NotReached(), TopUpsPaused),
        (BadKey(), TopUpsPaused),
        (SuspectedFraud(), PaymentRefused),
        (Refused("new words"), PaymentRefused),
    ],
)
def test_refusal_ends_the_row_and_tells_the_customer(
    far: FakePaystack, error: PaystackError, refusal: type[TopUpRefused]
) -> None:
    far.fail("initialize", error)

    with pytest.raises(refusal) as refused:
        start()

    deposit = Deposit.objects.get()
    assert (deposit.status, deposit.next_look_at) == (DepositStatus.FAILED, None)
    assert str(refused.value.message).endswith(".")
    assert far.count("verify") == 0


def test_without_paystack_nothing_is_begun(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "is_available", lambda: False)

    with pytest.raises(TopUpsPaused):
        start()

    assert not Deposit.objects.exists()
    assert not deposits.offer().is_available


def test_without_a_fresh_rate_nothing_is_begun(far: FakePaystack, settings: Settings) -> None:
    settings.EXCHANGE_RATE_MAX_AGE_S = 0

    with pytest.raises(RateTooOld):
        start()

    assert not Deposit.objects.exists()
    assert not deposits.offer().is_available
    assert deposits.offer().rate is not None


def test_offer_names_what_the_page_needs(far: FakePaystack) -> None:
    offer = deposits.offer()

    assert (offer.is_available, offer.reason, offer.currency.code) == (True, "", "NGN")
    assert offer.rate is not None
    assert deposits.quote(NAIRA_5000, offer.rate) == Decimal("3.3333")


# --- the answer is lost -----------------------------------------------------------------------------------------------


def test_lost_answer_retires_the_reference_and_opens_a_new_one(far: FakePaystack) -> None:
    form_key, user = uuid.uuid4(), make_customer()
    far.fail_after("initialize")

    deposit = start(user=user, form_key=form_key)

    lost = Deposit.objects.get(retries=deposit)
    assert (deposit.status, deposit.retry_of) == (DepositStatus.PENDING, lost)
    assert (lost.status, lost.next_look_at is not None) == (DepositStatus.ABANDONED, True)
    assert start(user=user, form_key=form_key) == deposit
    assert far.count("initialize") == 2


def test_retired_reference_that_is_paid_all_the_same_is_credited(far: FakePaystack) -> None:
    far.fail_after("initialize")
    deposit = start()
    assert deposit.retry_of is not None
    far.pay(deposit.retry_of.reference)

    lost = settling.settle(deposit.retry_of.pk)

    assert lost.status == DepositStatus.SUCCEEDED
    assert wallet(deposit.user_id or 0).available == Decimal("3.3333")


def test_duplicate_reference_takes_the_same_path(far: FakePaystack, monkeypatch: pytest.MonkeyPatch) -> None:
    real = far.initialize

    def exists_first(**told: object) -> Checkout:
        real(**told)  # type: ignore[arg-type]
        monkeypatch.setattr(far, "initialize", real)
        raise DuplicateReference

    monkeypatch.setattr(far, "initialize", exists_first)

    deposit = start()

    assert deposit.retry_of is not None
    assert deposit.retry_of.status == DepositStatus.ABANDONED
    assert deposit.authorization_url


def test_call_that_never_arrived_leaves_the_row_to_the_sweep(far: FakePaystack) -> None:
    far.fail("initialize")

    with pytest.raises(TopUpUnanswered):
        start()

    deposit = Deposit.objects.get()
    assert deposit.status == DepositStatus.CREATED
    assert deposit.next_look_at is not None


def test_two_lost_answers_are_enough(far: FakePaystack) -> None:
    far.fail_after("initialize", times=2)

    with pytest.raises(TopUpUnanswered):
        start()

    assert far.count("initialize") == 2
    assert [deposit.status for deposit in Deposit.objects.all()] == [DepositStatus.ABANDONED] * 2


def test_question_that_goes_unanswered_too_leaves_the_row_to_the_sweep(far: FakePaystack) -> None:
    far.fail_after("initialize")
    far.fail("verify", OutcomeUnknown())

    with pytest.raises(TopUpUnanswered):
        start()

    assert Deposit.objects.get().status == DepositStatus.CREATED


@pytest.mark.parametrize(
    "checkout",
    [
        {"authorization_url": "https://checkout.paystack.com.example.test/x"},
        {"authorization_url": "http://checkout.paystack.com/x"},
        {"authorization_url": "javascript:alert(1)"},
        {"reference": "nm-t-somebody-else"},
        {"access_code": ""},
    ],
)
def test_customer_is_never_sent_to_an_address_that_is_not_paystacks(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch, checkout: dict[str, str]
) -> None:
    real = far.initialize

    def initialize(**told: object) -> Checkout:
        good = real(**told)  # type: ignore[arg-type]
        values = {
            "reference": good.reference,
            "access_code": good.access_code,
            "authorization_url": good.authorization_url,
        }
        return Checkout(**(values | checkout))

    monkeypatch.setattr(far, "initialize", initialize)

    with pytest.raises(TopUpUnanswered):
        start()

    assert set(Deposit.objects.values_list("authorization_url", flat=True)) == {""}


# --- once per form, and again -----------------------------------------------------------------------------------------


def test_form_sent_twice_is_one_deposit(far: FakePaystack) -> None:
    user, form_key = make_customer(), uuid.uuid4()

    first, second = (start(user=user, form_key=form_key) for _ in range(2))

    assert first == second
    assert far.count("initialize") == 1


def test_form_keys_of_two_customers_do_not_meet(far: FakePaystack) -> None:
    form_key = uuid.uuid4()

    assert start(form_key=form_key) != start(form_key=form_key)


@pytest.mark.parametrize("status", [DepositStatus.FAILED, DepositStatus.ABANDONED])
def test_retry_is_a_new_reference_linked_to_the_old(far: FakePaystack, status: DepositStatus) -> None:
    old = make_deposit(status=status)

    new = deposits.retry(deposit=old, form_key=uuid.uuid4())

    assert (new.retry_of, new.amount_subunits, new.user) == (old, old.amount_subunits, old.user)
    assert new.reference != old.reference
    assert new.authorization_url


def test_open_and_paid_deposits_are_not_tried_again(far: FakePaystack) -> None:
    for deposit in (make_deposit(), make_credited_deposit()):
        assert deposits.retry(deposit=deposit, form_key=uuid.uuid4()) == deposit

    assert far.calls == []


def test_retry_in_a_currency_of_before_is_refused(far: FakePaystack) -> None:
    old = make_deposit(status=DepositStatus.FAILED, charge_currency="GHS")

    with pytest.raises(ChargeCurrencyRefused):
        deposits.retry(deposit=old, form_key=None)
