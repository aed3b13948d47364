"""The breaker by provider and the memory of empty offers."""

from __future__ import annotations

import time
import uuid

import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from namaskah.lib import shared_memory
from verifications.services import health
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


def fail(slug: str, times: int = 3) -> None:
    for _ in range(times):
        health.record_failure(slug, "ambiguous")


def test_the_settings_say_when_a_breaker_opens_and_for_how_long(slug: str) -> None:
    with capture_logs() as lines:
        fail(slug, 2)
        assert health.allows(slug)
        fail(slug, 1)
        opened = health.state(slug)
        assert not health.allows(slug)
        time.sleep(1.1)
        half_open = health.state(slug)
        assert health.allows(slug)
        health.record_success(slug)

    assert (opened, half_open, health.state(slug)) == (State.OPEN, State.HALF_OPEN, State.CLOSED)
    assert [(line["event"], line["provider"]) for line in lines] == [
        ("Provider breaker opened", slug),
        ("Provider breaker closed", slug),
    ]


def test_the_window_is_the_one_of_the_settings(slug: str, settings: Settings) -> None:
    settings.BREAKER_WINDOW_S = 1
    fail(slug, 2)
    time.sleep(1.1)
    fail(slug, 1)

    assert health.state(slug) == State.CLOSED


def test_a_success_in_between_starts_the_count_again(slug: str) -> None:
    fail(slug, 2)
    health.record_success(slug)
    fail(slug, 2)

    assert health.state(slug) == State.CLOSED


def test_trip_opens_at_once_and_says_so(slug: str) -> None:
    with capture_logs() as lines:
        health.trip(slug, 300, "auth")

    assert health.state(slug) == State.OPEN
    assert [(line["event"], line["reason"], line["seconds"]) for line in lines] == [
        ("Provider breaker tripped", "auth", 300)
    ]


def test_states_answers_for_many(slug: str) -> None:
    fail(slug)

    assert health.states([slug, f"{slug}-b"]) == {slug: State.OPEN, f"{slug}-b": State.CLOSED}
    assert health.states([]) == {}


def test_the_keys_stay_those_of_earlier_versions(slug: str) -> None:
    health.trip(slug, 300, "auth")

    assert shared_memory.client().get(f"namaskah:provider:open:{slug}") == b"auth"


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
    assert health.states([slug, "b"]) == {slug: State.CLOSED, "b": State.CLOSED}
    assert health.without_stock([1]) == set()
    assert time.monotonic() - started < 1
