"""Holds past their expiry go back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Account, Transfer
from billing.selectors import wallet
from billing.services import sweeps
from billing.tasks import release_expired_holds
from tests.factories.billing import make_capture, make_hold, make_release, make_wallet


def held(account: Account) -> Decimal:
    return wallet(account.user_id or 0).held


def test_expired_hold_is_released_once(account: Account) -> None:
    hold = make_hold(account, expires_in_s=-1)
    make_hold(account, "1.00", expires_in_s=60)

    assert (release_expired_holds(), release_expired_holds()) == (1, 0)
    assert held(account) == Decimal("1.00")
    assert Transfer.objects.get(pending=hold).key == f"expired:{hold.id}"


def test_expired_hold_among_resolved_ones_is_found(account: Account) -> None:
    make_capture(make_hold(account, expires_in_s=-10))
    make_release(make_hold(account, expires_in_s=-10))
    make_capture(make_hold(account, expires_in_s=60))
    forgotten = make_hold(account, expires_in_s=-10)

    assert sweeps.expired_holds(now=timezone.now(), limit=10) == [forgotten.id]


def test_oldest_holds_come_first_and_no_more_than_the_limit(account: Account) -> None:
    newer, older = make_hold(account, expires_in_s=-1), make_hold(account, expires_in_s=-5)
    oldest = make_hold(make_wallet("1.00"), expires_in_s=-9)

    assert sweeps.expired_holds(now=timezone.now(), limit=2) == [oldest.id, older.id]
    assert sweeps.release_expired_holds(now=timezone.now(), limit=2) == 2
    assert sweeps.expired_holds(now=timezone.now(), limit=2) == [newer.id]


def test_nothing_is_released_before_its_time(account: Account) -> None:
    make_hold(account, expires_in_s=60)

    assert sweeps.release_expired_holds(now=timezone.now()) == 0
    assert sweeps.release_expired_holds(now=timezone.now() + dt.timedelta(seconds=61)) == 1


def test_hold_captured_while_the_sweep_runs_is_left_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = make_hold(account, expires_in_s=-1)
    monkeypatch.setattr(sweeps, "expired_holds", lambda **_: [hold.id])
    make_capture(hold)

    assert sweeps.release_expired_holds(now=timezone.now()) == 0
    assert wallet(account.user_id or 0).balance == Decimal("9.65")


def test_hold_that_cannot_be_released_does_not_stop_the_others(account: Account) -> None:
    broken, sound = make_hold(account, expires_in_s=-9), make_hold(make_wallet("1.00"), expires_in_s=-1)
    make_hold(account, "0.10", expires_in_s=-8)
    with connection.cursor() as cursor:  # books that do not add up: less on hold than the hold says
        cursor.execute("UPDATE billing_account SET debits_pending = 0.20 WHERE id = %s", [account.pk])

    assert sweeps.release_expired_holds(now=timezone.now()) == 2
    assert Transfer.objects.filter(pending=sound).exists()
    assert not Transfer.objects.filter(pending=broken).exists()
