"""Asking Paystack and writing what it says: every status, every wrong figure, every failure of the call, every crash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.enums import EventType
from accounts.models import Event, OutgoingEmail
from billing.enums import DepositPurpose, DepositStatus, ReviewReason
from billing.exceptions import AutomaticTopUpOpen, TopUpTooSmall
from billing.models import Deposit, SavedCard, Transfer
from billing.paystack.base import Authorization
from billing.paystack.errors import (
    BadKey,
    NotReached,
    OutcomeUnknown,
    Paused,
    PaystackError,
    Throttled,
)
from billing.selectors import wallet
from billing.services import (
    books,
    crediting,
    dedicated_accounts,
    deposit_news,
    deposit_sweeps,
    receipts,
    receivables,
    saved_cards,
    settling,
)
from tests.factories.billing import make_customer
from tests.factories.payments import (
    make_credited_deposit,
    make_deposit,
    make_rate,
    make_suspended_deposit,
    make_transaction,
)
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
CREDIT, ZERO = Decimal("3.3333"), Decimal(0)


def available(deposit: Deposit) -> Decimal:
    return wallet(deposit.user_id or 0).available


def events(deposit: Deposit) -> list[str]:
    return list(Event.objects.filter(user=deposit.user_id or 0).values_list("type", flat=True))


def age(deposit: Deposit, **by: float) -> None:
    """Make a deposit older; its next look and its end, too."""
    delta = dt.timedelta(**by)
    row = Deposit.objects.get(pk=deposit.pk)
    names = ("created_at", "closed_at", "next_look_at", "looking_until")
    moved = {name: value - delta for name in names if (value := getattr(row, name)) is not None}
    Deposit.objects.filter(pk=deposit.pk).update(**moved)


# --- paid -------------------------------------------------------------------------------------------------------------


def test_paid_deposit_is_credited_and_told(far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, gateway_response="Approved")

    deposit = settling.settle(deposit.pk)

    assert (deposit.status, deposit.next_look_at) == (DepositStatus.SUCCEEDED, None)
    assert (available(deposit), deposit.fees_subunits, deposit.channel) == (CREDIT, 17_500, "card")
    assert (deposit.card_label, deposit.gateway_response) == ("Visa 4081", "Approved")
    event = Event.objects.get(user=deposit.user_id or 0)
    assert event.type == EventType.DEPOSIT_SUCCEEDED
    assert event.data == {
        "deposit": str(deposit.pk),
        "reference": deposit.reference,
        "amount": "5000.0000",
        "currency": "NGN",
        "status": "succeeded",
    }
    email = OutgoingEmail.objects.get(key=f"deposit-succeeded:{deposit.pk}")
    assert (email.template, email.context["amount"], email.context["credit"]) == (
        "deposit_succeeded",
        "₦5,000.00",
        "$3.3333",
    )
    assert deposit.receipts.count() == 1
    assert books.verify().differences == []


def test_settling_again_asks_and_moves_nothing(far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)

    for _ in range(3):
        settling.settle(deposit.pk)

    assert far.count("verify") == 1
    assert available(deposit) == CREDIT
    assert events(deposit) == ["deposit.succeeded"]


def test_settling_by_force_asks_and_moves_nothing(far: FakePaystack) -> None:
    deposit = make_credited_deposit(far=far)

    settling.settle(deposit.pk, force=True)

    assert far.count("verify") == 1
    assert available(deposit) == CREDIT


def test_settling_a_paid_deposit_is_bounded_in_queries(
    far: FakePaystack, django_assert_max_num_queries: Any
) -> None:
    make_credited_deposit()  # opens our own accounts, which happens once
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)

    with django_assert_max_num_queries(25):
        settling.settle(deposit.pk)


def test_metadata_and_other_fields_of_the_browser_decide_nothing(far: FakePaystack) -> None:
    """The parsed transaction has no metadata; its e-mail and customer may be anybody's."""
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, customer_email="other@example.test", customer_code="CUS_other")

    assert settling.settle(deposit.pk).user_id == deposit.user_id
    assert available(deposit) == CREDIT


