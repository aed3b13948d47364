"""Counting wrong passwords for each address, and closing it for a while."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.exceptions import SignInLocked
from accounts.models import AuditEntry, SignInGuard, User
from accounts.services import sign_in_guard
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import deliver

pytestmark = pytest.mark.django_db
EMAIL = "ann@example.com"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def user() -> User:
    return UserFactory.create(email=EMAIL)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def stranger() -> HttpRequest:
    return RequestFactory().post("/accounts/sign-in/")


def guess(times: int = 1, email: str = EMAIL) -> list[str]:
    """What comes of wrong passwords."""
    outcomes = []
    for _ in range(times):
        try:
            found = sign_in_guard.check(stranger(), email=email, password="wrong")
            outcomes.append("right" if found else "wrong")
        except SignInLocked:
            outcomes.append("locked")
    return outcomes


def die(user: User, password: str) -> bool:
    raise SystemError


def wait_of(email: str = EMAIL) -> int:
    with pytest.raises(SignInLocked) as caught:
        sign_in_guard.check(stranger(), email=email, password=PASSWORD)
    return caught.value.wait_s


def test_right_password_starts_the_count_anew(user: User) -> None:
    guess(9)

    assert sign_in_guard.check(stranger(), email=EMAIL, password=PASSWORD) == user
    assert SignInGuard.objects.count() == 0
    assert guess(10) == ["wrong"] * 10


def test_tenth_wrong_password_locks_and_later_ones_are_not_looked_at(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    original = User.check_password

    def look(self: User, raw_password: str) -> bool:
        looked.append(raw_password)
        return original(self, raw_password)

    monkeypatch.setattr(User, "check_password", look)

    assert guess(12) == ["wrong"] * 10 + ["locked"] * 2
    assert len(looked) == 10


def test_spelling_makes_no_second_count(user: User) -> None:
    guess(5)
    guess(5, " ANN@Example.com")

    assert wait_of("ann@EXAMPLE.com") == 15 * 60


def test_tries_of_more_than_an_hour_ago_do_not_count(user: User, clock: time_machine.Traveller) -> None:
    guess(9)
    clock.shift(61 * MINUTE)

    assert guess(2) == ["wrong"] * 2


def test_each_lock_lasts_twice_as_long_up_to_a_day(user: User, clock: time_machine.Traveller) -> None:
    waits = []
    for _ in range(9):
        guess(10)
        waits.append(wait_of() // 60)
        clock.shift(waits[-1] * MINUTE + MINUTE)

    assert waits == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]


def test_after_a_calm_day_the_next_lock_is_a_first_one_again(
    user: User, clock: time_machine.Traveller
) -> None:
    guess(10)
    clock.shift(16 * MINUTE)
    guess(10)
    clock.shift(25 * 60 * MINUTE)
    guess(10)

    assert wait_of() == 15 * 60


def test_after_a_lock_the_right_password_opens(user: User, clock: time_machine.Traveller) -> None:
    guess(10)
    clock.shift(15 * MINUTE)

    assert sign_in_guard.check(stranger(), email=EMAIL, password=PASSWORD) == user


def test_browser_that_has_signed_in_before_passes_the_lock_and_has_a_count_of_its_own(
    user: User, client: Client
) -> None:
    form = {"email": EMAIL, "password": PASSWORD}
    client.post("/accounts/sign-in/", form)
    client.post("/accounts/sign-out/")
    guess(10)

    assert Client().post("/accounts/sign-in/", form).status_code == 429
    assert client.post("/accounts/sign-in/", form).status_code == 302
    client.post("/accounts/sign-out/")
    statuses = [
        client.post("/accounts/sign-in/", form | {"password": "wrong"}).status_code for _ in range(11)
    ]
    assert statuses == [200] * 10 + [429]
    assert client.post("/accounts/sign-in/", form).status_code == 429


def test_somebody_elses_known_browser_is_a_stranger_here(user: User, client: Client) -> None:
    other = UserFactory.create()
    client.post("/accounts/sign-in/", {"email": other.email, "password": PASSWORD})
    client.post("/accounts/sign-out/")
    guess(10)

    assert client.post("/accounts/sign-in/", {"email": EMAIL, "password": PASSWORD}).status_code == 429


def test_owner_is_told_once_for_each_lock(user: User, clock: time_machine.Traveller) -> None:
    guess(12)

    assert [sign_in_guard.tell(guard.pk) for guard in SignInGuard.objects.all()] == [True]
    assert [sign_in_guard.tell(guard.pk) for guard in SignInGuard.objects.all()] == [False]
    assert [str(letter.subject)[:24] for letter in deliver()] == ["Signing in was locked un"]
    clock.shift(16 * MINUTE)
    guess(10)
    clock.shift(MINUTE)
    assert sign_in_guard.tell_due() == 1
    assert len(deliver()) == 1


def test_address_without_an_account_is_told_nothing_and_forgotten() -> None:
    guess(10, "nobody@example.com")
    guard = SignInGuard.objects.get()
    assert guard.sealed

    sign_in_guard.tell(guard.pk)

    guard.refresh_from_db()
    assert (guard.sealed, guard.due_at) == ("", None)
    assert deliver() == []


def test_lock_whose_request_died_is_told_by_the_sweep(
    user: User, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(9)
    with monkeypatch.context() as patch:
        patch.setattr(User, "check_password", die)
        with pytest.raises(SystemError):
            guess()

    assert sign_in_guard.tell_due() == 0
    clock.shift(MINUTE)
    assert sign_in_guard.tell_due() == 1


def test_trail_says_who_was_tried_and_never_with_what(user: User) -> None:
    guess(10)
    guess(1, "nobody@example.com")

    entries = AuditEntry.objects.order_by("pk")
    assert [(entry.action, entry.subject_id) for entry in entries] == [
        *[("session.sign_in_failed", user.pk)] * 10,
        ("session.locked", user.pk),
        ("session.sign_in_failed", None),
    ]
    assert "example.com" not in str(list(entries.values()))


def test_unknown_address_costs_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str | None] = []
    monkeypatch.setattr(User, "set_password", lambda self, raw: hashed.append(raw))

    guess(1, "nobody@example.com")

    assert hashed == ["wrong"]


def test_nothing_of_the_address_stands_in_the_table(user: User) -> None:
    guess(3)

    assert "ann" not in str(list(SignInGuard.objects.values()))
