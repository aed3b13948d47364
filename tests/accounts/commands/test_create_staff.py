"""`manage.py create_staff`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

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
    assert (
        run("--email", "one@example.com", "--password", "a given password")["password"] == "a given password"
    )


def test_customer_does_not_become_staff_by_the_way() -> None:
    UserFactory.create(email="ann@example.com")

    with pytest.raises(CommandError, match=r"Ann@example\.com already exists; nothing was changed"):
        run("--email", "Ann@example.com")

    assert not User.objects.get().is_staff


def test_nonsense_is_refused() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        run("--email", "nonsense")
