"""Low balances: told once after a charge, again after money has come in, and never for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import Event, NoticePreference, OutgoingEmail
from accounts.services.notice_topics import Topic
from billing.models import Account
from billing.services import ledger, low_balances
from billing.tasks import tell_low_balances
from tests.factories.billing import make_capture, make_hold, make_release, make_wallet

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    cache.delete(low_balances._READ_UNTIL)
    yield
    cache.delete(low_balances._READ_UNTIL)


def charge(account: Account, amount: str) -> None:
    make_capture(make_hold(account, amount))


def told(account: Account) -> list[str]:
    emails = OutgoingEmail.objects.filter(user=account.user_id or 0).order_by("created_at")
    assert Event.objects.filter(user=account.user_id or 0, type="wallet.low").count() == emails.count()
    return [email.context["balance"] for email in emails]


def test_customer_is_told_once_until_money_comes_in() -> None:
    account = make_wallet("1.50")
    charge(account, "0.51")
    assert tell_low_balances() == 1
    charge(account, "0.20")
    assert low_balances.sweep() == 0
    ledger.adjust(user=account.user, amount=Decimal(1), reason="test", actor=None, key="in")  # type: ignore[arg-type]
    assert low_balances.sweep() == 0

    charge(account, "0.80")

    assert low_balances.sweep() == 1
    assert told(account) == ["$0.99", "$0.99"]
    event = Event.objects.filter(type="wallet.low").latest("sequence")
    assert event.data == {"available": "0.9900", "currency": "USD"}


def test_lost_memory_tells_nobody_twice() -> None:
    account = make_wallet("1.00")
    charge(account, "0.50")
    low_balances.sweep()
    cache.delete(low_balances._READ_UNTIL)

    assert low_balances.sweep() == 0
    assert told(account) == ["$0.50"]


def test_who_wants_to_hear_of_it_nowhere_still_has_one_event() -> None:
    account = make_wallet("1.00")
    NoticePreference.objects.create(
        user_id=account.user_id or 0, topic=Topic.WALLET, in_app=False, by_email=False
    )
    charge(account, "0.50")

    assert low_balances.sweep() == 1
    cache.delete(low_balances._READ_UNTIL)
    assert low_balances.sweep() == 0

    assert Event.objects.filter(user=account.user_id or 0, type="wallet.low").count() == 1
    assert not OutgoingEmail.objects.exists()


def test_limit_itself_is_not_low() -> None:
    account = make_wallet("1.50")
    charge(account, "0.50")

    assert low_balances.sweep() == 0


def test_hold_that_comes_back_and_an_empty_wallet_are_not_told() -> None:
    make_release(make_hold(make_wallet("1.20"), "0.50"))
    make_wallet("0")
    make_wallet("0.50")  # a small credit is no charge

    assert low_balances.sweep() == 0


def test_run_costs_the_same_however_many_are_fine(django_assert_num_queries: Any) -> None:
    for _ in range(3):
        charge(make_wallet("10.00"), "0.35")

    with django_assert_num_queries(2):
        assert low_balances.sweep() == 0
