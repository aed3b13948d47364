"""Nobody enters the console without a second factor, by whatever door."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import Settings

from accounts.models import Session, User
from accounts.services import sessions
from tests.factories.accounts import PASSWORD, StaffFactory, UserFactory
from tests.factories.second_factors import add_totp, code_of
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
OPEN = {"/ops/login/", "/ops/logout/"}  # the door itself, and the way out


def console_addresses() -> list[str]:
    """Every address under /ops/, with something filled in."""
    found: list[str] = []

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, path)
            else:
                found.append(_filled(path))

    walk(get_resolver().url_patterns, "/")
    return sorted({path for path in found if path.startswith("/ops/")})


def _filled(path: str) -> str:
    if "(?P" in path:
        return "/ops/accounts/"
    path = re.sub(r"<uuid:\w+>", "00000000-0000-7000-8000-000000000000", path)
    path = re.sub(r"<int:\w+>", "1", path)
    return re.sub(r"<(?:\w+:)?\w+>", "1", path).rstrip("$")


@pytest.fixture
def staff() -> User:
    return StaffFactory.create()


@pytest.fixture(autouse=True)
def _letters_are_kept(settings: Settings, tmp_path: Path) -> None:
    """So that the pages of e-mails exist."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)


def test_console_has_the_addresses_this_test_is_about() -> None:
    addresses = console_addresses()

    assert len(addresses) > 100
    assert {"/ops/", "/ops/mail/", "/ops/accounts/user/", "/ops/password_change/"} <= set(addresses)


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_address_is_open_to_a_password_alone(client: Client, staff: User, method: str) -> None:
    sign_in(client, staff, verified=False)
    let_in = [
        (path, answer.status_code)
        for path in console_addresses()
        if path not in OPEN
        for answer in [getattr(client, method)(path)]
        if not (answer.status_code == 302 and answer["Location"].startswith("/ops/login/"))
        and answer.status_code != 405
    ]

    assert let_in == []


def test_twin_without_the_gate_opens_them(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "is_verified", lambda request: True)
    sign_in(client, staff, verified=False)

    assert client.get("/ops/").status_code == 200
    assert client.get("/ops/mail/").status_code == 200


def test_second_factor_opens_them(client: Client, staff: User) -> None:
    sign_in(client, staff)

    assert client.get("/ops/").status_code == 200
    assert client.get("/ops/mail/").status_code == 200


def test_visitors_are_sent_to_our_own_sign_in(client: Client) -> None:
    answer = client.get("/ops/billing/account/", follow=True)

    assert answer.redirect_chain[-1][0] == "/accounts/sign-in/?next=/ops/billing/account/"


def test_djangos_own_form_signs_nobody_in(client: Client, staff: User) -> None:
    answer = client.post("/ops/login/", {"username": staff.email, "password": PASSWORD, "next": "/ops/"})

    assert answer["Location"].startswith("/accounts/sign-in/")
    assert not Session.objects.filter(user=staff).exists()


def test_customers_find_no_console(client: Client) -> None:
    sign_in(client, UserFactory.create())

    assert client.get("/ops/login/").status_code == 403
    assert client.get("/ops/", follow=True).status_code == 403


def test_staff_without_a_factor_is_told_to_set_one_up(client: Client, staff: User) -> None:
    sign_in(client, staff, verified=False)

    answer = client.get("/ops/", follow=True)

    assert answer.redirect_chain[-1][0] == "/settings/security/authenticator/"
    assert "The console takes a second factor." in answer.content.decode()


def test_staff_with_a_factor_shows_it_and_goes_on(client: Client, staff: User) -> None:
    key = add_totp(staff)
    sign_in(client, staff, verified=False)

    asked = client.get("/ops/billing/account/", follow=True).redirect_chain[-1][0]
    answer = client.post(asked, {"method": "totp", "code": code_of(key), "next": "/ops/billing/account/"})

    assert asked == "/accounts/confirm/?next=%2Fops%2Fbilling%2Faccount%2F"
    assert answer["Location"] == "/ops/billing/account/"
    assert client.get("/ops/billing/account/").status_code == 200


def test_password_confirmed_anew_does_not_open_it(client: Client, staff: User) -> None:
    sign_in(client, staff, verified=False)

    client.post("/accounts/confirm/", {"password": PASSWORD})

    assert client.get("/ops/")["Location"].startswith("/ops/login/")


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_door_leads_to_this_site_alone(client: Client, staff: User, url: str) -> None:
    sign_in(client, staff)

    assert client.get("/ops/login/", {"next": url})["Location"] == reverse("admin:index")


def test_password_is_changed_on_the_page_of_the_settings(client: Client, staff: User) -> None:
    sign_in(client, staff)

    assert client.get("/ops/password_change/")["Location"] == reverse("settings:password")
