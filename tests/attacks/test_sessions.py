"""A session key planted in somebody's browser: worth nothing once they have signed in, by whichever way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client

from accounts.models import Session
from tests.accounts.entering import WINDOWS
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import code_in, letter_to
from tests.factories.second_factors import add_totp, code_of

pytestmark = pytest.mark.django_db
PRIVATE = "/settings/"


def by_password(client: Client) -> None:
    user = UserFactory.create()
    client.post("/accounts/sign-in/", {"email": user.email, "password": PASSWORD})


def by_two_factors(client: Client) -> None:
    user = UserFactory.create()
    key = add_totp(user)
    client.post("/accounts/sign-in/", {"email": user.email, "password": PASSWORD})
    client.post("/accounts/sign-in/second-factor/", {"method": "totp", "code": code_of(key)})


def by_signing_up(client: Client) -> None:
    client.post("/accounts/sign-up/", {"email": "new@example.com", "password": PASSWORD})
    client.post("/accounts/verify-email/", {"code": code_in(letter_to("new@example.com"))})


WAYS = pytest.mark.parametrize(
    "way", [by_password, by_two_factors, by_signing_up], ids=lambda way: way.__name__
)


def planted(attacker: Client) -> str:
    """A key that is good: the attacker's own session, from before anybody signed in."""
    session = attacker.session
    session["planted"] = True
    session.save()
    return str(session.session_key)


def victim_with(key: str) -> Client:
    victim = Client(HTTP_USER_AGENT=WINDOWS)
    victim.cookies["sessionid"] = key
    return victim


@WAYS
def test_planted_key_opens_nothing(way: Callable[[Client], None]) -> None:
    attacker = Client()
    victim = victim_with(planted(attacker))

    way(victim)

    assert victim.get(PRIVATE).status_code == 200
    assert attacker.get(PRIVATE).status_code == 302
    assert Session.objects.filter(user__isnull=False).count() == 1


@WAYS
def test_key_nobody_ever_gave_out_is_not_taken_over(way: Callable[[Client], None]) -> None:
    victim = victim_with("abcdefghijklmnopqrstuvwxyz012345")

    way(victim)

    assert victim.cookies["sessionid"].value != "abcdefghijklmnopqrstuvwxyz012345"
    assert victim_with("abcdefghijklmnopqrstuvwxyz012345").get(PRIVATE).status_code == 302


def test_twin_that_keeps_the_key_lets_the_attacker_in(monkeypatch: pytest.MonkeyPatch) -> None:
    attacker = Client()
    victim = victim_with(planted(attacker))
    store = type(attacker.session)
    assert issubclass(store, SessionBase)
    monkeypatch.setattr(store, "cycle_key", lambda self: None)

    by_password(victim)

    assert attacker.get(PRIVATE).status_code == 200
