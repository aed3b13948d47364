"""Exchange rates: a history, a source that may say anything, a stop when they are old."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.exceptions import RateTooOld
from billing.models import ExchangeRate
from billing.services import exchange_rates
from namaskah.lib import http

pytestmark = pytest.mark.django_db
Say = Callable[..., None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """What the source answers next."""

    def set_answer(
        rate: Any = "1530.5", *, status: int = 200, text: str | None = None, **changes: Any
    ) -> None:
        answer = {
            "result": "success",
            "base_code": "USD",
            "time_last_update_unix": int(timezone.now().timestamp()),
            "rates": {"USD": 1, "NGN": rate},
        } | changes
        body = json.dumps(answer) if text is None else text
        monkeypatch.setattr(http, "send", lambda *_, **__: http.Reply(status, body))

    return set_answer


def _rate(rate: str, *, hours_old: float = 0) -> ExchangeRate:
    return ExchangeRate.objects.create(
        charge_currency="NGN",
        wallet_currency="USD",
        rate=Decimal(rate),
        source="test",
        as_of=timezone.now() - dt.timedelta(hours=hours_old),
    )


def test_newest_rate_is_in_force() -> None:
    newest = _rate("1510", hours_old=1)
    _rate("1490", hours_old=5)

    assert exchange_rates.usable() == newest


@pytest.mark.parametrize("hours_old", [None, 73])
def test_without_a_fresh_rate_nothing_is_sold(hours_old: float | None) -> None:
    if hours_old is not None:
        _rate("1500", hours_old=hours_old)

    with pytest.raises(RateTooOld):
        exchange_rates.usable()


def test_one_currency_for_both_has_rate_one(settings: Settings) -> None:
    settings.PAYSTACK_CURRENCY = "USD"

    assert exchange_rates.usable().rate == 1
    assert exchange_rates.refresh() is None


def test_refresh_writes_the_source_down(say: Say, settings: Settings) -> None:
    settings.EXCHANGE_RATE_URL = "https://rates.example/latest"
    settings.EXCHANGE_RATE_MARGIN_PERCENT = Decimal(2)
    say("1500")

    made = exchange_rates.refresh()

    assert made is not None
    assert (made.rate, made.source) == (Decimal("1530.000000"), "rates.example")
    assert exchange_rates.usable() == made


def test_same_answer_again_writes_nothing(say: Say) -> None:
    say()
    exchange_rates.refresh()

    assert exchange_rates.refresh() is None
    assert ExchangeRate.objects.count() == 1


def test_source_dated_into_the_future_does_not_hide_later_rates(say: Say) -> None:
    say(time_last_update_unix=int(timezone.now().timestamp()) + 10**6)

    made = exchange_rates.refresh()

    assert made is not None
    assert made.as_of <= timezone.now()


@pytest.mark.parametrize(
    "answer",
    [
        {"rate": "0"},
        {"rate": "-3"},
        {"rate": "1e30"},
        {"rate": "NaN"},
        {"rate": None},
        {"rates": {"USD": 1}},
        {"base_code": "EUR"},
        {"result": "error"},
        {"time_last_update_unix": "soon"},
        {"time_last_update_unix": 10**19},
        {"status": 500},
        {"text": "<html>"},
        {"text": "[]"},
    ],
)
def test_answer_that_cannot_be_believed_changes_nothing(say: Say, answer: dict[str, Any]) -> None:
    known = _rate("1500", hours_old=10)
    say(**answer)

    assert exchange_rates.refresh() is None
    assert list(ExchangeRate.objects.all()) == [known]


@pytest.mark.parametrize("error", [http.ConnectionNotMade("refused"), http.NoAnswer("late")])
def test_silent_source_changes_nothing(monkeypatch: pytest.MonkeyPatch, error: http.HttpError) -> None:
    def fail(*_: Any, **__: Any) -> http.Reply:
        raise error

    monkeypatch.setattr(http, "send", fail)

    assert exchange_rates.refresh() is None


def test_jump_of_more_than_a_quarter_waits_for_staff(say: Say) -> None:
    _rate("1500", hours_old=10)
    say("1050")

    assert exchange_rates.refresh() is None


def test_staff_enters_a_rate_with_a_reason() -> None:
    actor = User.objects.create_user("staff@example.test", "long enough 123")
    _rate("1500", hours_old=1)

    made = exchange_rates.enter(rate=Decimal("1600"), reason="The source is down.", actor=actor)

    assert exchange_rates.usable() == made
    assert (made.source, made.note, made.created_by) == ("staff", "The source is down.", actor)


@pytest.mark.parametrize(
    ("rate", "reason"), [("1600", " "), ("0", "why"), ("-1", "why"), ("Infinity", "why")]
)
def test_staff_rate_needs_sense_and_reason(rate: str, reason: str) -> None:
    with pytest.raises(exchange_rates.RateRefused):
        exchange_rates.enter(rate=Decimal(rate), reason=reason, actor=None)


def test_source_is_asked_once_an_interval(say: Say) -> None:
    cache.clear()
    say("1500")
    exchange_rates.refresh_if_due()
    say("1510", time_last_update_unix=int(timezone.now().timestamp()) + 5)

    exchange_rates.refresh_if_due()

    assert [rate.rate for rate in ExchangeRate.objects.all()] == [Decimal(1500)]


def test_source_that_failed_is_asked_again(say: Say) -> None:
    cache.clear()
    say(status=500)
    exchange_rates.refresh_if_due()
    say("1500")

    exchange_rates.refresh_if_due()

    assert exchange_rates.usable().rate == 1500


def test_command_says_what_is_in_force(say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("refresh_exchange_rate")
    say("1500")
    call_command("refresh_exchange_rate")

    printed = capsys.readouterr()
    assert "There is no exchange rate" in printed.err
    assert "1 USD = 1500 NGN, in force" in printed.out
