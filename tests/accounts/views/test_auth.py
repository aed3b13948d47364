"""Signing up, in and out."""

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
from accounts.models import User
from tests.factories.accounts import PASSWORD, UserFactory

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


def test_sign_up_makes_a_customer_and_begins_a_session(client: Client) -> None:
    answer = client.post(SIGN_UP, {"email": "Ann@EXAMPLE.com", "password": PASSWORD})

    user = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert (user.email, user.is_staff, user.role_id, user.email_verified_at) == (
        "Ann@example.com",
        False,
        "customer",
        None,
    )
    assert user.check_password(PASSWORD)
    assert signed_in_as(client) == str(user.pk)


def test_sign_up_takes_no_other_field(client: Client) -> None:
    client.post(
        SIGN_UP, {"email": "ann@example.com", "password": PASSWORD, "is_staff": "1", "role": "administrator"}
    )

    assert User.objects.filter(is_staff=False, role__name="customer").count() == 1


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("ANN@example.COM", PASSWORD, "email"),
        ("not an address", PASSWORD, "email"),
        ("", PASSWORD, "email"),
        ("new@example.com", "short", "password"),
        ("new@example.com", "password123", "password"),
        ("new@example.com", "12345678901234", "password"),
        ("somebody.new@example.com", "somebody.new", "password"),
        ("new@example.com", "", "password"),
        ("new@example.com", "x" * 257, "password"),
        ("nul\x00@example.com", PASSWORD, "email"),
    ],
)
def test_sign_up_says_beside_the_field_what_is_wrong(
    client: Client, email: str, password: str, field: str
) -> None:
    UserFactory.create(email="ann@example.com")

    answer = client.post(SIGN_UP, {"email": email, "password": password})

    page = answer.content.decode()
    control = re.search(rf'<input[^>]*name="{field}"[^>]*>', page)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert control
    assert 'aria-invalid="true"' in control.group()
    described_by = re.search(r'aria-describedby="([^"]+)"', control.group())
    assert described_by
    assert all(f'id="{each}"' in page for each in described_by.group(1).split())
    assert User.objects.count() == 1
    assert f'value="{password}"' not in page or password == ""


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
    tries = [("ann@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("gone@example.com", PASSWORD)]

    answers = [client.post(SIGN_IN, {"email": email, "password": password}) for email, password in tries]

    assert {answer.status_code for answer in answers} == {200}
    assert {str(answer.context["form"].errors) for answer in answers} == {
        str(answers[0].context["form"].errors)
    }
    assert "do not belong together" in answers[0].content.decode()
    assert signed_in_as(client) is None


def test_unknown_address_costs_a_hash_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    original = User.set_password

    def count(self: User, raw_password: str | None) -> None:
        hashed.append(str(raw_password))
        original(self, raw_password)

    monkeypatch.setattr(User, "set_password", count)

    client.post(SIGN_IN, {"email": "nobody@example.com", "password": PASSWORD})

    assert hashed == [PASSWORD]


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
        ("", HOME),
    ],
)
@pytest.mark.parametrize("path", [SIGN_IN, SIGN_UP])
def test_next_leads_nowhere_else(client: Client, path: str, wanted: str, destination: str) -> None:
    email = "ann@example.com"
    if path == SIGN_IN:
        UserFactory.create(email=email)

    answer = client.post(path, {"email": email, "password": PASSWORD, "next": wanted})

    assert (answer.status_code, answer["Location"]) == (302, destination)


def test_sign_in_is_throttled_by_address(client: Client, settings: Settings) -> None:
    settings.SIGN_IN_RATE = "2/m"
    UserFactory.create(email="ann@example.com")
    for number in range(2):
        assert client.post(SIGN_IN, {"email": f"x{number}@example.com", "password": "no"}).status_code == 200

    answer = client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD})

    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "Too many tries. Please try again in 1 minute." in answer.content.decode()
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
