"""The token bucket on a real Redis, and without one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator

import pytest
from pytest_django import Settings
from redis import Redis
from structlog.testing import capture_logs

from verifications.services import rate_limit, shared_memory


@pytest.fixture
def slug() -> str:
    """A provider nobody else limits."""
    return f"p-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def redis_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where Redis should be."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(shared_memory, "_away_until", 0.0)
    monkeypatch.setattr(shared_memory, "_reported_at", 0.0)
    yield
    shared_memory._away_until = 0.0


def test_a_full_bucket_grants_its_burst_and_then_names_the_wait(slug: str) -> None:
    waits = [rate_limit.take(slug, rate_per_s=2, burst=3) for _ in range(4)]

    assert waits[:3] == [0, 0, 0]
    assert 0.3 < waits[3] <= 0.5


def test_tokens_flow_back_up_to_the_burst(slug: str) -> None:
    rate_limit.take(slug, rate_per_s=20, burst=2, tokens=2)
    time.sleep(0.5)

    assert rate_limit.take(slug, rate_per_s=20, burst=2, tokens=2) == 0
    assert rate_limit.take(slug, rate_per_s=20, burst=2) > 0


def test_a_refusal_takes_nothing(slug: str) -> None:
    rate_limit.take(slug, rate_per_s=1, burst=4, tokens=3)

    assert rate_limit.take(slug, rate_per_s=1, burst=4, tokens=3) > 0
    assert rate_limit.take(slug, rate_per_s=1, burst=4, tokens=1) == 0


def test_more_than_the_bucket_holds_takes_a_full_bucket(slug: str) -> None:
    assert rate_limit.take(slug, rate_per_s=1, burst=2, tokens=10) == 0
    assert rate_limit.take(slug, rate_per_s=1, burst=2) > 0


def test_providers_have_buckets_of_their_own(slug: str) -> None:
    rate_limit.take(slug, rate_per_s=0.1, burst=1)

    assert rate_limit.take(f"{slug}-b", rate_per_s=0.1, burst=1) == 0


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_of_nothing_waits_and_does_not_break(slug: str, rate: float) -> None:
    assert rate_limit.take(slug, rate_per_s=rate, burst=0) == 0
    assert rate_limit.take(slug, rate_per_s=rate, burst=0) > 100


def test_wait_for_sleeps_for_its_token(slug: str) -> None:
    rate_limit.take(slug, rate_per_s=10, burst=1)
    started = time.monotonic()

    assert rate_limit.wait_for(slug, rate_per_s=10, burst=1, max_wait_s=1)

    assert 0.05 < time.monotonic() - started < 0.5


def test_wait_for_gives_up_at_once_when_it_would_take_too_long(slug: str) -> None:
    rate_limit.take(slug, rate_per_s=0.5, burst=1)
    started = time.monotonic()

    assert not rate_limit.wait_for(slug, rate_per_s=0.5, burst=1, max_wait_s=0.2)

    assert time.monotonic() - started < 1.5  # the token is two seconds away


def _grants_within_the_rate(slug: str) -> bool:
    """Ask from four threads for half a second, and compare with what the bucket may have given in the time it really took."""
    granted: list[int] = []
    started = time.monotonic()
    stop_at = started + 0.5

    def ask() -> None:
        while time.monotonic() < stop_at:
            if rate_limit.take(slug, rate_per_s=40, burst=5) == 0:
                granted.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    allowed = 5 + 40 * (time.monotonic() - started) + 1
    return 5 <= len(granted) <= allowed


def test_many_callers_together_stay_within_the_rate(slug: str) -> None:
    assert _grants_within_the_rate(slug)


def test_the_bucket_is_forgotten_when_it_is_full_again(slug: str) -> None:
    rate_limit.take(slug, rate_per_s=10, burst=10)

    assert 0 < shared_memory.client().pttl(shared_memory.key("bucket", slug)) <= 2000


def test_a_flushed_redis_fills_the_buckets(slug: str) -> None:
    rate_limit.take(slug, rate_per_s=0.1, burst=1)
    shared_memory.client().script_flush()
    shared_memory.client().delete(shared_memory.key("bucket", slug))

    assert rate_limit.take(slug, rate_per_s=0.1, burst=1) == 0


@pytest.mark.usefixtures("redis_away")
def test_without_redis_each_process_limits_itself_and_says_so_once(slug: str) -> None:
    with capture_logs() as lines:
        is_within = _grants_within_the_rate(slug)

    assert is_within
    assert [line["event"] for line in lines] == ["Redis is away; going on without it"]


@pytest.mark.usefixtures("redis_away")
def test_a_hanging_redis_is_asked_once_a_second(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = shared_memory._connected

    def counted(url: str) -> Redis:
        asked.append(url)
        return real(url)

    monkeypatch.setattr(shared_memory, "_connected", counted)
    for _ in range(50):
        rate_limit.take(slug, rate_per_s=1000, burst=100)

    assert len(asked) <= 2
