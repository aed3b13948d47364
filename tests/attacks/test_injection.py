"""Text of an attacker where it could become something else: an address in an e-mail, a header, a line of the log."""

from __future__ import annotations

import logging

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.services import email_templates
from tests.accounts.entering import enter
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import deliver
from tests.namaskah.log_lines import log_lines

pytestmark = pytest.mark.django_db
EVIL = "evil.example"
LINE = 'sign-in"}\n{"event": "Signed in", "user_id": 1, "level": "info"}'


def letters(client: Client, **headers: str) -> list[EmailMessage]:
    """What goes out when somebody signs up, asks for a new password, and signs up with an address that is taken."""
    UserFactory.create(email="ann@example.com")
    for path, form in [
        ("/accounts/sign-up/", {"email": "new@example.com", "password": PASSWORD}),
        ("/accounts/sign-up/", {"email": "ann@example.com", "password": PASSWORD}),
        ("/accounts/password/reset/", {"email": "ann@example.com"}),
    ]:
        assert Client().post(path, form, **headers).status_code == 302  # type: ignore[arg-type]
    sent = deliver()
    assert len(sent) == 3
    return sent


def whole(letter: EmailMessage) -> str:
    return str(letter.message())


@pytest.mark.parametrize(
    "header",
    ["HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_X_HOST", "HTTP_FORWARDED", "HTTP_X_FORWARDED_SERVER"],
)
def test_links_of_emails_lead_to_us_whatever_host_was_asked(
    client: Client, settings: Settings, header: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]  # even so

    sent = letters(client, **{header: EVIL})

    assert [letter for letter in sent if EVIL in whole(letter)] == []
    assert all("http://testserver/" in str(letter.body) for letter in sent)


def test_twin_that_builds_links_of_the_request_sends_people_away(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setattr(email_templates, "absolute", lambda url: f"http://{EVIL}{url}")

    assert any(EVIL in whole(letter) for letter in letters(client))


def test_browser_cannot_write_headers_of_an_email(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.accounts.entering"
    user = UserFactory.create()
    enter(user)
    deliver()

    enter(user, browser="Mozilla\r\nBcc: all@evil.example\r\nSubject: You won\r\n\r\nHello")

    (letter,) = deliver()
    assert letter.recipients() == [user.email]
    assert {"Bcc"} & set(letter.message().keys()) == set()
    assert "You won" not in str(letter.message()["Subject"])


@pytest.mark.parametrize(
    "address", ["a@example.com\nBcc: b@example.com", "a@example.com\r\n\r\nHello", "a@b\x00c.de"]
)
def test_address_cannot_write_headers_of_an_email(client: Client, address: str) -> None:
    for path in ("/accounts/sign-up/", "/accounts/password/reset/"):
        answer = client.post(path, {"email": address, "password": PASSWORD})
        assert answer.status_code == 200, path
    assert deliver() == []


def test_line_end_cannot_write_a_line_of_the_log(client: Client) -> None:
    with log_lines() as lines:
        client.get("/accounts/%0A%7B%22event%22%3A%22Signed%20in%22%7D/")
        client.get("/", HTTP_X_REQUEST_ID=LINE, HTTP_USER_AGENT=LINE)
        client.post("/accounts/sign-in/", {"email": LINE, "password": LINE, "next": LINE})

        assert len(lines.all) == len(lines.raw.splitlines())  # each one an object of ours
        assert [line["event"] for line in lines.all if line["event"] != "Request"] == []
        assert lines.named("Signed in") == []


def test_twin_that_formats_lines_itself_writes_the_attackers() -> None:
    line = logging.Formatter('{"event": "%(message)s"}').format(
        logging.LogRecord("twin", logging.INFO, "", 0, LINE, None, None)
    )

    assert line.splitlines()[1].startswith('{"event": "Signed in"')
