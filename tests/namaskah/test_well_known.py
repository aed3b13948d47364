"""What programs look for at every site, and what is forgotten on the way out."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry
from namaskah import well_known
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db


def test_whoever_finds_a_hole_finds_whom_to_tell(client: Client, settings: Settings) -> None:
    settings.SUPPORT_EMAIL = "help@example.com"

    answer = client.get("/.well-known/security.txt")

    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    expires = dt.datetime.fromisoformat(fields["Expires"])
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert fields["Contact"] == "mailto:help@example.com"
    assert fields["Canonical"] == "http://testserver/.well-known/security.txt"
    assert dt.timedelta(days=90) < expires - timezone.now() < dt.timedelta(days=365)


def test_password_managers_find_where_a_password_is_changed(client: Client) -> None:
    assert client.get("/.well-known/change-password")["Location"] == "/settings/password/"


def test_robots_are_told_of_no_address_that_is_not_there_and_not_of_the_console(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()

    named = [line.removeprefix("Disallow: ") for line in text.splitlines()[1:]]
    assert named == list(well_known.PRIVATE)
    assert "ops" not in text
    for path in named:
        assert _leads_somewhere(path), path


def _leads_somewhere(path: str) -> bool:
    for page in ("", "sign-in/"):
        try:
            resolve(path + page)
        except Resolver404:
            continue
        return True
    return False


@pytest.mark.parametrize("path", ["/accounts/sign-out/", "/ops/logout/"])
def test_browser_forgets_what_it_showed_on_the_way_out(client: Client, path: str) -> None:
    sign_in(client, StaffFactory.create())

    answer = client.post(path)

    assert answer["Clear-Site-Data"] == '"cache", "storage"'  # the browser stays known
    assert client.get("/settings/")["Location"].startswith("/accounts/sign-in/")
    assert AuditEntry.objects.filter(action="session.signed_out").count() == 1


def test_answers_to_a_session_are_kept_nowhere(client: Client) -> None:
    before = client.get("/services/")
    sign_in(client, UserFactory.create())

    after = client.get("/services/")

    assert "no-store" not in before.get("Cache-Control", "")
    assert {"private", "no-store"} <= set(after["Cache-Control"].split(", "))


def test_files_are_the_same_for_everybody_and_may_be_kept(client: Client) -> None:
    sign_in(client, UserFactory.create())

    answer = client.get("/static/css/tokens.css")

    answer.close()
    assert answer.status_code == 200
    assert "no-store" not in answer["Cache-Control"]
