"""A Redis that hangs costs one time-out now and then, not one at each question."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from accounts import throttle
from accounts.services import events
from namaskah.lib import queueing, redis_pause, shared_memory
from namaskah.lib.breaker import Breaker
from namaskah.lib.redis_pause import OnceMore, Pause
from tests.factories.accounts import PASSWORD, UserFactory
from tests.redis_away import Hangable

SIGN_IN, HOME = "/accounts/sign-in/", "/verifications/new/"
ONE_TIMEOUT_S = redis_pause.TIMEOUT_S + 0.4  # and a machine that does other things
BREAKER = Breaker(area="test", name="hanging", max_failures=1, window_s=60, open_s=60)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def ask_in_vain(pause: Pause, error: Exception) -> None:
    with pytest.raises(type(error)), pause.around():
        raise error


# --- the pause --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [RedisConnectionError("refused"), RedisTimeoutError("late"), OSError("gone")], ids=repr
)
def test_nobody_asks_after_a_failure(error: Exception) -> None:
    pause = Pause()
    ask_in_vain(pause, error)

    asked = False
    with pytest.raises(RedisConnectionError, match="a moment ago"), pause.around():
        asked = True
    assert not asked


def test_refusal_is_an_answer() -> None:
    pause = Pause()
    ask_in_vain(pause, ResponseError("wrong type"))

    with pause.around():
        pass


def test_one_tries_after_the_pause_and_the_others_go_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = Pause()
    ask_in_vain(pause, RedisTimeoutError("late"))
    monkeypatch.setattr(pause, "_until", time.monotonic() - 0.001)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            with pause.around():
                outcomes.append("asked")
        except RedisConnectionError:
            outcomes.append("left alone")

    def ask_elsewhere() -> None:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    with pause.around():
        ask_elsewhere()
        ask()  # what belongs to the same question: a connection that is made for it
    ask_elsewhere()
    assert outcomes == ["left alone", "asked", "asked"]


@pytest.mark.parametrize(("error", "tries"), [(RedisConnectionError, 2), (RedisTimeoutError, 1)])
def test_closed_connection_is_tried_again_and_a_late_answer_is_not(
    error: type[Exception], tries: int
) -> None:
    made: list[int] = []

    def fail() -> None:
        made.append(1)
        raise error

    with pytest.raises(error):
        OnceMore(Pause()).call_with_retry(fail, lambda _error: None)
    assert len(made) == tries


# --- a Redis that hangs -----------------------------------------------------------------------------------------------


def test_hanging_cache_costs_one_timeout(hangable: Hangable) -> None:
    cache.set("kept", "yes", 60)
    hangable.hang()

    with at_most(ONE_TIMEOUT_S):
        assert cache.get("kept", "lost") == "lost"
    with at_most(0.3):
        for number in range(20):
            assert cache.get("kept", "lost") == "lost"
            cache.set(f"kept-{number}", "yes", 60)
            cache.delete_many(["other"])


def test_cache_comes_back_after_the_pause(hangable: Hangable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_pause, "PAUSE_S", 0.2)
    cache.set("kept", "yes", 60)
    hangable.hang()
    assert cache.get("kept", "lost") == "lost"
    hangable.go_on()

    assert cache.get("kept", "lost") == "lost"
    time.sleep(0.25)
    assert cache.get("kept", "lost") == "yes"


def test_restarted_redis_is_not_left_alone(hangable: Hangable) -> None:
    cache.set("kept", "yes", 60)
    with Redis.from_url(hangable.url) as other:
        other.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert cache.get("kept") == "yes"


def test_all_who_share_a_redis_share_its_pause(hangable: Hangable, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args: sent.append(name))
    queueing._send("some.task", ())
    assert sent == ["some.task"]
    hangable.hang()

    with at_most(ONE_TIMEOUT_S):
        cache.get("any")
        queueing._send("some.task", ())
        events.announce(1)
        assert BREAKER.allows()
        BREAKER.record_failure("any")
        with pytest.raises(RedisConnectionError):
            shared_memory.client().ping()
    assert sent == ["some.task"]


@pytest.mark.django_db(transaction=True)
def test_signing_in_and_pages_go_on_and_tries_are_counted(
    hangable: Hangable, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SIGN_IN_RATE", "2/m")
    throttle._own_counts.clear()
    UserFactory.create(email="ann@example.com")
    client.get(SIGN_IN)
    hangable.hang()

    with at_most(3):
        answer = client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD})
    assert answer.status_code == 302
    with at_most(1.5):
        assert client.get(HOME).status_code == 200
    wrong = {"email": "ann@example.com", "password": "no"}
    assert [Client().post(SIGN_IN, wrong).status_code for _ in range(2)] == [200, 429]
