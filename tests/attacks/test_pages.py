"""Every page: not to be framed, guessed the type of, or found in a cache by whoever uses the browser next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.attacks.walking import walk
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.signing_in import sign_in
from tests.roles.scene import Scene

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# The console shows an e-mail of the machine in a frame of its own page, and says so of this one document.
FRAMED = {"mail:message-html"}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NO_ADDRESSES = ["/nowhere/", "/accounts/verify-email/nothing/", "/settings/privacy/export/no-uuid/"]


@pytest.fixture(params=["owner", "administrator"])
def visitor(request: pytest.FixtureRequest, scene: Scene) -> Client:
    person: User = (
        scene.customer if request.param == "owner" else StaffFactory.create(email="boss@example.com")
    )
    client = Client()
    sign_in(client, person)
    return client


def faults(answers: Iterator[tuple[str, Any]]) -> list[str]:
    """Where a header is missing that keeps a page to itself."""
    return [f"{key}: {fault}" for key, answer in answers for fault in _faults(key, answer)]


def _faults(key: str, answer: HttpResponse) -> Iterator[str]:
    if key not in FRAMED:
        if "frame-ancestors 'none'" not in answer.get("Content-Security-Policy", ""):
            yield "may be framed by its policy"
        if answer.get("X-Frame-Options") != "DENY":
            yield "may be framed"
        if re.search(r"unsafe|\*", answer.get("Content-Security-Policy", "")):
            yield f"policy is {answer['Content-Security-Policy']}"
    for name, value in HEADERS.items():
        if answer.get(name) != value:
            yield f"{name} is {answer.get(name)}"
    if "no-store" not in answer.get("Cache-Control", ""):
        yield f"may be kept: {answer.get('Cache-Control')}"
    kind = answer.get("Content-Type", "")
    if kind.startswith("text/") and "charset=utf-8" not in kind.lower().replace('"', ""):
        yield f"is in an unknown encoding: {kind}"


def test_page_is_kept_to_whom_it_was_made_for(visitor: Client, scene: Scene) -> None:
    assert faults((address.key, answer) for address, answer in walk(visitor, scene)) == []


def test_answer_to_a_form_is_kept_to_whom_it_was_made_for(visitor: Client, scene: Scene) -> None:
    assert faults((address.key, answer) for address, answer in walk(visitor, scene, "POST")) == []


def test_page_that_is_not_there_is_held_to_the_same(visitor: Client) -> None:
    assert faults((path, visitor.get(path)) for path in NO_ADDRESSES) == []


@pytest.mark.parametrize(
    ("without", "fault"),
    [
        ("csp.middleware.CSPMiddleware", "may be framed by its policy"),
        ("django.middleware.clickjacking.XFrameOptionsMiddleware", "may be framed"),
        ("django.middleware.security.SecurityMiddleware", "X-Content-Type-Options is None"),
        ("namaskah.security.BoundsMiddleware", "Cross-Origin-Resource-Policy is None"),
        ("namaskah.security.PrivateAnswersMiddleware", "may be kept: None"),
    ],
)
def test_twin_without_its_guard_is_found(
    client: Client, settings: Settings, without: str, fault: str
) -> None:
    sign_in(client, UserFactory.create())
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != without]

    found = faults((path, client.get(path)) for path in ("/services/", "/verifications/"))

    assert {line.partition(": ")[2] for line in found} >= {fault}
