"""Limits of paying in: each at its edge, with its figure in the sentence."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.enums import DepositStatus
from billing.exceptions import (
    DailyTopUpLimit,
    FirstTopUpTooLarge,
    TooManyCards,
    TooManyDeclines,
    TooManyOpenTopUps,
    TopUpRefused,
    TopUpTooLarge,
    TopUpTooSmall,
)
from billing.models import Deposit
from billing.services import deposit_limits
from tests.factories.billing import make_customer
from tests.factories.payments import make_credited_deposit, make_deposit

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(db: None) -> User:
    return make_customer()


@pytest.fixture
def known(user: User) -> User:
    """Somebody who has paid more than a day ago."""
    deposit = make_credited_deposit(user)
    long_ago = timezone.now() - dt.timedelta(hours=25)
    Deposit.objects.filter(pk=deposit.pk).update(
        credited_at=long_ago, paid_at=long_ago, created_at=long_ago, card_fingerprint=""
    )
    return user


def check(user: User, subunits: int = 100_000) -> None:
    deposit_limits.check(user.pk, subunits)


def refuses(user: User, kind: type[TopUpRefused], subunits: int = 100_000) -> str:
    with pytest.raises(kind) as refused:
        check(user, subunits)
    return str(refused.value.message)


def test_smallest_and_largest(known: User) -> None:
    check(known, 100_000)
    check(known, 50_000_000)
    assert refuses(known, TopUpTooSmall, 99_999) == "A top-up is at least ₦1,000.00."
    assert refuses(known, TopUpTooLarge, 50_000_001) == "A top-up is at most ₦500,000.00."


@pytest.mark.parametrize("subunits", [0, -1, -500_000])
def test_nothing_and_less_is_refused(user: User, subunits: int) -> None:
    refuses(user, TopUpTooSmall, subunits)


def test_settings_override_the_figures(known: User, settings: Settings) -> None:
    settings.TOP_UP_MIN, settings.TOP_UP_MAX = "10", "20.50"

    check(known, 1_000)
    refuses(known, TopUpTooLarge, 2_051)


def test_first_top_up_is_smaller_until_a_day_after_it(user: User) -> None:
    check(user, 5_000_000)
    assert "₦50,000.00" in refuses(user, FirstTopUpTooLarge, 5_000_001)
    make_credited_deposit(user)

    refuses(user, FirstTopUpTooLarge, 5_000_001)


def test_known_customer_pays_more(known: User) -> None:
    check(known, 5_000_001)


@pytest.mark.parametrize("status", [DepositStatus.CREATED, DepositStatus.PENDING, DepositStatus.PROCESSING])
def test_day_counts_what_is_begun(known: User, status: DepositStatus) -> None:
    make_deposit(known, status=status, amount_subunits=99_000_000)

    check(known, 1_000_000)
    assert refuses(known, DailyTopUpLimit, 1_000_001) == (
        "Top-ups are limited to ₦1,000,000.00 in 24 hours, counting those you have begun. "
        "You can still add ₦10,000.00 now."
    )


def test_day_counts_what_is_paid_and_not_what_came_to_nothing(known: User) -> None:
    for status in (DepositStatus.FAILED, DepositStatus.ABANDONED):
        make_deposit(known, status=status, amount_subunits=90_000_000)
    make_credited_deposit(known, amount_subunits=50_000_000)
    check(known, 50_000_000)
    make_credited_deposit(known, amount_subunits=50_000_000)

    assert "₦0.00" in refuses(known, DailyTopUpLimit)


def test_day_of_another_customer_does_not_count(known: User) -> None:
    make_credited_deposit(amount_subunits=100_000_000)

    check(known, 50_000_000)


def test_open_checkouts_of_the_last_hour(user: User, settings: Settings) -> None:
    settings.TOP_UP_OPEN_MAX = 2
    make_deposit(user, amount_subunits=100_000)
    check(user)
    second = make_deposit(user, amount_subunits=100_000)
    assert " 2 " in refuses(user, TooManyOpenTopUps)

    Deposit.objects.filter(pk=second.pk).update(created_at=timezone.now() - dt.timedelta(minutes=61))
    check(user)


def declined(user: User, number: int, **ago: float) -> None:
    at = timezone.now() - dt.timedelta(**ago)
    make_deposit(user, status=DepositStatus.FAILED, paystack_id=number, closed_at=at)


def test_declines_of_an_hour(user: User, settings: Settings) -> None:
    settings.DECLINES_PER_HOUR = 2
    declined(user, 1, minutes=59)
    declined(user, 2, minutes=61)
    make_deposit(user, status=DepositStatus.FAILED, closed_at=timezone.now())  # no bank was asked
    check(user)

    declined(user, 3, minutes=1)

    assert " 2 " in refuses(user, TooManyDeclines)


def test_different_cards_of_a_month(user: User, settings: Settings) -> None:
    settings.CARDS_PER_USER = 2
    for card in "aabb":
        make_deposit(user, status=DepositStatus.ABANDONED, card_fingerprint=card * 64)
    check(user)

    make_deposit(user, status=DepositStatus.ABANDONED, card_fingerprint="c" * 64)

    assert " 2 " in refuses(user, TooManyCards)


def test_staff_reads_what_is_used(known: User, django_assert_num_queries: Any) -> None:
    make_deposit(known, amount_subunits=99_000_000)
    declined(known, 1, minutes=1)

    with django_assert_num_queries(2):
        limits = [str(limit) for limit in deposit_limits.limits_of(known)]

    assert limits == [
        "Largest top-up: ₦500,000.00",
        "Paid or begun in 24 hours: ₦990,000.00 of ₦1,000,000.00",
        "Open checkouts of the last hour: 1 of 5",
        "Declined in an hour: 1 of 5",
        "Different cards in 30 days: 0 of 5",
    ]
