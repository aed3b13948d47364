"""What a new password must be, and what is asked about it outside the house."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings
from starlette.testclient import TestClient

from accounts import password_checks
from accounts.models import Proof, User
from namaskah.lib import http
from sandbox.app import create_app
from tests.factories.accounts import PASSWORD

STOLEN = "correct horse battery staple"
ANN = User(email="ann.brightwater@example.com")


@pytest.fixture
def asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """What the sandbox's list was asked; calls reach it without a network."""
    settings.BREACHED_PASSWORDS_URL = "http://list.test/breached/range"
    sandbox = TestClient(create_app(), base_url="http://list.test")
    calls: list[tuple[str, dict[str, str]]] = []

    def send(method: str, url: str, *, headers: dict[str, str], **_: Any) -> http.Reply:
        calls.append((url, headers))
        reply = sandbox.request(method, url, headers=headers)
        return http.Reply(reply.status_code, reply.text)

    monkeypatch.setattr(http, "send", send)
    return calls


def answer_with(monkeypatch: pytest.MonkeyPatch, settings: Settings, reply: http.Reply | Exception) -> None:
    def send(*_: Any, **__: Any) -> http.Reply:
        if isinstance(reply, Exception):
            raise reply
        return reply

    settings.BREACHED_PASSWORDS_URL = "http://list.test/range"
    monkeypatch.setattr(http, "send", send)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("qwertyuiopasdf", "made of words"),
        ("abcabcabcabcabc", "Repeated"),
        ("1234567890abc", "easy to guess"),
        ("brightwater77", "easy to guess"),
        ("January1987", "easy to guess"),
        ("namaskahsms1", "easy to guess"),
    ],
)
def test_password_that_is_guessed_soon_is_refused_with_the_reason(password: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        password_checks.StrengthValidator().validate(password, ANN)

    assert words in caught.value.messages[0]


@pytest.mark.parametrize(
    "password", [PASSWORD, "zk4-Wq9!vT2x", "ünïcödé wörds äre fïne", "a" * 10 + "xQ7!rk-plm" * 20]
)
def test_password_that_is_hard_to_guess_passes(password: str) -> None:
    password_checks.StrengthValidator().validate(password, ANN)


def test_words_about_one_person_are_not_held_against_another() -> None:
    """zxcvbn keeps them in one place for the whole process."""
    errors: list[Exception] = []

    def validate(email: str) -> None:
        for _ in range(20):
            try:
                password_checks.StrengthValidator().validate("kwzplmvbtrqx", User(email=email))
            except ValidationError as error:
                if not email.startswith("kwzplmvbtrqx"):
                    errors.append(error)

    emails = ["kwzplmvbtrqx@example.com", "bob@example.com"] * 2
    threads = [threading.Thread(target=validate, args=[email]) for email in emails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


def test_stolen_password_is_found_by_five_digits(asked: list[tuple[str, dict[str, str]]]) -> None:
    digest = hashlib.sha1(STOLEN.encode(), usedforsecurity=False).hexdigest().upper()

    assert password_checks.has_leaked(STOLEN) is True
    assert asked == [(f"http://list.test/breached/range/{digest[:5]}", {"Add-Padding": "true"})]


def test_other_password_is_not_found_among_the_padding(asked: list[tuple[str, dict[str, str]]]) -> None:
    assert password_checks.has_leaked(PASSWORD) is False
    assert len(asked) == 1


def test_padding_of_the_very_password_counts_as_never_seen(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    suffix = hashlib.sha1(STOLEN.encode(), usedforsecurity=False).hexdigest().upper()[5:]
    answer_with(monkeypatch, settings, http.Reply(200, f"{suffix}:0\r\n"))

    assert password_checks.has_leaked(STOLEN) is False


@pytest.mark.parametrize(
    "reply",
    [
        http.NoAnswer("late"),
        http.ConnectionNotMade("nobody"),
        http.Reply(500, "oops"),
        http.Reply(429, ""),
        http.Reply(200, "<html>Just a moment...</html>"),
        http.Reply(200, ""),
        http.Reply(200, ":::\n:\nABC:many\n"),
    ],
    ids=["late", "nobody", "500", "429", "page", "empty", "garbage"],
)
def test_list_that_does_not_answer_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, reply: http.Reply | Exception
) -> None:
    answer_with(monkeypatch, settings, reply)

    assert password_checks.has_leaked(STOLEN) is False


def test_nothing_is_asked_where_no_list_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, settings, AssertionError("asked"))
    settings.BREACHED_PASSWORDS_URL = ""

    assert password_checks.has_leaked(STOLEN) is False


@pytest.mark.django_db
def test_stolen_password_is_said_beside_the_field(
    client: Client, asked: list[tuple[str, dict[str, str]]]
) -> None:
    answer = client.post("/accounts/sign-up/", {"email": "ann@example.com", "password": STOLEN})

    assert "in a list of stolen ones" in str(answer.context["form"].errors["password"])
    assert Proof.objects.count() == 0


@pytest.mark.django_db
def test_weak_password_is_not_even_asked_about(
    client: Client, asked: list[tuple[str, dict[str, str]]]
) -> None:
    client.post("/accounts/sign-up/", {"email": "ann@example.com", "password": "password123"})

    assert asked == []
