"""`manage.py create_staff`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def run(*options: str) -> dict[str, str]:
    out = StringIO()
    call_command("create_staff", *options, stdout=out)
    return dict(json.loads(out.getvalue()))


def test_password_is_random_and_printed_once() -> None:
    first, second = run("--email", "one@example.com"), run("--email", "two@example.com")

    user = User.objects.get(email="one@example.com")
    assert set(first) == {"email", "password"}
    assert (first["email"], user.is_staff, user.role_id) == ("one@example.com", True, "administrator")
    assert user.check_password(first["password"])
    assert len(first["password"]) >= 16
    assert first["password"] != second["password"]


def test_given_password_is_taken() -> None:
    given = "orbit-lantern-mosaic-42"

    assert run("--email", "one@example.com", "--password", given)["password"] == given


@pytest.mark.parametrize("password", ["admin", "password123", "namaskah123", "one@example.com"])
def test_password_that_could_be_guessed_is_refused(password: str) -> None:
    with pytest.raises(CommandError):
        run("--email", "one@example.com", "--password", password)

    assert not User.objects.exists()


def test_nobody_is_there_before_somebody_is_made() -> None:
    """No migration and no start of the product brings a member of staff along."""
    assert not User.objects.exists()


def test_password_alone_does_not_open_the_console(client: Client) -> None:
    made = run("--email", "one@example.com")

    client.post("/accounts/sign-in/", made)

    assert client.get("/ops/")["Location"].startswith("/ops/login/")
    assert client.get("/ops/", follow=True).redirect_chain[-1][0] == "/settings/security/authenticator/"


def test_customer_does_not_become_staff_by_the_way() -> None:
    UserFactory.create(email="ann@example.com")

    with pytest.raises(CommandError, match=r"Ann@example\.com already exists; nothing was changed"):
        run("--email", "Ann@example.com")

    assert not User.objects.get().is_staff


def test_nonsense_is_refused() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        run("--email", "nonsense")
