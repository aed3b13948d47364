"""Signing in and out, and what sign-in and sign-up share."""

from __future__ import annotations

import re

import pytest
from django.conf import settings as project_settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import throttle
from accounts.models import AuditEntry, User
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import code_in, letter_to

pytestmark = pytest.mark.django_db

SIGN_IN, SIGN_UP, SIGN_OUT = "/accounts/sign-in/", "/accounts/sign-up/", "/accounts/sign-out/"
HOME = "/verifications/new/"


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()
    throttle._own_counts.clear()


def signed_in_as(client: Client) -> str | None:
    user_id = client.session.get(SESSION_KEY)
    return str(user_id) if user_id else None


def test_addresses_are_the_contracts() -> None:
    assert [reverse(f"accounts:{name}") for name in ("sign-in", "sign-up", "sign-out")] == [
        SIGN_IN,
        SIGN_UP,
        SIGN_OUT,
    ]


@pytest.mark.parametrize("email", ["ann@example.com", "ANN@EXAMPLE.COM", " ann@example.com "])
def test_sign_in_takes_any_spelling_of_case(client: Client, email: str) -> None:
    user = UserFactory.create(email="Ann@example.com")

    answer = client.post(SIGN_IN, {"email": email, "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert signed_in_as(client) == str(user.pk)


def test_sign_in_gives_the_session_a_new_key(client: Client) -> None:
    UserFactory.create(email="ann@example.com")
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies[project_settings.SESSION_COOKIE_NAME] = str(planted)

    client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD})

    assert client.cookies[project_settings.SESSION_COOKIE_NAME].value != planted
    assert not type(session)(planted).exists(str(planted))


def test_refusals_do_not_tell_whether_an_account_exists(client: Client) -> None:
    UserFactory.create(email="ann@example.com")
    UserFactory.create(email="gone@example.com", state="suspended")
    tries = [("ann@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("gone@example.com", "wrong")]

    answers = [client.post(SIGN_IN, {"email": email, "password": password}) for email, password in tries]

    assert {answer.status_code for answer in answers} == {200}
    assert {str(answer.context["form"].errors) for answer in answers} == {
        str(answers[0].context["form"].errors)
    }
    assert "do not belong together" in answers[0].content.decode()
    assert signed_in_as(client) is None


def test_sign_out_ends_the_session_and_only_by_post(client: Client) -> None:
    client.force_login(UserFactory.create())

    assert client.get(SIGN_OUT).status_code == 405
    assert signed_in_as(client)
    answer = client.post(SIGN_OUT)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert signed_in_as(client) is None


@pytest.mark.parametrize("path", [SIGN_IN, SIGN_UP, SIGN_OUT])
def test_forms_are_guarded_against_other_sites(path: str) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post(path, {"email": "ann@example.com", "password": PASSWORD}).status_code == 403
    assert User.objects.count() == 0


@pytest.mark.parametrize("path", [SIGN_IN, SIGN_UP])
def test_signed_in_visitor_is_sent_on(client: Client, path: str) -> None:
    client.force_login(UserFactory.create())

    assert client.get(path)["Location"] == HOME
    assert client.get(path, {"next": "/wallet/"})["Location"] == "/wallet/"
    assert client.post(path, {"email": "new@example.com", "password": PASSWORD})["Location"] == HOME
    assert User.objects.count() == 1


@pytest.mark.parametrize(("path", "other"), [(SIGN_IN, SIGN_UP), (SIGN_UP, SIGN_IN)])
def test_choice_survives_the_way_to_the_other_form(client: Client, path: str, other: str) -> None:
    choice = "/verifications/new/?service=whatsapp&country=GB"

    page = client.get(path, {"next": choice}).content.decode()

    escaped = choice.replace("&", "&amp;")
    assert f'<input type="hidden" name="next" value="{escaped}">' in page
    assert f'href="{other}?next=%2Fverifications%2Fnew%2F%3Fservice%3Dwhatsapp%26country%3DGB"' in page


@pytest.mark.parametrize(
    ("wanted", "destination"),
    [
        ("/wallet/", "/wallet/"),
        ("/services/?q=a&b=c", "/services/?q=a&b=c"),
        ("http://testserver/wallet/", "http://testserver/wallet/"),
        ("https://evil.example/", HOME),
        ("//evil.example/", HOME),
        ("///evil.example/", HOME),
        (r"\\evil.example", HOME),
        (r"/\evil.example", HOME),
        ("javascript:alert(1)", HOME),
        ("http:///evil.example", HOME),
        ("/\t/evil.example", HOME),
        ("\x00/wallet/", HOME),
        ("http:evil.example", HOME),
        ("https:/evil.example", HOME),
        ("//testserver@evil.example/", HOME),
        ("http://testserver@evil.example/", HOME),
        ("http://testserver.evil.example/", HOME),
        ("http://evil.example/?testserver", HOME),
        ("http://evil.example#@testserver/", HOME),
        ("data:text/html,hello", HOME),
        (" //evil.example/", HOME),
        ("ftp://testserver/", HOME),
        ("/" + "a" * 3000, HOME),
        ("", HOME),
    ],
)
@pytest.mark.parametrize("path", [SIGN_IN, SIGN_UP])
def test_next_leads_nowhere_else(client: Client, path: str, wanted: str, destination: str) -> None:
    email = "ann@example.com"
    if path == SIGN_IN:
        UserFactory.create(email=email)

    answer = client.post(path, {"email": email, "password": PASSWORD, "next": wanted})
    if path == SIGN_UP:
        answer = client.post("/accounts/verify-email/", {"code": code_in(letter_to(email))})

    assert (answer.status_code, answer["Location"]) == (302, destination)


def test_next_in_the_address_of_the_page_of_codes_leads_nowhere_else(client: Client) -> None:
    client.post(SIGN_UP, {"email": "ann@example.com", "password": PASSWORD})
    code = code_in(letter_to("ann@example.com"))

    answer = client.post("/accounts/verify-email/?next=//evil.example/", {"code": code})

    assert (answer.status_code, answer["Location"]) == (302, HOME)


def test_sign_in_is_throttled_by_address(client: Client, settings: Settings) -> None:
    settings.SIGN_IN_RATE = "2/m"
    UserFactory.create(email="ann@example.com")
    for number in range(2):
        assert client.post(SIGN_IN, {"email": f"x{number}@example.com", "password": "no"}).status_code == 200

    answer = client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD})

    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert re.search(r"Too many tries\. Please try again in \d+ (second|minute)s?\.", answer.content.decode())
    assert signed_in_as(client) is None
    elsewhere = client.post(
        SIGN_IN, {"email": "ann@example.com", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7"
    )
    assert elsewhere.status_code == 302


def test_sign_in_is_throttled_by_email_from_wherever(client: Client, settings: Settings) -> None:
    settings.SIGN_IN_RATE = "2/m"
    for number, email in enumerate(["ann@example.com", "ANN@example.com"]):
        client.post(SIGN_IN, {"email": email, "password": "no"}, REMOTE_ADDR=f"192.0.2.{number}")

    answer = client.post(SIGN_IN, {"email": " Ann@example.com", "password": "no"}, REMOTE_ADDR="192.0.2.9")

    assert answer.status_code == 429


def test_forged_proxy_header_does_not_escape_the_throttle(client: Client, settings: Settings) -> None:
    settings.SIGN_UP_RATE = "1/h"
    client.post(SIGN_UP, {"email": "a@example.com", "password": "no"}, HTTP_X_FORWARDED_FOR="192.0.2.1")

    answer = client.post(
        SIGN_UP, {"email": "b@example.com", "password": PASSWORD}, HTTP_X_FORWARDED_FOR="192.0.2.2"
    )

    assert answer.status_code == 429
    assert User.objects.count() == 0


def test_address_unknown_to_the_server_is_no_error(client: Client) -> None:
    UserFactory.create(email="ann@example.com")

    answer = client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD}, REMOTE_ADDR="")

    assert answer.status_code == 302


