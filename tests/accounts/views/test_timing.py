"""Whether the time of an answer tells that an account exists: measured with the real hasher, and shown to notice when it does.

Known and unknown addresses take turns, so that whatever else the machine does falls on both. What is compared is how often a
known one took longer than an unknown one (the statistic of Mann and Whitney): half the time when nothing tells them apart.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts import throttle
from accounts.models import User
from accounts.services import registration
from tests.factories.accounts import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(600)]

ROUNDS = 30
# For 30 and 30 values that differ by chance alone the share has a standard deviation of 0.075: three and a half of them.
BY_CHANCE = 0.26
Send = Callable[[str], object]


@pytest.fixture(autouse=True)
def _as_in_production(settings: Settings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    cache.clear()
    throttle._own_counts.clear()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def known() -> list[str]:
    """One account for each round: an address may be tried ten times only."""
    hashed = make_password(PASSWORD)
    users = [User(email=f"known{number}@example.com", password=hashed) for number in range(ROUNDS)]
    User.objects.bulk_create(users)
    return [user.email for user in users]


def seconds(send: Send, email: str) -> float:
    started = time.perf_counter()
    send(email)
    return time.perf_counter() - started


def share_slower(known: list[str], send: Send) -> float:
    """How often a known address took longer than an unknown one, of all pairs."""
    for number in range(4):  # the first requests of a process load what later ones find
        send(f"warm{number}@example.com")
    slow: list[float] = []
    fast: list[float] = []
    for number, email in enumerate(known):
        turns = [(slow, email), (fast, f"other{number}@example.com")]
        for times, address in turns if number % 2 else reversed(turns):
            times.append(seconds(send, address))
    return sum(mine > theirs for mine in slow for theirs in fast) / (len(slow) * len(fast))


def sign_in(email: str) -> None:
    page = Client().post("/accounts/sign-in/", {"email": email, "password": "a wrong password"})
    assert "do not belong together" in page.content.decode()


def sign_up(email: str) -> None:
    assert Client().post("/accounts/sign-up/", {"email": email, "password": PASSWORD}).status_code == 302


def reset(email: str) -> None:
    assert Client().post("/accounts/password/reset/", {"email": email}).status_code == 302


@pytest.mark.parametrize("send", [sign_in, sign_up, reset], ids=["sign-in", "sign-up", "reset"])
def test_time_does_not_tell_whether_an_account_exists(known: list[str], send: Send) -> None:
    assert abs(share_slower(known, send) - 0.5) < BY_CHANCE


def test_sign_in_that_hashes_only_for_accounts_is_noticed(
    known: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "set_password", lambda self, raw_password: None)

    assert share_slower(known, sign_in) > 0.5 + BY_CHANCE


def test_sign_up_that_looks_first_and_hashes_then_is_noticed(
    known: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "make_password", lambda password: "none")

    def looking_first(email: str) -> None:
        if not User.objects.filter(email=email).exists():
            make_password(PASSWORD)
        sign_up(email)

    assert share_slower(known, looking_first) < 0.5 - BY_CHANCE
