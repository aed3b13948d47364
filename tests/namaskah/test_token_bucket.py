"""The token bucket on a real Redis, and without one."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from redis import Redis
from structlog.testing import capture_logs

from namaskah.lib import shared_memory, token_bucket


@pytest.fixture
def name() -> str:
    """A bucket nobody else takes from."""
    return f"b-{uuid.uuid4().hex[:12]}"


def test_a_full_bucket_grants_its_burst_and_then_names_the_wait(name: str) -> None:
    waits = [token_bucket.take("tests", name, rate_per_s=2, burst=3) for _ in range(4)]

    assert waits[:3] == [0, 0, 0]
    assert 0.3 < waits[3] <= 0.5


def test_tokens_flow_back_up_to_the_burst(name: str) -> None:
    token_bucket.take("tests", name, rate_per_s=20, burst=2, tokens=2)
    time.sleep(0.5)

    assert token_bucket.take("tests", name, rate_per_s=20, burst=2, tokens=2) == 0
    assert token_bucket.take("tests", name, rate_per_s=20, burst=2) > 0


def test_a_refusal_takes_nothing(name: str) -> None:
    token_bucket.take("tests", name, rate_per_s=1, burst=4, tokens=3)

    assert token_bucket.take("tests", name, rate_per_s=1, burst=4, tokens=3) > 0
    assert token_bucket.take("tests", name, rate_per_s=1, burst=4, tokens=1) == 0


def test_more_than_the_bucket_holds_takes_a_full_bucket(name: str) -> None:
    assert token_bucket.take("tests", name, rate_per_s=1, burst=2, tokens=10) == 0
    assert token_bucket.take("tests", name, rate_per_s=1, burst=2) > 0


def test_every_name_has_a_bucket_of_its_own(name: str) -> None:
    token_bucket.take("tests", name, rate_per_s=0.1, burst=1)

    assert token_bucket.take("tests", f"{name}-b", rate_per_s=0.1, burst=1) == 0


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_of_nothing_waits_and_does_not_break(name: str, rate: float) -> None:
    assert token_bucket.take("tests", name, rate_per_s=rate, burst=0) == 0
    assert token_bucket.take("tests", name, rate_per_s=rate, burst=0) > 100


def test_wait_for_sleeps_for_its_token(name: str) -> None:
    token_bucket.take("tests", name, rate_per_s=10, burst=1)
    started = time.monotonic()

    assert token_bucket.wait_for("tests", name, rate_per_s=10, burst=1, max_wait_s=1)

    assert 0.05 < time.monotonic() - started < 0.5


def test_wait_for_gives_up_at_once_when_it_would_take_too_long(name: str) -> None:
    token_bucket.take("tests", name, rate_per_s=0.5, burst=1)
    started = time.monotonic()

    assert not token_bucket.wait_for("tests", name, rate_per_s=0.5, burst=1, max_wait_s=0.2)

    assert time.monotonic() - started < 1.5  # the token is two seconds away


def _grants_within_the_rate(name: str) -> bool:
    """Ask from four threads for half a second, and compare with what the bucket may have given in the time it really took."""
    granted: list[int] = []
    started = time.monotonic()
    stop_at = started + 0.5

    def ask() -> None:
        while time.monotonic() < stop_at:
            if token_bucket.take("tests", name, rate_per_s=40, burst=5) == 0:
                granted.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    allowed = 5 + 40 * (time.monotonic() - started) + 1
    return 5 <= len(granted) <= allowed


def test_many_callers_together_stay_within_the_rate(name: str) -> None:
    assert _grants_within_the_rate(name)


def test_the_bucket_is_forgotten_when_it_is_full_again(name: str) -> None:
    token_bucket.take("tests", name, rate_per_s=10, burst=10)

    assert 0 < shared_memory.client().pttl(shared_memory.key("tests", "bucket", name)) <= 2000


def test_a_flushed_redis_fills_the_buckets(name: str) -> None:
    token_bucket.take("tests", name, rate_per_s=0.1, burst=1)
    shared_memory.client().script_flush()
    shared_memory.client().delete(shared_memory.key("tests", "bucket", name))

    assert token_bucket.take("tests", name, rate_per_s=0.1, burst=1) == 0


@pytest.mark.usefixtures("redis_away")
def test_without_redis_each_process_limits_itself_and_says_so_once(name: str) -> None:
    with capture_logs() as lines:
        is_within = _grants_within_the_rate(name)

    assert is_within
    assert [line["event"] for line in lines].count("Redis is away; going on without it") == 1


@pytest.mark.usefixtures("redis_away")
def test_a_hanging_redis_is_asked_once_a_second(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = shared_memory._connected

    def counted(url: str) -> Redis:
        asked.append(url)
        return real(url)

    monkeypatch.setattr(shared_memory, "_connected", counted)
    for _ in range(50):
        token_bucket.take("tests", name, rate_per_s=1000, burst=100)

    assert len(asked) <= 2