# --- wrong money ------------------------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], ReviewReason]] = [
    ({"amount": 499_999, "requested_amount": 499_999}, ReviewReason.SHORT),
    ({"amount": 499_999, "requested_amount": 500_000}, ReviewReason.SHORT),
    ({"amount": 499_999, "requested_amount": None}, ReviewReason.SHORT),
    ({"amount": 517_767, "requested_amount": 499_999}, ReviewReason.SHORT),
    ({"amount": 0, "requested_amount": 0, "fees": 0}, ReviewReason.SHORT),
    ({"amount": 500_001, "requested_amount": 500_001}, ReviewReason.OVER),
    ({"amount": 500_001, "requested_amount": None}, ReviewReason.OVER),
    ({"currency": "GHS"}, ReviewReason.WRONG_CURRENCY),
    ({"currency": "ngn"}, ReviewReason.WRONG_CURRENCY),
    ({"domain": "live"}, ReviewReason.WRONG_MODE),
    ({"domain": ""}, ReviewReason.WRONG_MODE),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG)
def test_wrong_money_waits_for_a_person(
    far: FakePaystack, changes: dict[str, Any], reason: ReviewReason
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, **changes)

    deposit = settling.settle(deposit.pk)

    assert (deposit.status, deposit.review_reason) == (DepositStatus.NEEDS_REVIEW, reason)
    assert (available(deposit), deposit.credited_at, deposit.next_look_at) == (ZERO, None, None)
    assert not Transfer.objects.filter(code="deposit").exists()
    assert OutgoingEmail.objects.filter(key=f"deposit-review:{deposit.pk}").count() == 1
    assert books.verify().differences == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "500000"},
        {"amount": 500_000.0},
        {"amount": Decimal(500_000)},
        {"amount": True},
        {"amount": -500_000},
        {"amount": 2**63},
        {"requested_amount": "500000"},
        {"fees": "17500"},
        {"fees": -1},
        {"id": "5120043377"},
        {"currency": ""},
        {"currency": "NGNX"},
        {"reference": "nm-t-somebody-else"},
        {"reference": "NM-T-UPPER"},
    ],
)
def test_answer_that_is_none_changes_nothing(far: FakePaystack, changes: dict[str, Any]) -> None:
    deposit = make_deposit(far=far)
    far.transactions_by_reference[deposit.reference] = make_transaction(deposit, **changes)

    deposit = settling.settle(deposit.pk)

    assert (deposit.status, available(deposit)) == (DepositStatus.PENDING, ZERO)
    assert deposit.next_look_at is not None
    assert not Transfer.objects.exists()


def test_reference_is_compared_with_its_case(far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.transactions_by_reference[deposit.reference] = make_transaction(
        deposit, reference=deposit.reference.upper()
    )

    assert settling.settle(deposit.pk).status == DepositStatus.PENDING


@hypothesis_settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    amount=st.one_of(
        st.integers(0, 2_000_000), st.sampled_from([499_999, 500_000, 500_001, 5_000, 50_000_000])
    ),
    requested=st.one_of(st.none(), st.integers(0, 2_000_000), st.just(500_000)),
    currency=st.sampled_from(["NGN", "GHS", "USD", "KES", "ngn", "XOF"]),
    domain=st.sampled_from(["test", "live", "", "TEST"]),
    status=st.sampled_from(["success", "success", "success", "failed", "abandoned", "Success", "paid", ""]),
    as_text=st.booleans(),
)
def test_no_wrong_money_is_credited(
    amount: int, requested: int | None, currency: str, domain: str, status: str, as_text: bool
) -> None:
    paid_for = amount if requested is None else requested
    is_right = paid_for == 500_000 and amount >= paid_for
    assume(not (is_right and (currency, domain, status) == ("NGN", "test", "success") and not as_text))
    deposit = make_deposit(_customer_of_the_run())
    wrong = make_transaction(
        deposit, amount=amount, requested_amount=requested, currency=currency, domain=domain, status=status
    )
    if as_text:
        wrong = replace(wrong, amount=str(amount))  # type: ignore[arg-type]

    deposit = settling.apply(deposit.pk, wrong)

    assert deposit.credited_at is None
    assert deposit.status != DepositStatus.SUCCEEDED
    assert available(deposit) == 0
    assert not Transfer.objects.filter(reference=f"deposit:{deposit.pk}", code="deposit").exists()


