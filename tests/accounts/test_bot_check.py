"""The check that a person is at work, where its settings turn it on."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from starlette.testclient import TestClient

from accounts.models import Proof
from namaskah.lib import http
from sandbox.app import create_app
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
SIGN_UP, SIGN_IN, RESET = "/accounts/sign-up/", "/accounts/sign-in/", "/accounts/password/reset/"
PASS = {"cf-turnstile-response": "sandbox-pass-1"}
FORM = {"email": "ann@example.com", "password": PASSWORD}


@pytest.fixture(autouse=True)
def asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The check is on, and calls reach the sandbox without a network."""
    cache.clear()
    settings.BOT_CHECK_SITE_KEY, settings.BOT_CHECK_SECRET = "site-key", "sandbox-secret"
    settings.BOT_CHECK_VERIFY_URL = "http://check.test/bot-check/siteverify"
    settings.BOT_CHECK_SCRIPT_URL = "http://check.test/bot-check/api.js"
    sandbox = TestClient(create_app(), base_url="http://check.test")
    calls: list[dict[str, str]] = []

    def send(method: str, url: str, *, data: dict[str, str], **_: Any) -> http.Reply:
        calls.append(data)
        reply = sandbox.request(method, url, data=data)
        return http.Reply(reply.status_code, reply.text)

    monkeypatch.setattr(http, "send", send)
    return calls


@pytest.mark.parametrize("path", [SIGN_UP, RESET])
def test_page_shows_the_widget_and_opens_its_policy_to_it(client: Client, path: str) -> None:
    answer = client.get(path)

    page, policy = answer.content.decode(), answer["Content-Security-Policy"]
    assert 'data-sitekey="site-key"' in page
    assert 'src="http://check.test/bot-check/api.js"' in page
    assert "script-src 'self' http://check.test" in policy
    assert "frame-src http://check.test" in policy


def test_other_pages_keep_the_strict_policy(client: Client) -> None:
    assert "check.test" not in client.get("/")["Content-Security-Policy"]
    assert "check.test" not in client.get("/accounts/verify-email/x/")["Content-Security-Policy"]


def test_page_of_a_site_without_the_check_keeps_the_strict_policy(client: Client, settings: Settings) -> None:
    settings.BOT_CHECK_SITE_KEY = ""

    answer = client.get(SIGN_UP)

    assert "check.test" not in answer["Content-Security-Policy"]
    assert "turnstile" not in answer.content.decode()


def test_form_goes_on_with_an_answer_of_the_widget(client: Client, asked: list[dict[str, str]]) -> None:
    answer = client.post(SIGN_UP, FORM | PASS, REMOTE_ADDR="203.0.113.9")

    assert answer.status_code == 302
    assert asked == [{"secret": "sandbox-secret", "response": "sandbox-pass-1", "remoteip": "203.0.113.9"}]


@pytest.mark.parametrize("answer", ["", "made up", "x" * 3000])
@pytest.mark.parametrize("path", [SIGN_UP, RESET])
def test_form_without_a_good_answer_does_nothing(client: Client, path: str, answer: str) -> None:
    page = client.post(path, FORM | {"cf-turnstile-response": answer})

    assert "Please tick the box" in page.content.decode()
    assert Proof.objects.count() == 0


def test_answer_counts_once(client: Client) -> None:
    client.post(SIGN_UP, FORM | PASS)

    again = Client().post(SIGN_UP, FORM | PASS | {"email": "bob@example.com"})

    assert "Please tick the box" in again.content.decode()


@pytest.mark.parametrize(
    "reply",
    [
        http.NoAnswer("late"),
        http.ConnectionNotMade("nobody"),
        http.Reply(502, "<html>"),
        http.Reply(200, "[]"),
        http.Reply(200, '{"success": "yes"}'),
        http.Reply(200, ""),
    ],
    ids=["late", "nobody", "502", "list", "words", "empty"],
)
def test_checker_that_is_away_stops_nobody(
    client: Client, monkeypatch: pytest.MonkeyPatch, reply: http.Reply | Exception
) -> None:
    def send(*_: Any, **__: Any) -> http.Reply:
        if isinstance(reply, Exception):
            raise reply
        return reply

    monkeypatch.setattr(http, "send", send)

    assert client.post(SIGN_UP, FORM | PASS).status_code == 302


def test_signing_in_asks_after_three_wrong_passwords(client: Client, asked: list[dict[str, str]]) -> None:
    UserFactory.create(email="ann@example.com")
    wrong = FORM | {"password": "wrong"}

    pages = [client.post(SIGN_IN, wrong).content.decode() for _ in range(3)]
    without = client.post(SIGN_IN, FORM)

    assert ["turnstile" in page for page in pages] == [False, False, True]
    assert "Please tick the box" in without.content.decode()
    assert client.post(SIGN_IN, FORM | PASS).status_code == 302
    assert len(asked) == 1
