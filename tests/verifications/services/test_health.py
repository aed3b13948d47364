"""The breaker and the memory of empty offers, on a real Redis and without one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from verifications.services import health, shared_memory
from verifications.services.health import State


@pytest.fixture
def slug() -> str:
    """A provider nobody else watches."""
    return f"p-{uuid.uuid4().hex[:12]}"


@pytest.fixture(autouse=True)
def quick_breaker(settings: Settings) -> None:
    """Open for one second."""
    settings.BREAKER_FAILURES = 3
    settings.BREAKER_WINDOW_S = 30
    settings.BREAKER_OPEN_S = 1


@pytest.fixture
def redis_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where Redis should be."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(shared_memory, "_away_until", 0.0)
    yield
    shared_memory._away_until = 0.0


def fail(slug: str, times: int = 3) -> None:
    for _ in range(times):
        health.record_failure(slug, "ambiguous")


def test_a_provider_nobody_knows_is_closed(slug: str) -> None:
    assert health.state(slug) == State.CLOSED
    assert health.allows(slug)


def test_failures_in_a_row_open_the_breaker(slug: str) -> None:
    fail(slug, 2)
    assert health.allows(slug)

    fail(slug, 1)

    assert health.state(slug) == State.OPEN
    assert not health.allows(slug)


def test_a_success_in_between_starts_the_count_again(slug: str) -> None:
    fail(slug, 2)
    health.record_success(slug)
    fail(slug, 2)

    assert health.state(slug) == State.CLOSED


def test_failures_far_apart_do_not_count_together(slug: str, settings: Settings) -> None:
    settings.BREAKER_WINDOW_S = 1
    fail(slug, 2)
    time.sleep(1.1)
    fail(slug, 1)

    assert health.state(slug) == State.CLOSED


def test_half_open_lets_one_caller_try(slug: str) -> None:
    fail(slug)
    time.sleep(1.1)
    barrier, granted = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        if health.allows(slug):
            granted.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert health.state(slug) == State.HALF_OPEN
    assert len(granted) == 1


def test_a_good_try_closes_the_breaker(slug: str) -> None:
    fail(slug)
    time.sleep(1.1)
    assert health.allows(slug)

    health.record_success(slug)

    assert health.state(slug) == State.CLOSED
    assert health.allows(slug)
    assert health.allows(slug)


def test_a_bad_try_opens_it_again_at_once(slug: str) -> None:
    fail(slug)
    time.sleep(1.1)
    assert health.allows(slug)

    fail(slug, 1)

    assert health.state(slug) == State.OPEN


def test_a_late_success_does_not_close_an_open_breaker(slug: str) -> None:
    fail(slug)

    health.record_success(slug)

    assert health.state(slug) == State.OPEN


def test_trip_opens_for_as_long_as_asked(slug: str) -> None:
    health.trip(slug, 300, "auth")

    assert health.state(slug) == State.OPEN
    assert 290 < shared_memory.client().ttl(shared_memory.key("open", slug)) <= 300


def test_a_failure_does_not_shorten_a_trip(slug: str) -> None:
    health.trip(slug, 300, "auth")

    fail(slug, 10)

    assert shared_memory.client().ttl(shared_memory.key("open", slug)) > 290


def test_a_trip_of_no_time_is_short_and_does_not_break(slug: str) -> None:
    health.trip(slug, 0, "suspended")

    assert health.state(slug) == State.OPEN


def test_states_answers_for_many_in_one_round_trip(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(slug)
    calls = []
    client: Any = shared_memory.client()
    execute = client.execute_command

    def counted(*args: object, **options: object) -> object:
        calls.append(args[0])
        return execute(*args, **options)

    monkeypatch.setattr(client, "execute_command", counted)

    found = health.states([slug, f"{slug}-b", slug])

    assert found == {slug: State.OPEN, f"{slug}-b": State.CLOSED}
    assert calls == ["MGET"]
    assert health.states([]) == {}


def test_an_empty_offer_is_remembered_for_a_while() -> None:
    offer_id = uuid.uuid4().int % 10**12

    health.mark_no_stock(offer_id, 0.3)
    before = health.without_stock([offer_id, offer_id + 1])
    time.sleep(0.4)

    assert before == {offer_id}
    assert health.without_stock([offer_id]) == set()
    assert health.without_stock([]) == set()


@pytest.mark.usefixtures("redis_away")
def test_without_redis_every_provider_counts_as_well(slug: str) -> None:
    started = time.monotonic()
    fail(slug, 10)
    health.trip(slug, 60, "auth")
    health.record_success(slug)
    health.mark_no_stock(1, 60)

    assert health.allows(slug)
    assert health.state(slug) == State.CLOSED
    assert health.states([slug, "b"]) == {slug: State.CLOSED, "b": State.CLOSED}
    assert health.without_stock([1]) == set()
    assert time.monotonic() - started < 1
