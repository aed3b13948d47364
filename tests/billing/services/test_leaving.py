"""What an erasure waits for of somebody's money, and what Paystack forgets first."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.enums import DepositStatus
from billing.models import AutoTopUp, DedicatedAccount, SavedCard
from billing.paystack.base import DedicatedAccountFact
from billing.paystack.errors import NotReached, Refused
from billing.services import leaving, saved_cards
from tests.factories.accounts import UserFactory
from tests.factories.billing import make_hold, make_wallet
from tests.factories.instruments import make_bank_account, make_card, make_standing_order
from tests.factories.papers import make_paid_deposit, make_refund_of
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db


def codes(user: User, *, gives_up: bool = False) -> list[str]:
    return [found.code for found in leaving.obstacles(user.pk, gives_up)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"next_look_at": timezone.now()}, ["deposit"]),
        ({"status": DepositStatus.ABANDONED, "next_look_at": timezone.now()}, ["deposit"]),
        ({"status": DepositStatus.NEEDS_REVIEW}, ["deposit"]),
        ({"status": DepositStatus.NEEDS_REVIEW, "refunded_subunits": 500_000}, []),
    ],
    ids=["paid", "watched", "abandoned", "under review", "sent back"],
)
def test_deposit_that_may_still_change_is_waited_for(changes: dict[str, object], expected: list[str]) -> None:
    user = UserFactory.create()
    make_paid_deposit(user, **changes)

    assert codes(user) == expected


def test_open_refund_is_waited_for() -> None:
    user = UserFactory.create()
    refund = make_refund_of(make_paid_deposit(user), wallet_amount=0)

    assert codes(user) == ["refund"]

    refund.closed_at = timezone.now()
    refund.save()
    assert codes(user) == []


def test_money_left_is_theirs_to_decide_about_and_held_money_is_waited_for() -> None:
    user = UserFactory.create()
    make_hold(make_wallet("2.00", user=user), "0.50")

    found = {obstacle.code: obstacle for obstacle in leaving.obstacles(user.pk, False)}

    assert set(found) == {"held", "balance"}
    assert found["balance"].is_theirs
    assert found["balance"].amount == "$1.50"
    assert found["balance"].url == "/wallet/refunds/"
    assert codes(user, gives_up=True) == ["held"]


def test_somebody_elses_money_is_no_matter() -> None:
    make_wallet("5.00")

    assert codes(UserFactory.create()) == []


def test_cards_and_bank_account_are_forgotten_by_paystack(far: FakePaystack) -> None:
    user = UserFactory.create()
    card = make_card(user, code="AUTH_x")
    make_standing_order(card)
    account = make_bank_account(user)
    _open_there(far, account)

    assert not leaving.prepare(user.pk)
    saved_cards.deactivate_due()
    assert leaving.prepare(user.pk)

    assert far.dead_cards == {"AUTH_x"}
    assert not far.accounts[account.paystack_id or 0].is_active
    assert not DedicatedAccount.objects.get(pk=account.pk).is_active
    assert not AutoTopUp.objects.get(user=user).is_on


@pytest.mark.parametrize("when", ["fail", "fail_after"])
def test_bank_account_is_asked_for_again_when_the_answer_is_lost(far: FakePaystack, when: str) -> None:
    account = make_bank_account()
    _open_there(far, account)
    getattr(far, when)("deactivate_dedicated_account", NotReached(code="timeout"))

    assert not leaving.prepare(account.user_id)
    assert DedicatedAccount.objects.get(pk=account.pk).is_active
    assert leaving.prepare(account.user_id)

    assert not DedicatedAccount.objects.get(pk=account.pk).is_active
    assert not far.accounts[account.paystack_id or 0].is_active


def test_plain_no_to_closing_a_bank_account_is_not_asked_again(far: FakePaystack) -> None:
    account = make_bank_account()
    far.fail("deactivate_dedicated_account", Refused("gone", code="not_found"))

    assert leaving.prepare(account.user_id)
    assert not DedicatedAccount.objects.get(pk=account.pk).is_active


def test_without_a_key_there_is_nobody_to_tell(settings: Settings) -> None:
    settings.PAYSTACK_SECRET_KEY = ""
    card = make_card()

    assert leaving.prepare(card.user_id)
    assert SavedCard.objects.get(pk=card.pk).removed_at is not None


def test_balance_given_up_leaves_what_is_held(settings: Settings) -> None:
    user = UserFactory.create()
    account = make_wallet("2.00", user=user)
    make_hold(account, "0.50")

    leaving.give_up_balance(user.pk)

    account.refresh_from_db()
    assert (account.available, account.balance) == (Decimal(0), Decimal("0.50"))


def _open_there(far: FakePaystack, account: DedicatedAccount) -> None:
    far.accounts[account.paystack_id or 0] = DedicatedAccountFact(
        id=account.paystack_id or 0,
        account_number=account.account_number,
        account_name=account.account_name,
        bank_name=account.bank_name,
        bank_slug=account.bank_slug,
        customer_code=account.customer_code,
        is_active=True,
    )
