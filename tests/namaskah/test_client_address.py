"""Whose address a request has: what clients claim counts nothing, what our proxies say counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from ipware import get_client_ip
from pytest_django import Settings

from namaskah import client_address
from namaskah.lib import request_facts
from tests.accounts.viewers import Viewer

PROXIES = ["10.0.0.0/8", "2001:db8:f::/48", "192.0.2.1"]
SEEN: list[dict[str, Any]] = []


def who(request: HttpRequest) -> HttpResponse:
    facts = request_facts.current()
    headers = sorted(
        name for name in request.headers if name.lower().startswith(("x-forwarded", "x-real", "forwarded"))
    )
    SEEN.append({"secure": request.is_secure(), "headers": headers, "agent": facts.user_agent,
        "believed": get_client_ip(request)[0]})  # fmt: skip
    return HttpResponse(f"{request.META['REMOTE_ADDR']}|{facts.address}")


urlpatterns = [path("who", who)]


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    settings.TRUSTED_PROXIES = PROXIES
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SEEN.clear()
    yield
    request_facts.forget()


def ask(peer: str, chain: str | None = None, **headers: str) -> str:
    """The address that the site believes in; both places where it is kept agree."""
    if chain is not None:
        headers["HTTP_X_FORWARDED_FOR"] = chain
    answer = Client().get("/who", REMOTE_ADDR=peer, HTTP_USER_AGENT="Tests", **headers)  # type: ignore[arg-type]
    address, noted = answer.content.decode().split("|")
    assert noted == (address or "None")
    return address


@pytest.mark.parametrize(
    ("peer", "chain", "address"),
    [
        # direct: nothing is believed
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("2001:db8::9", "198.51.100.1", "2001:db8::9"),
        # through one proxy
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9, 198.51.100.1", "198.51.100.1"),
        ("192.0.2.1", "198.51.100.1", "198.51.100.1"),
        ("192.0.2.2", "198.51.100.1", "192.0.2.2"),
        # through several
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.3, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("2001:db8:f::1", "2001:db8::7, 10.0.0.2", "2001:db8::7"),
        # spellings
        ("10.0.0.1", "198.51.100.1:51234", "198.51.100.1"),
        ("10.0.0.1", "[2001:DB8::7]:443", "2001:db8::7"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("10.0.0.1", '"[2001:db8::7]:443"', "2001:db8::7"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        # garbage: as far as we are sure
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, _hidden", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, garbage, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "fe80::1%eth0", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,", "10.0.0.1"),
        ("10.0.0.1", "1" * 5000, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, " + "10.0.0.2, " * 5000 + "10.0.0.2", "10.0.0.2"),
        ("", "198.51.100.1", ""),
        ("a-socket", "198.51.100.1", ""),
    ],
)  # fmt: skip
def test_address_is_the_first_that_no_proxy_of_ours_vouches_against(
    peer: str, chain: str | None, address: str
) -> None:
    assert ask(peer, chain) == address


def test_nothing_downstream_can_believe_a_client() -> None:
    forged = {
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_FORWARDED": "for=198.51.100.1;proto=https",
        "HTTP_X_REAL_IP": "198.51.100.1",
    }

    ask("203.0.113.9", "198.51.100.1", **forged)

    assert SEEN == [{"secure": False, "headers": [], "agent": "Tests", "believed": "203.0.113.9"}]


def test_proxy_may_say_that_the_client_uses_https_and_no_more() -> None:
    ask("10.0.0.1", "198.51.100.1", HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_HOST="evil.example")

    assert SEEN == [
        {"secure": True, "headers": ["X-Forwarded-Proto"], "agent": "Tests", "believed": "198.51.100.1"}
    ]


def test_twin_that_trusts_whoever_connects_is_fooled(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["0.0.0.0/0"]

    assert ask("203.0.113.9", "198.51.100.1, 1.2.3.4", HTTP_X_FORWARDED_PROTO="https") != "203.0.113.9"
    assert SEEN[0]["secure"]


def test_twin_without_the_middleware_lets_headers_through(settings: Settings) -> None:
    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]

    Client().get(
        "/who", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="198.51.100.1", HTTP_X_FORWARDED_PROTO="https"
    )

    assert SEEN[0]["secure"]
    assert SEEN[0]["headers"] == ["X-Forwarded-For", "X-Forwarded-Proto"]


def test_middleware_comes_first(settings: Settings) -> None:
    assert settings.MIDDLEWARE[0] == "namaskah.client_address.ClientAddressMiddleware"


def test_facts_are_forgotten_after_the_request() -> None:
    ask("203.0.113.9")

    assert request_facts.current().address is None


@pytest.mark.parametrize(("trusted", "address"), [([], "127.0.0.1"), (["127.0.0.1"], "198.51.100.1")])
def test_streams_are_told_the_same_way(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, trusted: list[str], address: str
) -> None:
    settings.TRUSTED_PROXIES = trusted
    settled: list[str] = []
    original = client_address.settle

    def settle(meta: dict[str, Any]) -> None:
        original(meta)
        settled.append(meta["REMOTE_ADDR"])

    monkeypatch.setattr(client_address, "settle", settle)

    async def scenario() -> None:
        async with Viewer(x_forwarded_for="198.51.100.1"):
            pass

    asyncio.run(scenario())

    assert settled == [address]
