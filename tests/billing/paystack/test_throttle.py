"""How fast Paystack is called, and when not at all."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from billing.paystack import client, throttle
from billing.paystack.errors import (
    BadKey,
    ChargeTooSoon,
    NotFound,
    NotReached,
    OutcomeUnknown,
    Paused,
    PaystackError,
    Throttled,
)
from billing.paystack.throttle import Lane, Throttle, throttle_of


@pytest.fixture
def sut(settings: Settings) -> Throttle:
    """The production rates, for a key nobody else uses."""
    settings.PAYSTACK_RATE_PER_S, settings.PAYSTACK_BURST = 5.0, 10
    settings.PAYSTACK_VERIFY_PER_S, settings.PAYSTACK_REFUND_PER_S = 2.0, 1.0
    return throttle_of("http://127.0.0.1:1", f"sk_test_{uuid.uuid4().hex}")


def granted(sut: Throttle, lane: Lane = Lane.ANY, most: int = 20) -> int:
    """How many calls pass at once."""
    for passed in range(most):
        try:
            sut.enter(lane, max_wait_s=0)
        except Paused:
            return passed
    return most


@pytest.mark.parametrize(("lane", "at_once"), [(Lane.ANY, 10), (Lane.VERIFY, 2), (Lane.REFUND, 1)])
def test_each_lane_has_its_burst(sut: Throttle, lane: Lane, at_once: int) -> None:
    assert granted(sut, lane) == at_once


def test_a_full_lane_leaves_the_others_free(sut: Throttle) -> None:
    assert (granted(sut, Lane.VERIFY), granted(sut, Lane.REFUND), granted(sut)) == (2, 1, 7)


def test_all_lanes_share_the_common_bucket(sut: Throttle) -> None:
    granted(sut)

    with pytest.raises(Paused, match="rate limit"):
        sut.enter(Lane.VERIFY, max_wait_s=0)


def test_a_caller_waits_for_its_turn_as_long_as_it_said(sut: Throttle) -> None:
    granted(sut, Lane.VERIFY)
    started = time.monotonic()
    sut.enter(Lane.VERIFY, max_wait_s=1.0)
    waited = time.monotonic() - started
    granted(sut, Lane.REFUND)
    started = time.monotonic()
    with pytest.raises(Paused):
        sut.enter(Lane.REFUND, max_wait_s=0.3)

    assert 0.2 < waited < 1.0
    assert time.monotonic() - started < 0.3


def test_many_callers_together_stay_within_the_rate(sut: Throttle, settings: Settings) -> None:
    settings.PAYSTACK_RATE_PER_S, settings.PAYSTACK_BURST = 20.0, 5
    passed: list[int] = []
    started = time.monotonic()

    def call() -> None:
        while time.monotonic() - started < 0.5:
            passed.append(granted(sut, most=1))

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 5 <= sum(passed) <= 5 + 20 * (time.monotonic() - started) + 1


def test_haste_that_was_refused_halves_the_rate(sut: Throttle, settings: Settings) -> None:
    settings.PAYSTACK_BURST, settings.PAYSTACK_RATE_PER_S = 1, 10.0
    sut.note(Throttled(status=429))
    granted(sut)
    started = time.monotonic()

    sut.enter(Lane.ANY, max_wait_s=1.0)

    assert 0.15 < time.monotonic() - started < 0.6  # a fifth of a second, not a tenth


def test_half_the_rate_ends_after_its_time(
    sut: Throttle, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "SLOW_S", 0.2)
    settings.PAYSTACK_BURST, settings.PAYSTACK_RATE_PER_S = 1, 2.5
    sut.note(Throttled(status=429))
    granted(sut)
    time.sleep(0.5)

    assert granted(sut) == 1


def test_retry_after_is_honoured(sut: Throttle) -> None:
    sut.note(Throttled(status=429, retry_after_s=0.4))

    with pytest.raises(Paused, match="asked us to wait"):
        sut.enter(Lane.ANY, max_wait_s=5)
    time.sleep(0.5)
    sut.enter(Lane.ANY, max_wait_s=0)


def test_a_card_that_rests_slows_nothing_else(sut: Throttle) -> None:
    sut.note(ChargeTooSoon("wait", retry_after_s=5400))

    assert granted(sut) == 10


@pytest.mark.parametrize("error", [OutcomeUnknown(), NotReached()])
def test_ten_failures_open_the_breaker(sut: Throttle, error: PaystackError) -> None:
    for _ in range(9):
        sut.note(error)
    before = sut.is_open()
    with capture_logs() as lines:
        sut.note(error)

    assert (before, sut.is_open()) == (False, True)
    assert [(line["event"], line["log_level"]) for line in lines] == [("Paystack breaker opened", "error")]
    with pytest.raises(Paused, match="breaker"):
        sut.enter(Lane.ANY, max_wait_s=0)


def test_successes_in_between_do_not_hide_ten_failures(sut: Throttle) -> None:
    for _ in range(10):
        sut.note(OutcomeUnknown())
        sut.note(None)

    assert sut.is_open()


def test_a_refusal_in_good_order_is_a_sign_of_health(sut: Throttle) -> None:
    for _ in range(30):
        sut.note(NotFound())

    assert not sut.is_open()


def test_half_open_lets_one_try_and_a_success_closes(sut: Throttle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_OPEN_S", 1)
    for _ in range(10):
        sut.note(OutcomeUnknown())
    time.sleep(1.1)

    sut.enter(Lane.ANY, max_wait_s=0)
    with pytest.raises(Paused, match="breaker"):
        sut.enter(Lane.ANY, max_wait_s=0)
    sut.note(None)

    sut.enter(Lane.ANY, max_wait_s=0)


def test_a_refused_key_opens_the_breaker_at_once_and_rings(sut: Throttle) -> None:
    with capture_logs() as lines:
        sut.note(BadKey("Invalid key", status=401))

    assert sut.is_open()
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("Paystack refuses our key or account", "error")
    ]


def test_a_new_key_starts_without_the_old_ones_troubles(settings: Settings) -> None:
    settings.PAYSTACK_SECRET_KEY = f"sk_test_{uuid.uuid4().hex}"
    client.paystack().wire.throttle.note(BadKey("Invalid key", status=401))
    before = client.is_available()
    settings.PAYSTACK_SECRET_KEY = f"sk_test_{uuid.uuid4().hex}"

    assert (before, client.is_available()) == (False, True)


def test_the_name_of_a_throttle_does_not_tell_the_key() -> None:
    assert "0123456789abcdef" not in repr(throttle_of("https://api.paystack.co", "sk_live_0123456789abcdef"))


@pytest.mark.usefixtures("redis_away")
def test_without_redis_each_process_keeps_to_the_limits_itself(sut: Throttle) -> None:
    for _ in range(30):
        sut.note(OutcomeUnknown())
    assert granted(sut, Lane.VERIFY) == 2
    assert not sut.is_open()

    sut.note(Throttled(status=429, retry_after_s=60))

    with pytest.raises(Paused, match="asked us to wait"):
        sut.enter(Lane.ANY, max_wait_s=0)