def _customer_of_the_run() -> Any:
    """One for all examples: each makes a deposit of its own."""
    from accounts.models import User

    return User.objects.filter(email__startswith="customer-").first() or make_customer()


def test_right_money_is_credited_with_fees_passed_or_not() -> None:
    """The control of the test above: it is the wrongness that is refused."""
    for paid in ({}, {"requested_amount": None}, {"amount": 517_767, "fees": 17_767}):
        deposit = make_credited_deposit(paid=paid)

        assert (deposit.status, available(deposit)) == (DepositStatus.SUCCEEDED, CREDIT)


def test_transaction_of_another_deposit_credits_nobody_twice() -> None:
    first = make_credited_deposit()
    second = make_deposit()

    second = settling.apply(second.pk, make_transaction(second, id=first.paystack_id))

    assert (second.status, second.paystack_id) == (DepositStatus.NEEDS_REVIEW, None)
    assert available(second) == 0
    assert books.verify().differences == []


def test_card_of_too_many_customers_waits_for_a_person(settings: Settings) -> None:
    card = Authorization(signature="SIG_same", channel="card", last4="4081", brand="visa")
    paid = {"authorization": card}

    made = [make_credited_deposit(paid=paid) for _ in range(settings.USERS_PER_CARD + 1)]
    again = make_credited_deposit(made[0].user, paid=paid)

    assert [deposit.status for deposit in made] == [
        *[DepositStatus.SUCCEEDED] * settings.USERS_PER_CARD,
        DepositStatus.NEEDS_REVIEW,
    ]
    assert made[-1].review_reason == ReviewReason.SHARED_CARD
    assert "SIG_same" not in made[0].card_fingerprint
    assert again.review_reason == ReviewReason.SHARED_CARD  # three people have it now, whoever comes


# --- the other statuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("abandoned", DepositStatus.PENDING),
        ("ongoing", DepositStatus.PROCESSING),
        ("pending", DepositStatus.PROCESSING),
        ("processing", DepositStatus.PROCESSING),
        ("queued", DepositStatus.PROCESSING),
        ("failed", DepositStatus.FAILED),
        ("success", DepositStatus.SUCCEEDED),
        ("reversed", DepositStatus.FAILED),
        ("reversal pending", DepositStatus.PENDING),
        ("a-word-of-2027", DepositStatus.PENDING),
        ("", DepositStatus.PENDING),
    ],
)
def test_each_status_of_paystack(far: FakePaystack, word: str, status: DepositStatus) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, word)

    deposit = settling.settle(deposit.pk)

    assert deposit.status == status
    assert available(deposit) == (CREDIT if word == "success" else 0)
    assert (deposit.next_look_at is None) == (word == "success")
    assert books.verify().differences == []


@pytest.mark.parametrize("word", ["abandoned", "ongoing", "pending", "a-word-of-2027"])
def test_unfinished_deposit_is_shown_as_abandoned_after_a_day(far: FakePaystack, word: str) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, word)
    age(deposit, hours=24)

    deposit = settling.settle(deposit.pk)

    assert deposit.status == DepositStatus.ABANDONED
    assert deposit.next_look_at is not None  # for seven days in all
    assert events(deposit) == []


def test_decline_is_told_once(far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, "failed", gateway_response="Insufficient Funds")

    for _ in range(2):
        deposit = settling.settle(deposit.pk)

    assert (deposit.status, deposit.gateway_response) == (DepositStatus.FAILED, "Insufficient Funds")
    assert events(deposit) == ["deposit.failed"]
    email = OutgoingEmail.objects.get(user=deposit.user_id or 0)
    assert (email.template, email.context["reason"]) == ("deposit_failed", "Insufficient Funds")


