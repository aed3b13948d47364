"""The standing order: when it charges, what follows from each outcome, and everything it must not do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import OutgoingEmail, User
from billing.enums import DepositPurpose, DepositStatus, StopReason
from billing.exceptions import AutoTopUpRefused
from billing.models import AutoTopUp, Deposit, SavedCard
from billing.paystack import client
from billing.paystack.errors import (
    BadKey,
    CardUnusable,
    Declined,
    NotReached,
    OutcomeUnknown,
    PaystackError,
    Refused,
    SuspectedFraud,
    Throttled,
)
from billing.selectors import wallet
from billing.selectors.instruments import charged_this_month
from billing.services import auto_top_up, saved_cards, settling
from tests.factories.billing import make_customer, make_hold, make_wallet
from tests.factories.instruments import make_card, make_standing_order
from tests.factories.payments import make_deposit, make_rate
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
PAGE = "https://checkout.paystack.com/please-come"


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(clock: Any) -> User:
    make_rate("1500")
    user = make_customer()
    make_wallet("2.00", user=user)
    return user


@pytest.fixture
def order(user: User) -> AutoTopUp:
    return make_standing_order(make_card(user, code="AUTH_x", last4="4081", brand="visa"))


@pytest.fixture
def later(clock: Any) -> Callable[..., None]:
    def later(**delta: float) -> None:
        clock.shift(dt.timedelta(**delta))

    return later


def again(order: AutoTopUp) -> AutoTopUp:
    order.refresh_from_db()
    return order


def charge_of(order: AutoTopUp) -> Deposit:
    return Deposit.objects.filter(purpose=DepositPurpose.AUTO, user=order.user).latest("created_at")


def charges(far: FakePaystack) -> int:
    return far.count("charge_authorization")


def mails(template: str) -> int:
    return OutgoingEmail.objects.filter(template=template).count()


def available(order: AutoTopUp) -> Decimal:
    return wallet(order.user_id).available


# --- when it charges --------------------------------------------------------------------------------------------------


def test_low_wallet_is_topped_up(order: AutoTopUp, far: FakePaystack) -> None:
    assert auto_top_up.sweep() == 1

    deposit = charge_of(order)
    assert (deposit.status, deposit.amount_subunits, deposit.reference[:5]) == ("succeeded", 500_000, "nm-a-")
    assert available(order) == Decimal("5.3333")
    assert far.calls[0] == ("charge_authorization", deposit.reference)
    assert again(order).attempt is None
    assert mails("auto_top_up_succeeded") == 1


def test_wallet_above_its_threshold_is_left_alone(order: AutoTopUp, far: FakePaystack) -> None:
    auto_top_up.sweep()
    assert available(order) >= order.threshold

    auto_top_up.sweep()

    assert charges(far) == 1


def test_wallet_at_its_threshold_is_not_below_it(order: AutoTopUp, far: FakePaystack) -> None:
    AutoTopUp.objects.update(threshold=Decimal("2.00"))

    assert auto_top_up.sweep() == 0
    assert charges(far) == 0


def test_held_money_does_not_count(order: AutoTopUp, far: FakePaystack) -> None:
    AutoTopUp.objects.update(threshold=Decimal("1.80"))
    make_hold(make_wallet("0", user=order.user), "0.35")

    assert auto_top_up.sweep() == 1


@pytest.mark.parametrize(
    "changes", [{"is_on": False}, {"next_try_at": NOW + dt.timedelta(seconds=1)}, {"charge_currency": "GHS"}]
)
def test_what_is_off_or_not_due_is_left_alone(
    order: AutoTopUp, far: FakePaystack, changes: dict[str, Any]
) -> None:
    AutoTopUp.objects.update(**changes)

    assert auto_top_up.sweep() == 0
    assert far.calls == []


def test_suspended_customer_is_not_charged(order: AutoTopUp, far: FakePaystack) -> None:
    User.objects.filter(pk=order.user_id).update(state="suspended")

    assert auto_top_up.sweep() == 0


def test_nothing_is_tried_while_paystack_is_away(
    order: AutoTopUp, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "is_available", lambda: False)

    assert auto_top_up.sweep() == 0
    assert not Deposit.objects.filter(purpose=DepositPurpose.AUTO).exists()


def test_old_exchange_rate_stops_charges_for_an_hour(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    later(hours=100)

    assert auto_top_up.sweep() == 0

    assert far.calls == []
    assert again(order).next_try_at == timezone.now() + dt.timedelta(hours=1)
    make_rate("1500")
    later(hours=1)
    assert auto_top_up.sweep() == 1


def test_sweep_costs_the_same_however_many_are_not_low(order: AutoTopUp, far: FakePaystack) -> None:
    AutoTopUp.objects.update(threshold=Decimal("1.00"))
    with CaptureQueriesContext(connection) as one:
        auto_top_up.sweep()
    for _ in range(3):
        card = make_card()
        make_wallet("10.00", user=card.user)
        make_standing_order(card)

    with CaptureQueriesContext(connection) as four:
        auto_top_up.sweep()

    assert len(one) == len(four) == 1


# --- unknown outcomes -------------------------------------------------------------------------------------------------


def test_lost_answer_is_read_back_and_never_charged_again(order: AutoTopUp, far: FakePaystack) -> None:
    far.fail_after("charge_authorization")

    auto_top_up.sweep()
    auto_top_up.sweep()

    assert charges(far) == 1
    assert charge_of(order).status == DepositStatus.SUCCEEDED
    assert available(order) == Decimal("5.3333")


def test_while_paystack_does_not_answer_at_all_nothing_else_is_charged(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.fail_after("charge_authorization")
    far.fail("verify", times=50)

    for _ in range(20):
        auto_top_up.sweep()
        later(minutes=10)

    assert charges(far) == 1
    assert again(order).attempt == charge_of(order)
    assert available(order) == Decimal("2.00")
    far._before.clear()
    later(hours=1)
    auto_top_up.sweep()
    assert charges(far) == 1
    assert available(order) == Decimal("5.3333")
    assert again(order).attempt is None


def test_charge_that_never_arrived_is_made_anew_with_another_reference(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.fail("charge_authorization", OutcomeUnknown())
    auto_top_up.sweep()
    lost = charge_of(order)
    later(minutes=5)
    auto_top_up.sweep()
    assert charges(far) == 1

    for _ in range(6):
        later(minutes=10)
        auto_top_up.sweep()

    lost.refresh_from_db()
    assert lost.status == DepositStatus.FAILED
    assert charges(far) == 2
    assert charge_of(order).reference != lost.reference
    assert available(order) == Decimal("5.3333")
    assert SavedCard.objects.get(user=order.user).declines == []


def test_worker_that_died_before_the_call_leaves_nothing_that_is_sent_later(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    deposit = auto_top_up._begin(order.pk, order.user_id)
    assert deposit is not None

    later(minutes=2)
    auto_top_up.sweep()

    assert charges(far) == 0
    assert again(order).attempt == deposit


@pytest.mark.parametrize("error", [NotReached(), Throttled(retry_after_s=30)])
def test_call_that_was_not_made_is_no_decline(
    order: AutoTopUp, far: FakePaystack, error: PaystackError, later: Callable[..., None]
) -> None:
    far.fail("charge_authorization", error)
    auto_top_up.sweep()
    assert again(order).attempt is None
    assert mails("auto_top_up_failed") == 0

    later(minutes=21)
    settling.settle(charge_of(order).pk)
    auto_top_up.sweep()

    assert charges(far) == 2
    assert available(order) == Decimal("5.3333")


def test_card_that_must_rest_rests_as_long_as_paystack_says(order: AutoTopUp, far: FakePaystack) -> None:
    far.fail("charge_authorization", Throttled(retry_after_s=7200))

    auto_top_up.sweep()

    assert again(order).next_try_at == NOW + dt.timedelta(hours=2)


def test_closed_intent_that_still_counts_as_open_blocks_a_second_one(
    order: AutoTopUp, far: FakePaystack
) -> None:
    make_deposit(order.user, purpose=DepositPurpose.AUTO, status=DepositStatus.PROCESSING)

    assert auto_top_up.sweep() == 0
    assert charges(far) == 0


# --- declines ---------------------------------------------------------------------------------------------------------


def decline(far: FakePaystack, how: str) -> None:
    """Paystack answers 200 with a failed transaction, or 400."""
    far.charge_status = "failed"
    if how == "400":
        far.fail("charge_authorization", Declined("Insufficient Funds"))


@pytest.mark.parametrize("how", ["200", "400"])
def test_decline_pauses_the_card_for_a_day(
    order: AutoTopUp, far: FakePaystack, how: str, later: Callable[..., None]
) -> None:
    decline(far, how)
    auto_top_up.sweep()

    assert available(order) == Decimal("2.00")
    assert again(order).attempt is None
    assert (mails("auto_top_up_failed"), mails("deposit_failed")) == (1, 0)
    later(hours=23, minutes=59)
    auto_top_up.sweep()
    assert charges(far) == 1
    later(minutes=2)
    settling.settle(charge_of(order).pk)
    auto_top_up.sweep()
    assert charges(far) == 2


def test_three_declines_within_a_week_switch_it_off(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.charge_status = "failed"

    for _ in range(10):
        auto_top_up.sweep()
        later(hours=24, minutes=1)

    assert charges(far) == 3
    assert (again(order).is_on, order.stop_reason, order.next_try_at) == (False, StopReason.DECLINES, None)
    assert (mails("auto_top_up_failed"), mails("auto_top_up_stopped")) == (2, 1)


def test_declines_of_an_earlier_week_do_not_count(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.charge_status = "failed"
    auto_top_up.sweep()
    later(hours=25)
    auto_top_up.sweep()
    later(days=7)

    make_rate("1500")
    auto_top_up.sweep()

    assert charges(far) == 3
    assert again(order).is_on
    assert len(SavedCard.objects.get(user=order.user).declines) == 1


def test_decline_that_comes_to_light_later_counts_as_well(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.charge_status = "failed"
    far.fail_after("charge_authorization")
    far.fail("verify")
    auto_top_up.sweep()
    assert again(order).attempt is not None

    later(minutes=30)
    auto_top_up.sweep()

    assert charges(far) == 1
    assert again(order).attempt is None
    assert order.next_try_at == timezone.now() + dt.timedelta(hours=24)
    assert mails("auto_top_up_failed") == 1


def test_other_card_may_be_charged_at_once_after_a_decline(order: AutoTopUp, far: FakePaystack) -> None:
    far.charge_status = "failed"
    auto_top_up.sweep()
    far.charge_status = "success"
    save(order.user, card_id=make_card(order.user).pk)

    auto_top_up.sweep()

    assert available(order) == Decimal("5.3333")


def test_same_card_chosen_again_still_waits_out_its_day(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.charge_status = "failed"
    auto_top_up.sweep()

    save(order.user, card_id=order.card_id or 0)
    auto_top_up.sweep()

    assert charges(far) == 1
    later(hours=24, seconds=1)
    auto_top_up.sweep()
    assert charges(far) == 2


def test_unusable_card_is_removed_and_automatic_top_up_ends(order: AutoTopUp, far: FakePaystack) -> None:
    far.fail("charge_authorization", CardUnusable())

    auto_top_up.sweep()

    assert SavedCard.objects.get().removed_at is not None
    assert (again(order).is_on, order.card, order.stop_reason) == (False, None, StopReason.CARD_GONE)
    assert (mails("card_removed"), mails("auto_top_up_stopped")) == (1, 1)


@pytest.mark.parametrize("words", ["Expired Card", "Pickup card (lost)"])
def test_card_that_its_bank_calls_dead_is_removed_at_once(
    order: AutoTopUp, far: FakePaystack, words: str
) -> None:
    far.charge_status, far.charge_says = "failed", words

    auto_top_up.sweep()

    assert SavedCard.objects.get().removed_at is not None
    assert (again(order).is_on, order.stop_reason, mails("auto_top_up_failed")) == (
        False,
        StopReason.CARD_GONE,
        0,
    )


def test_suspected_fraud_ends_automatic_top_up(order: AutoTopUp, far: FakePaystack) -> None:
    far.fail("charge_authorization", SuspectedFraud())

    auto_top_up.sweep()

    assert (again(order).is_on, order.stop_reason) == (False, StopReason.FRAUD)
    assert SavedCard.objects.get().removed_at is None


def test_fault_of_ours_is_no_decline_of_the_card(order: AutoTopUp, far: FakePaystack) -> None:
    far.fail("charge_authorization", BadKey())

    auto_top_up.sweep()

    assert SavedCard.objects.get().declines == []
    assert again(order).next_try_at == NOW + dt.timedelta(hours=1)
    assert OutgoingEmail.objects.count() == 0


def test_refusal_of_another_kind_backs_off_like_a_decline(order: AutoTopUp, far: FakePaystack) -> None:
    far.fail("charge_authorization", Refused("something new"))

    auto_top_up.sweep()

    assert SavedCard.objects.get().declines == [NOW]


# --- the bank wants the customer --------------------------------------------------------------------------------------


def test_customer_is_sent_to_the_bank_s_page(order: AutoTopUp, far: FakePaystack) -> None:
    far.charge_page = PAGE

    auto_top_up.sweep()
    auto_top_up.sweep()

    email = OutgoingEmail.objects.get()
    deposit = charge_of(order)
    assert (email.template, email.context["url"]) == ("payment_needs_you", PAGE)
    assert (deposit.status, deposit.authorization_url) == ("pending", PAGE)
    assert again(order).attempt == deposit
    assert charges(far) == 1


def test_customer_who_comes_to_the_page_is_credited(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.charge_page = PAGE
    auto_top_up.sweep()
    far.pay(charge_of(order).reference)

    later(minutes=5)
    auto_top_up.sweep()

    assert available(order) == Decimal("5.3333")
    assert again(order).attempt is None
    assert charges(far) == 1


def test_customer_who_never_comes_pauses_it_like_a_decline(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.charge_page = PAGE
    auto_top_up.sweep()

    for _ in range(30):
        later(hours=1)
        auto_top_up.sweep()

    assert charges(far) == 1
    assert charge_of(order).status == DepositStatus.ABANDONED
    assert len(SavedCard.objects.get(user=order.user).declines) == 1
    assert mails("auto_top_up_failed") == 1


# --- the limit of a month ---------------------------------------------------------------------------------------------


def test_month_s_limit_is_kept_and_the_next_month_begins_anew(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    AutoTopUp.objects.update(monthly_cap_subunits=1_200_000, threshold=Decimal(1000))

    for _ in range(6):
        auto_top_up.sweep()
        later(minutes=2)

    assert charges(far) == 2
    assert again(order).next_try_at == dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    later(days=21)
    make_rate("1500")
    auto_top_up.sweep()
    assert charges(far) == 3


def test_month_s_limit_counts_what_is_still_open_and_not_what_failed(user: User) -> None:
    others = set(DepositStatus) - {DepositStatus.PENDING, DepositStatus.PROCESSING, DepositStatus.SUCCEEDED}
    for status in others:  # one open charge at a time is all the database takes
        make_deposit(user, purpose=DepositPurpose.AUTO, status=status, amount_subunits=100)
    make_deposit(
        user, purpose=DepositPurpose.AUTO, status=DepositStatus.SUCCEEDED, amount_subunits=100, credited_at=NOW,
        paystack_id=77,
    )  # fmt: skip
    make_deposit(user, status=DepositStatus.PENDING, amount_subunits=10_000)  # a top-up by hand

    # created, succeeded, needs_review and reversed
    assert charged_this_month(user.pk, "NGN") == 400
    assert charged_this_month(user.pk, "GHS") == 0
    assert charged_this_month(user.pk, "NGN", now=NOW + dt.timedelta(days=30)) == 0


# --- the wishes -------------------------------------------------------------------------------------------------------


def save(user: User, **changes: Any) -> AutoTopUp:
    wishes: dict[str, Any] = {
        "threshold": Decimal("3.00"), "amount_subunits": 500_000, "monthly_cap_subunits": 2_000_000, "consent": True,
    } | changes  # fmt: skip
    return auto_top_up.save(user=user, **wishes)


def test_saving_switches_it_on(user: User, far: FakePaystack) -> None:
    card = make_card(user)

    order = save(user, card_id=card.pk)

    assert (order.is_on, order.card, order.next_try_at, order.stop_reason) == (True, card, NOW, "")
    assert auto_top_up.sweep() == 1


def test_saving_again_changes_the_one_there_is(user: User) -> None:
    first = save(user, card_id=make_card(user).pk)
    auto_top_up.switch_off(user_id=user.pk, reason=StopReason.DISPUTE)

    second = save(user, card_id=make_card(user).pk, amount_subunits=600_000)

    assert (first.pk, second.amount_subunits, second.is_on) == (second.pk, 600_000, True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"consent": False}, "consent"),
        ({"amount_subunits": 99_999}, "amount"),
        ({"amount_subunits": 50_000_001, "monthly_cap_subunits": 10**9}, "amount"),
        ({"monthly_cap_subunits": 499_999}, "monthly_cap"),
        ({"threshold": Decimal(0)}, "threshold"),
        ({"threshold": Decimal("3.3334")}, "threshold"),
        ({"card_id": 0}, "card"),
    ],
)
def test_wish_that_cannot_be_kept_is_named(user: User, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(AutoTopUpRefused) as refused:
        save(user, **({"card_id": make_card(user).pk} | changes))

    assert refused.value.field == field
    assert not AutoTopUp.objects.exists()


def test_threshold_may_be_what_one_charge_adds(user: User) -> None:
    assert save(user, card_id=make_card(user).pk, threshold=Decimal("3.3333")).is_on


@pytest.mark.parametrize(
    "card",
    [
        {"removed_at": NOW},
        {"exp_month": 10, "exp_year": 2026},
        {"declines": [NOW - dt.timedelta(days=day) for day in (6, 4, 2)]},
        {"user": None},
    ],
)
def test_card_that_cannot_be_charged_is_refused(user: User, card: dict[str, Any]) -> None:
    values = {"user": user} | card

    with pytest.raises(AutoTopUpRefused) as refused:
        save(user, card_id=make_card(**values).pk)

    assert refused.value.field == "card"


def test_dispute_stops_it_and_the_charge_under_way_is_still_followed(
    order: AutoTopUp, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.charge_page = PAGE
    auto_top_up.sweep()

    assert auto_top_up.switch_off(user_id=order.user_id, reason=StopReason.DISPUTE)
    assert not auto_top_up.switch_off(user_id=order.user_id, reason=StopReason.DISPUTE)
    far.pay(charge_of(order).reference)
    later(minutes=5)
    auto_top_up.sweep()

    assert (again(order).is_on, order.stop_reason, order.attempt) == (False, StopReason.DISPUTE, None)
    assert order.next_try_at is None
    assert available(order) == Decimal("5.3333")
    email = OutgoingEmail.objects.get(template="auto_top_up_stopped")
    assert email.context["reason"] == "a payment is disputed"


def test_switching_it_off_oneself_sends_no_email(order: AutoTopUp) -> None:
    auto_top_up.switch_off(user_id=order.user_id, reason=StopReason.CUSTOMER)

    assert OutgoingEmail.objects.count() == 0


def test_switching_off_what_was_never_on_is_nothing(user: User) -> None:
    assert not auto_top_up.switch_off(user_id=user.pk, reason=StopReason.DISPUTE)


def test_card_removed_between_intent_and_call_is_not_charged(
    order: AutoTopUp, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = auto_top_up._begin

    def begin_and_remove(order_id: int, user_id: int) -> Deposit | None:
        deposit = begin(order_id, user_id)
        saved_cards.remove(card_id=order.card_id or 0, user=order.user)
        return deposit

    monkeypatch.setattr(auto_top_up, "_begin", begin_and_remove)
    auto_top_up.sweep()

    assert charges(far) == 0
    assert (again(order).attempt, order.is_on) == (None, False)
