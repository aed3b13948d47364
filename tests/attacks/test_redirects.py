"""Addresses of other sites in `next`, in every spelling that browsers understand: nobody is sent there from anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts import destinations
from accounts.models import User
from tests.factories.accounts import PASSWORD, StaffFactory, UserFactory
from tests.factories.letters import code_in, letter_to
from tests.factories.second_factors import add_totp, code_of
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
CORPUS = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example/",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "//evil.example\\@testserver/",
    "//testserver@evil.example/",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "http://testserver:80@evil.example",
    "//evil.example%2f@testserver",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "ftp://testserver/",
    " //evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\x00//evil.example",
    "/\x00/evil.example",
    "http:///evil.example",
    "https://[::1]evil.example",
    "http://[evil.example",
    "//evil。example",
    "https://evil.example\\.testserver",
    "/wallet/\r\nLocation: https://evil.example",
    "/wallet/\r\nSet-Cookie: sessionid=x",
]


def sign_in_form(client: Client, url: str) -> str:
    user = UserFactory.create()
    form = {"email": user.email, "password": PASSWORD, "next": url}
    return str(client.post("/accounts/sign-in/", form)["Location"])


def sign_in_again(client: Client, url: str) -> str:
    sign_in(client, UserFactory.create())
    return str(client.get("/accounts/sign-in/", {"next": url})["Location"])


def sign_up(client: Client, url: str) -> str:
    email = f"new{User.objects.count()}@example.com"
    client.post("/accounts/sign-up/", {"email": email, "password": PASSWORD, "next": url})
    return str(client.post("/accounts/verify-email/", {"code": code_in(letter_to(email))})["Location"])


def second_step(client: Client, url: str) -> str:
    user = UserFactory.create()
    key = add_totp(user)
    client.post("/accounts/sign-in/", {"email": user.email, "password": PASSWORD, "next": url})
    form = {"method": "totp", "code": code_of(key), "next": url}
    return str(client.post("/accounts/sign-in/second-factor/", form)["Location"])


def step_up(client: Client, url: str) -> str:
    sign_in(client, UserFactory.create(), verified=False, fresh=False)
    return str(client.post("/accounts/confirm/", {"password": PASSWORD, "next": url})["Location"])


def step_up_from_a_form(client: Client, url: str) -> str:
    """The page a form stood on is told by the browser, and may be somebody else's."""
    sign_in(client, UserFactory.create(), verified=False, fresh=False)
    answer = client.post("/settings/privacy/export/", HTTP_REFERER=url.replace("\r", "").replace("\n", ""))
    return str(client.post(answer["Location"], {"password": PASSWORD})["Location"])


def console_door(client: Client, url: str) -> str:
    sign_in(client, StaffFactory.create())
    return str(client.get("/ops/login/", {"next": url})["Location"])


WAYS: list[Callable[[Client, str], str]] = [
    sign_in_form,
    sign_in_again,
    sign_up,
    second_step,
    step_up,
    step_up_from_a_form,
    console_door,
]


def is_ours(location: str) -> bool:
    """As browsers read it: backslashes are slashes, tabs and line ends are not there."""
    seen = location.strip().replace("\\", "/").translate({9: None, 10: None, 13: None})
    parts = urlsplit(seen)
    return seen.startswith("/") and not seen.startswith("//") and not parts.scheme and not parts.netloc


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nobody_is_sent_to_another_site(way: Callable[[Client, str], str]) -> None:
    led = {url: way(Client(), url) for url in CORPUS}

    assert {url: to for url, to in led.items() if not is_ours(to)} == {}


@pytest.mark.parametrize(
    "way", [sign_in_form, second_step, step_up, console_door], ids=lambda way: way.__name__
)
def test_twin_that_believes_the_form_leads_away(
    way: Callable[[Client, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "checked", lambda request, url: url)

    assert way(Client(), "https://evil.example/") == "https://evil.example/"


def test_top_up_leads_back_to_this_site_alone(client: Client) -> None:
    sign_in(client, UserFactory.create())

    for url in CORPUS:
        page = client.get(reverse("billing:top-up"), {"next": url}).content.decode()
        led = [unescape(link) for link in re.findall(r'href="([^"]*)"', page)]
        assert [link for link in led if "evil" in link.lower() and not is_ours(link)] == [], url


def test_twin_of_the_top_up_that_believes_its_address_leads_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "checked", lambda request, url: url)
    sign_in(client, UserFactory.create())

    page = client.get(reverse("billing:top-up"), {"next": "//evil.example/"}).content.decode()

    assert 'href="//evil.example/"' in page