def test_without_redis_people_sign_in_and_guessing_is_still_counted(
    client: Client, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0", "KEY_PREFIX": "away"}
    }
    settings.SIGN_IN_RATE = "2/m"
    user = UserFactory.create(email="ann@example.com")

    assert client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD}).status_code == 302
    assert signed_in_as(client) == str(user.pk)
    client.post(SIGN_OUT)
    answers = [
        client.post(SIGN_IN, {"email": "ann@example.com", "password": "no"}).status_code for _ in range(2)
    ]
    assert answers == [200, 429]


@pytest.mark.parametrize("path", [SIGN_IN, SIGN_UP])
def test_forms_are_not_kept_by_caches(client: Client, path: str) -> None:
    assert "no-store" in client.get(path)["Cache-Control"]


@pytest.mark.parametrize("state", ["suspended", "banned"])
def test_closed_account_is_said_only_to_who_knows_its_password(client: Client, state: str) -> None:
    UserFactory.create(email="gone@example.com", state=state)

    known = client.post(SIGN_IN, {"email": "gone@example.com", "password": PASSWORD}).content.decode()
    guessed = client.post(SIGN_IN, {"email": "gone@example.com", "password": "wrong"}).content.decode()

    assert "This account is closed. Please write to support@namaskah.example" in known
    assert "closed" not in guessed
    assert "do not belong together" in guessed
    assert signed_in_as(client) is None


def test_erased_account_is_as_one_that_never_was(client: Client) -> None:
    user = UserFactory.create(email="gone@example.com", state="erased")
    user.set_unusable_password()
    user.save()

    answer = client.post(SIGN_IN, {"email": "gone@example.com", "password": PASSWORD})

    assert "do not belong together" in answer.content.decode()


def test_ten_wrong_passwords_close_the_address_even_to_the_right_one(client: Client) -> None:
    UserFactory.create(email="ann@example.com")
    for _ in range(10):
        client.post(SIGN_IN, {"email": "ann@example.com", "password": "wrong"})

    answer = client.post(SIGN_IN, {"email": "Ann@example.com", "password": PASSWORD})

    assert answer.status_code == 429
    assert 14 * 60 < int(answer["Retry-After"]) <= 15 * 60
    assert "Too many tries. Please try again in 15 minutes." in answer.content.decode()
    assert signed_in_as(client) is None


def test_lock_looks_the_same_for_an_address_without_an_account(client: Client) -> None:
    UserFactory.create(email="ann@example.com")

    seen = {}
    for email in ("ann@example.com", "nobody@example.com"):
        answers = [client.post(SIGN_IN, {"email": email, "password": "wrong"}) for _ in range(12)]
        seen[email] = [(answer.status_code, str(answer.context["form"].errors)) for answer in answers]

    assert seen["ann@example.com"] == seen["nobody@example.com"]
    assert [status for status, _ in seen["ann@example.com"]] == [200] * 10 + [429] * 2


def test_remember_me_makes_a_session_of_thirty_days(client: Client) -> None:
    UserFactory.create(email="ann@example.com")

    client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD, "remember": "on"})

    age = client.cookies[project_settings.SESSION_COOKIE_NAME]["max-age"]
    assert abs(int(age) - 30 * 86400) < 60


def test_signing_out_is_in_the_trail(client: Client) -> None:
    user = UserFactory.create()
    client.force_login(user)

    client.post(SIGN_OUT)

    assert AuditEntry.objects.filter(action="session.signed_out", subject_id=user.pk).count() == 1
