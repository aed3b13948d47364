"""Which cards are kept, and how they are forgotten here and at Paystack."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import OutgoingEmail, User
from billing.enums import StopReason
from billing.exceptions import UnknownCard
from billing.models import AutoTopUp, Deposit, SavedCard
from billing.paystack.base import Authorization, Transaction
from billing.paystack.errors import NotReached, OutcomeUnknown, PaystackError, Refused
from billing.services import saved_cards
from namaskah.lib import sealing
from tests.factories.billing import make_customer
from tests.factories.instruments import make_card, make_standing_order
from tests.factories.payments import make_deposit, make_transaction
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_customer()


def paid(
    user: User, *, wants_card_saved: bool = True, channel: str = "card", **card: Any
) -> tuple[Deposit, Transaction]:
    """A deposit and what Paystack says of it."""
    deposit = make_deposit(user, wants_card_saved=wants_card_saved)
    made = make_transaction(deposit, channel=channel, customer_code="CUS_ada")
    return deposit, replace(made, authorization=replace(made.authorization, **card))


def keep(user: User, **changes: Any) -> SavedCard | None:
    with transaction.atomic():
        return saved_cards.keep(*paid(user, **changes))


def due(card: SavedCard) -> dt.datetime | None:
    card.refresh_from_db()
    return card.deactivate_due_at


def test_card_is_kept_with_consent(user: User) -> None:
    deposit, made = paid(user, code="AUTH_secret", signature="SIG_one", exp_month=7, exp_year=2031)

    card = saved_cards.keep(deposit, made)

    assert card is not None
    card.refresh_from_db()
    assert (card.user, card.label, card.exp_month, card.exp_year) == (user, "Visa ••••\u00a04081", 7, 2031)
    assert (card.email, card.customer_code, card.bank, card.country_code) == (
        user.email,
        "CUS_ada",
        "TEST BANK",
        "NG",
    )
    assert sealing.unseal(card.sealed_code) == "AUTH_secret"
    assert card.fingerprint == sealing.fingerprint("SIG_one")


@pytest.mark.parametrize(
    "changes",
    [
        {"wants_card_saved": False},
        {"channel": "bank_transfer"},
        {"channel": ""},
        {"is_reusable": False},
        {"signature": ""},
        {"code": ""},
    ],
)
def test_card_is_not_kept_without_all_it_needs(user: User, changes: dict[str, Any]) -> None:
    assert keep(user, **changes) is None
    assert not SavedCard.objects.exists()


def test_payment_of_nobody_keeps_no_card(user: User) -> None:
    deposit, made = paid(user)
    deposit.user_id = None

    assert saved_cards.keep(deposit, made) is None


def test_same_card_is_one_card_with_the_newer_code_and_email(user: User) -> None:
    first = keep(user, signature="SIG_one", code="AUTH_old")
    user.email = "new-address@example.test"
    user.save()

    again = keep(user, signature="SIG_one", code="AUTH_new", exp_year=2035)

    assert first is not None
    assert again == first
    card = SavedCard.objects.get()
    assert sealing.unseal(card.sealed_code) == "AUTH_new"
    assert (card.email, card.exp_year) == ("new-address@example.test", 2035)


def test_email_of_the_card_stays_when_the_account_changes_it(user: User) -> None:
    card = keep(user)
    old = user.email

    User.objects.filter(pk=user.pk).update(email="other@example.test")

    assert card is not None
    card.refresh_from_db()
    assert card.email == old


def test_same_card_of_two_customers_is_two_cards(user: User) -> None:
    assert keep(user, signature="SIG_one") != keep(make_customer(), signature="SIG_one")
    assert SavedCard.objects.count() == 2


def test_removed_card_comes_back_as_a_new_one(user: User, far: FakePaystack) -> None:
    first = keep(user, signature="SIG_one")
    assert first is not None
    saved_cards.remove(card_id=first.pk, user=user)

    second = keep(user, signature="SIG_one")

    assert second != first
    assert list(saved_cards.cards_of(user.pk)) == [second]


def test_cards_above_the_limit_are_not_kept_but_known_ones_renewed(user: User, settings: Settings) -> None:
    settings.CARDS_PER_USER = 2
    keep(user, signature="SIG_1", code="AUTH_1")
    keep(user, signature="SIG_2")

    assert keep(user, signature="SIG_3") is None
    renewed = keep(user, signature="SIG_1", code="AUTH_1b")

    assert renewed is not None
    assert sealing.unseal(renewed.sealed_code) == "AUTH_1b"
    assert SavedCard.objects.count() == 2


@pytest.mark.parametrize(("month", "year"), [(0, 2030), (13, 2030), (12, 30), (None, None), (12, 10**9)])
def test_odd_expiry_is_left_out(user: User, month: int | None, year: int | None) -> None:
    card = keep(user, exp_month=month, exp_year=year)

    assert card is not None
    assert None in (card.exp_month, card.exp_year)
    assert not card.is_expired


def test_card_expires_after_its_month() -> None:
    card = make_card(exp_month=7, exp_year=2031)

    with time_machine.travel("2031-07-31T23:00:00Z"):
        assert not card.is_expired
    with time_machine.travel("2031-08-01T00:00:00Z"):
        assert card.is_expired


def test_charge_names_the_email_the_card_is_bound_to(user: User, far: FakePaystack) -> None:
    card = make_card(user, code="AUTH_x", email="then@example.test")

    charge = saved_cards.charge(card=card, amount_subunits=300_000, currency="NGN", reference="nm-a-1")

    assert charge.transaction is not None
    assert (charge.transaction.customer_email, charge.transaction.amount) == ("then@example.test", 300_000)


def test_charge_code_is_in_no_text_of_the_row() -> None:
    card = make_card(code="AUTH_secret")

    assert "AUTH" not in f"{card!r} {card} {card.sealed_code} {card.label}"


def test_card_that_cannot_be_unsealed_is_not_charged(far: FakePaystack) -> None:
    card = make_card(sealed_code="gAAAAAB-of-another-key")

    with pytest.raises(NotReached):
        saved_cards.charge(card=card, amount_subunits=300_000, currency="NGN", reference="nm-a-1")
    assert far.calls == []


# --- removing ---------------------------------------------------------------------------------------------------------


def test_removed_card_ends_at_once_and_at_paystack(
    user: User, far: FakePaystack, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    card = make_card(user, code="AUTH_x")

    with django_capture_on_commit_callbacks() as callbacks:
        saved_cards.remove(card_id=card.pk, user=user)

    assert not saved_cards.cards_of(user.pk).exists()
    assert far.calls == []  # never within the transaction
    assert len(callbacks) >= 1
    assert saved_cards.deactivate_due() == 1
    assert far.dead_cards == {"AUTH_x"}
    card.refresh_from_db()
    assert (card.deactivate_due_at, card.sealed_code) == (None, "")


def test_removing_tells_the_owner_once(user: User) -> None:
    card = make_card(user, last4="4081")

    saved_cards.remove(card_id=card.pk, user=user)
    saved_cards.remove(card_id=card.pk, user=user)

    email = OutgoingEmail.objects.get()
    assert (email.template, email.user, email.context["card"]) == (
        "card_removed",
        user,
        "Visa ••••\u00a04081",
    )


def test_card_of_somebody_else_cannot_be_removed(user: User) -> None:
    card = make_card()

    with pytest.raises(UnknownCard):
        saved_cards.remove(card_id=card.pk, user=user)

    assert due(card) is None


def test_removing_stops_the_automatic_top_up_that_charges_it(user: User) -> None:
    order = make_standing_order(make_card(user))

    saved_cards.remove(card_id=order.card_id or 0, user=user)

    order.refresh_from_db()
    assert (order.is_on, order.card, order.stop_reason, order.next_try_at) == (False, None, "card_gone", None)
    assert set(OutgoingEmail.objects.values_list("template", flat=True)) == {
        "card_removed",
        "auto_top_up_stopped",
    }


def test_removing_another_card_leaves_automatic_top_up_on(user: User) -> None:
    make_standing_order(make_card(user))

    saved_cards.remove(card_id=make_card(user).pk, user=user)

    assert AutoTopUp.objects.get().is_on


def test_remove_all_ends_every_card_of_one_customer(user: User, far: FakePaystack) -> None:
    order = make_standing_order(make_card(user, code="AUTH_1"))
    make_card(user, code="AUTH_2")
    other = make_card()

    assert saved_cards.remove_all(user_id=user.pk, reason=StopReason.DISPUTE) == 2
    assert saved_cards.remove_all(user_id=user.pk, reason=StopReason.DISPUTE) == 0

    saved_cards.deactivate_due()
    order.refresh_from_db()
    assert far.dead_cards == {"AUTH_1", "AUTH_2"}
    assert (order.is_on, order.stop_reason) == (False, "dispute")
    assert list(saved_cards.cards_of(other.user_id)) == [other]


@pytest.mark.parametrize("error", [OutcomeUnknown(), NotReached(), Refused("no")])
def test_deactivation_without_an_answer_is_asked_again(
    user: User, far: FakePaystack, error: PaystackError
) -> None:
    card = make_card(user, code="AUTH_x")
    saved_cards.remove(card_id=card.pk, user=user)
    far.fail("deactivate_authorization", error)

    assert saved_cards.deactivate_due() == 0
    assert saved_cards.deactivate_due() == 0  # not before its time

    assert far.count("deactivate_authorization") == 1
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=2)):
        assert saved_cards.deactivate_due() == 1
    assert far.dead_cards == {"AUTH_x"}
    assert due(card) is None


def test_deactivation_whose_answer_was_lost_is_asked_again(user: User, far: FakePaystack) -> None:
    card = make_card(user, code="AUTH_x")
    saved_cards.remove(card_id=card.pk, user=user)
    far.fail_after("deactivate_authorization")

    saved_cards.deactivate_due()
    assert due(card) is not None
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=2)):
        saved_cards.deactivate_due()

    assert far.count("deactivate_authorization") == 2
    assert due(card) is None


def test_deactivation_waits_longer_each_time(user: User, far: FakePaystack) -> None:
    card = make_card(
        user, removed_at=timezone.now() - dt.timedelta(hours=2), deactivate_due_at=timezone.now()
    )
    far.fail("deactivate_authorization")

    saved_cards.deactivate_due()

    wait = (due(card) or timezone.now()) - timezone.now()
    assert dt.timedelta(minutes=119) < wait < dt.timedelta(minutes=121)


def test_deactivation_that_died_is_taken_up_after_its_lease(user: User, far: FakePaystack) -> None:
    card = make_card(user, code="AUTH_x", removed_at=timezone.now(), deactivate_due_at=timezone.now())
    assert saved_cards._claim(card, timezone.now())

    assert saved_cards.deactivate_due() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=6)):
        assert saved_cards.deactivate_due() == 1


def test_code_that_lives_on_in_a_card_saved_anew_is_not_killed(user: User, far: FakePaystack) -> None:
    first = keep(user, signature="SIG_one", code="AUTH_x")
    assert first is not None
    saved_cards.remove(card_id=first.pk, user=user)
    keep(user, signature="SIG_one", code="AUTH_x")

    saved_cards.deactivate_due()

    assert far.dead_cards == set()
    assert due(first) is None


def test_old_code_is_killed_though_the_card_was_saved_anew(user: User, far: FakePaystack) -> None:
    first = keep(user, signature="SIG_one", code="AUTH_old")
    assert first is not None
    saved_cards.remove(card_id=first.pk, user=user)
    keep(user, signature="SIG_one", code="AUTH_new")

    saved_cards.deactivate_due()

    assert far.dead_cards == {"AUTH_old"}


def test_authorization_hides_its_code_in_logs() -> None:
    assert "AUTH" not in repr(Authorization(code="AUTH_secret", signature="SIG_x"))