@pytest.mark.parametrize("before", ["failed", "abandoned"])
def test_late_success_is_credited(far: FakePaystack, before: str) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, before)
    age(deposit, hours=24)
    assert settling.settle(deposit.pk).status in (DepositStatus.FAILED, DepositStatus.ABANDONED)
    far.pay(deposit.reference)

    deposit = settling.settle(deposit.pk)

    assert (deposit.status, available(deposit)) == (DepositStatus.SUCCEEDED, CREDIT)


def test_money_that_comes_after_the_last_look_is_credited_when_somebody_tells(far: FakePaystack) -> None:
    deposit = make_deposit(far=far, status=DepositStatus.ABANDONED, next_look_at=None)
    age(deposit, days=30)
    far.pay(deposit.reference)

    assert settling.settle(deposit.pk).status == DepositStatus.SUCCEEDED


def test_failed_and_abandoned_deposits_are_credited_by_a_verify_only(far: FakePaystack) -> None:
    for status in (DepositStatus.FAILED, DepositStatus.ABANDONED):
        deposit = make_deposit(far=far, status=status)

        deposit = settling.settle(deposit.pk)

        assert (deposit.status, available(deposit)) == (status, ZERO)


# --- Paystack does not know it ----------------------------------------------------------------------------------------


def unopened(**fields: Any) -> Deposit:
    return make_deposit(status=DepositStatus.CREATED, access_code="", authorization_url="", **fields)


def test_reference_that_never_got_there_fails_after_a_quarter_of_an_hour(far: FakePaystack) -> None:
    deposit = unopened()
    assert settling.settle(deposit.pk).status == DepositStatus.CREATED
    age(deposit, minutes=15)

    deposit = settling.settle(deposit.pk)

    assert (deposit.status, deposit.next_look_at) == (DepositStatus.FAILED, None)
    assert events(deposit) == ["deposit.failed"]
    assert not OutgoingEmail.objects.filter(user=deposit.user_id or 0).exists()


def test_deposit_that_was_opened_does_not_fail_because_paystack_forgot_it(far: FakePaystack) -> None:
    deposit = make_deposit()
    age(deposit, hours=1)

    deposit = settling.settle(deposit.pk)

    assert deposit.status == DepositStatus.PENDING
    assert deposit.next_look_at is not None


def test_checkout_whose_address_never_reached_us_is_given_up(far: FakePaystack) -> None:
    deposit = unopened(far=far)
    age(deposit, minutes=2)

    assert settling.settle(deposit.pk).status == DepositStatus.ABANDONED


# --- reversed ---------------------------------------------------------------------------------------------------------


def test_reversal_that_nobody_explains_is_taken_back(far: FakePaystack) -> None:
    deposit = make_credited_deposit(far=far)
    far.pay(deposit.reference, "reversed")

    for _ in range(2):
        deposit = settling.settle(deposit.pk, force=True)

    assert deposit.status == DepositStatus.REVERSED
    assert wallet(deposit.user_id or 0).balance == 0
    assert books.verify().differences == []


def test_reversal_of_spent_money_is_owed(far: FakePaystack) -> None:
    from billing.services import ledger

    deposit = make_credited_deposit(far=far)
    ledger.adjust(user=deposit.user, amount=-Decimal(3), reason="spent", actor=None, key="spent")  # type: ignore[arg-type]
    far.pay(deposit.reference, "reversed")

    settling.settle(deposit.pk, force=True)

    assert wallet(deposit.user_id or 0).balance == 0
    assert receivables.owed_by(deposit.user_id or 0) == Decimal(3)
    assert books.verify().differences == []


def test_success_after_a_reversal_credits_nothing(far: FakePaystack) -> None:
    deposit = make_credited_deposit(far=far)
    far.pay(deposit.reference, "reversed")
    settling.settle(deposit.pk, force=True)
    far.pay(deposit.reference, "success")

    deposit = settling.settle(deposit.pk, force=True)

    assert (deposit.status, available(deposit)) == (DepositStatus.REVERSED, ZERO)


