"""Circuit breakers on a real Redis and without one."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest

from namaskah.lib import breaker, shared_memory
from namaskah.lib.breaker import Breaker, State


@pytest.fixture
def sut() -> Breaker:
    """A breaker nobody else watches, open for one second after three failures in a row."""
    return Breaker(area="tests", name=f"b-{uuid.uuid4().hex[:12]}", max_failures=3, window_s=30, open_s=1)


def fail(sut: Breaker, times: int = 3) -> None:
    for _ in range(times):
        sut.record_failure("ambiguous")


def test_a_breaker_nobody_knows_is_closed(sut: Breaker) -> None:
    assert sut.state() == State.CLOSED
    assert sut.allows()


def test_failures_in_a_row_open_the_breaker(sut: Breaker) -> None:
    assert [sut.record_failure("ambiguous") for _ in range(2)] == [False, False]
    assert sut.allows()

    assert sut.record_failure("ambiguous")

    assert sut.state() == State.OPEN
    assert not sut.allows()


def test_a_success_in_between_starts_the_count_again(sut: Breaker) -> None:
    fail(sut, 2)
    assert not sut.record_success()
    fail(sut, 2)

    assert sut.state() == State.CLOSED


def test_a_success_in_between_does_not_matter_to_a_breaker_that_counts_all(sut: Breaker) -> None:
    counting = replace(sut, is_run=False)
    fail(counting, 2)
    assert not counting.record_success()
    fail(counting, 1)

    assert counting.state() == State.OPEN


def test_failures_far_apart_do_not_count_together(sut: Breaker) -> None:
    short = replace(sut, window_s=1)
    fail(short, 2)
    time.sleep(1.1)
    fail(short, 1)

    assert short.state() == State.CLOSED


def test_half_open_lets_one_caller_try(sut: Breaker) -> None:
    fail(sut)
    time.sleep(1.1)
    barrier, granted = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        if sut.allows():
            granted.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sut.state() == State.HALF_OPEN
    assert len(granted) == 1


@pytest.mark.parametrize("is_run", [True, False])
def test_a_good_try_closes_the_breaker(sut: Breaker, is_run: bool) -> None:
    sut = replace(sut, is_run=is_run)
    fail(sut)
    time.sleep(1.1)
    assert sut.allows()

    assert sut.record_success()

    assert sut.state() == State.CLOSED
    assert sut.allows()
    assert sut.allows()


def test_a_bad_try_opens_it_again_at_once(sut: Breaker) -> None:
    fail(sut)
    time.sleep(1.1)
    assert sut.allows()

    fail(sut, 1)

    assert sut.state() == State.OPEN


def test_a_late_success_does_not_close_an_open_breaker(sut: Breaker) -> None:
    fail(sut)

    assert not sut.record_success()

    assert sut.state() == State.OPEN


def test_trip_opens_for_as_long_as_asked(sut: Breaker) -> None:
    assert sut.trip(300, "auth") == 300

    assert sut.state() == State.OPEN
    assert 290 < shared_memory.client().ttl(shared_memory.key("tests", "open", sut.name)) <= 300


def test_a_failure_does_not_shorten_a_trip(sut: Breaker) -> None:
    sut.trip(300, "auth")

    fail(sut, 10)

    assert shared_memory.client().ttl(shared_memory.key("tests", "open", sut.name)) > 290


def test_a_trip_of_no_time_is_short_and_does_not_break(sut: Breaker) -> None:
    assert sut.trip(0, "suspended") == 1

    assert sut.state() == State.OPEN


def test_areas_do_not_share_breakers(sut: Breaker) -> None:
    fail(sut)

    assert replace(sut, area="others").state() == State.CLOSED


def test_states_answers_for_many_in_one_round_trip(sut: Breaker, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(sut)
    calls = []
    client: Any = shared_memory.client()
    execute = client.execute_command

    def counted(*args: object, **options: object) -> object:
        calls.append(args[0])
        return execute(*args, **options)

    monkeypatch.setattr(client, "execute_command", counted)

    found = breaker.states("tests", [sut.name, f"{sut.name}-b", sut.name])

    assert found == {sut.name: State.OPEN, f"{sut.name}-b": State.CLOSED}
    assert calls == ["MGET"]
    assert breaker.states("tests", []) == {}


@pytest.mark.usefixtures("redis_away")
def test_without_redis_every_breaker_counts_as_closed(sut: Breaker) -> None:
    started = time.monotonic()
    fail(sut, 10)
    sut.trip(60, "auth")
    assert not sut.record_success()

    assert sut.allows()
    assert sut.state() == State.CLOSED
    assert breaker.states("tests", [sut.name, "b"]) == {sut.name: State.CLOSED, "b": State.CLOSED}
    assert time.monotonic() - started < 1