def test_reversal_that_a_refund_of_ours_explains_is_left_to_it(far: FakePaystack) -> None:
    from billing.services import refunds

    deposit = make_credited_deposit(far=far)
    assert deposit.user is not None
    refunds.request(deposit_id=deposit.pk, user=deposit.user, amount_subunits=500_000, form_key=None)
    far.pay(deposit.reference, "reversed")

    deposit = settling.settle(deposit.pk, force=True)

    assert deposit.status == DepositStatus.SUCCEEDED
    assert wallet(deposit.user_id or 0).held == CREDIT


def test_reversed_before_it_was_credited_is_not_credited(far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference, "reversed")

    assert settling.settle(deposit.pk).status == DepositStatus.FAILED
    assert not Transfer.objects.exists()


def test_money_under_review_that_goes_back_at_paystack_stays_for_a_person(far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    far.pay(deposit.reference, "reversed")

    assert settling.settle(deposit.pk, force=True).status == DepositStatus.NEEDS_REVIEW


# --- Paystack does not answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OutcomeUnknown(), NotReached(), Paused(), Throttled(), BadKey()])
@pytest.mark.parametrize("how", ["fail", "fail_after"])
def test_question_without_an_answer_changes_nothing_and_is_asked_again(
    far: FakePaystack, error: PaystackError, how: str
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)
    getattr(far, how)("verify", error)

    settling.settle(deposit.pk)

    deposit.refresh_from_db()
    assert (deposit.status, deposit.looking_until) == (DepositStatus.PENDING, None)
    assert deposit.next_look_at is not None
    assert deposit.next_look_at > timezone.now()
    assert settling.settle(deposit.pk).status == DepositStatus.SUCCEEDED
    assert available(deposit) == CREDIT


def test_last_look_that_gets_no_answer_is_made_again(far: FakePaystack) -> None:
    deposit = make_deposit(far=far, status=DepositStatus.ABANDONED)
    age(deposit, days=7, hours=1)
    far.fail("verify")

    settling.settle(deposit.pk)

    deposit.refresh_from_db()
    assert deposit.next_look_at is not None


def test_who_comes_while_somebody_asks_gets_the_row_and_makes_the_next_look_due(far: FakePaystack) -> None:
    now = timezone.now()
    later = now + dt.timedelta(hours=1)
    deposit = make_deposit(far=far, looking_until=now + dt.timedelta(seconds=30), next_look_at=later)

    settling.settle(deposit.pk)

    deposit.refresh_from_db()
    assert far.calls == []
    assert deposit.next_look_at is not None
    assert deposit.next_look_at < later


def test_lease_of_a_process_that_died_runs_out(far: FakePaystack) -> None:
    deposit = make_deposit(far=far, looking_until=timezone.now() - dt.timedelta(seconds=1))
    far.pay(deposit.reference)

    assert settling.settle(deposit.pk).status == DepositStatus.SUCCEEDED


# --- crashes ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Nothing in the product catches it, as nothing catches SIGKILL."""


BOUNDARIES: list[tuple[Any, str]] = [
    (crediting, "credit"),
    (crediting, "_credit_wallet"),
    (receipts, "issue_for_deposit"),
    (saved_cards, "keep"),
    (receivables, "collect"),
    (deposit_news, "credited"),
]


@pytest.mark.parametrize(
    ("module", "name"), BOUNDARIES, ids=lambda value: str(getattr(value, "__name__", value))
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_crash_anywhere_in_the_credit_leaves_nothing_and_the_sweep_finishes(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, when: str
) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)
    real: Callable[..., Any] = getattr(module, name)

    def killed(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, killed)
        with pytest.raises(Killed):
            settling.settle(deposit.pk)
    assert (available(deposit), Transfer.objects.count()) == (ZERO, 0)
    age(deposit, minutes=3)  # the lease runs out

    assert deposit_sweeps.sweep(at_once=1) == 1

    assert available(deposit) == CREDIT
    assert books.verify().differences == []


# --- uninvited money --------------------------------------------------------------------------------------------------


def owned_by(monkeypatch: pytest.MonkeyPatch, user_id: int | None) -> None:
    monkeypatch.setattr(dedicated_accounts, "owner_of", lambda **_: user_id)


def test_transfer_to_a_customers_own_number_is_credited_at_the_rate_of_now(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate("1600")
    user = make_customer()
    owned_by(monkeypatch, user.pk)
    paid = far.pay_uninvited("T123", 800_000, authorization=Authorization(sender_name="Ada Obi"))

    deposits = [settling.receive(paid) for _ in range(2)]

    assert deposits[0] == deposits[1]
    deposit = Deposit.objects.get()
    assert (deposit.status, deposit.purpose, deposit.payer) == (
        DepositStatus.SUCCEEDED,
        DepositPurpose.BANK,
        "Ada Obi",
    )
    assert (available(deposit), deposit.rate) == (Decimal(5), Decimal(1600))
    assert books.verify().differences == []


@pytest.mark.parametrize(
    ("channel", "reason"),
    [("dedicated_nuban", ReviewReason.UNKNOWN_ACCOUNT), ("card", ReviewReason.UNKNOWN_REFERENCE)],
)
def test_money_of_nobody_waits_in_suspense(far: FakePaystack, channel: str, reason: ReviewReason) -> None:
    paid = replace(far.pay_uninvited("T124", 800_000), channel=channel)

    for _ in range(2):
        settling.receive(paid)

    deposit = Deposit.objects.get()
    assert (deposit.status, deposit.review_reason, deposit.user) == (
        DepositStatus.NEEDS_REVIEW,
        reason,
        None,
    )
    assert books.verify().differences == []


def test_money_for_a_customer_waits_for_a_fresh_rate(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rate("1500", hours_old=100)
    user = make_customer()
    owned_by(monkeypatch, user.pk)

    deposit = settling.receive(far.pay_uninvited("T125", 500_000))
    assert (deposit.status, available(deposit)) == (DepositStatus.PROCESSING, ZERO)
    make_rate("2000")
    deposit = settling.settle(deposit.pk)

    assert (deposit.status, available(deposit)) == (DepositStatus.SUCCEEDED, Decimal("2.5"))


def test_money_for_a_customer_in_another_currency_waits_for_a_person(
    far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned_by(monkeypatch, make_customer().pk)

    deposit = settling.receive(far.pay_uninvited("T126", 500_000, currency="GHS"))

    assert deposit.review_reason == ReviewReason.WRONG_CURRENCY
    assert books.verify().differences == []


def test_transaction_of_a_deposit_of_ours_is_settled_as_that(far: FakePaystack) -> None:
    deposit = make_deposit(far=far)

    assert settling.receive(far.pay(deposit.reference)).pk == deposit.pk
    assert available(deposit) == CREDIT


@pytest.mark.parametrize("changes", [{"status": "failed"}, {"amount": 0}, {"amount": "800000"}])
def test_what_is_no_success_is_not_received(far: FakePaystack, changes: dict[str, Any]) -> None:
    paid = replace(far.pay_uninvited("T127", 800_000), **changes)

    with pytest.raises(ValueError, match="success"):
        settling.receive(paid)

    assert not Deposit.objects.exists()


# --- automatic --------------------------------------------------------------------------------------------------------


def test_intent_of_an_automatic_charge_names_the_cards_own_e_mail(far: FakePaystack) -> None:
    make_rate()
    user = make_customer()
    card = SavedCard(user=user, fingerprint="f" * 64, email="then@example.test")

    deposit = settling.open_authorized(user=user, card=card, amount_subunits=500_000)

    assert deposit.reference.startswith("nm-a-")
    assert (deposit.email, deposit.card_fingerprint) == ("then@example.test", "f" * 64)
    with pytest.raises(AutomaticTopUpOpen):
        settling.open_authorized(user=user, card=card, amount_subunits=500_000)
    with pytest.raises(TopUpTooSmall):
        settling.open_authorized(user=make_customer(), card=card, amount_subunits=1)


def test_automatic_top_up_has_a_letter_of_its_own(far: FakePaystack) -> None:
    deposit = make_credited_deposit(purpose=DepositPurpose.AUTO)

    email = OutgoingEmail.objects.get(user=deposit.user_id or 0)
    assert (email.template, email.context["card"]) == ("auto_top_up_succeeded", "Visa 4081")
