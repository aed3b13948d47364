"""E-mail addresses as logins."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.exceptions import EmailTaken
from accounts.models import User
from accounts.services import registration
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def test_domain_is_stored_in_lower_case_and_the_rest_as_spelled() -> None:
    user = registration.register(email="Ann.Bee@EXAMPLE.Com", password=PASSWORD)

    assert user.email == "Ann.Bee@example.com"


def test_address_is_unique_without_regard_to_case() -> None:
    UserFactory.create(email="ann@example.com")

    with pytest.raises(IntegrityError, match="user_email_once"), transaction.atomic():
        User.objects.create_user("ANN@example.com", PASSWORD)
    with pytest.raises(EmailTaken):
        registration.register(email="aNN@Example.com", password=PASSWORD)
    with pytest.raises(ValidationError, match="already has an account"):
        User(email="Ann@example.com").validate_constraints()


def test_authenticate_finds_by_any_case_and_refuses_the_deactivated() -> None:
    user = UserFactory.create(email="Ann@example.com")

    assert authenticate(username="ANN@EXAMPLE.COM", password=PASSWORD) == user
    assert authenticate(username="ann@example.com", password="no") is None
    User.objects.update(state="suspended")
    assert authenticate(username="ann@example.com", password=PASSWORD) is None


def test_user_without_password_cannot_sign_in() -> None:
    user = User.objects.create_user("ann@example.com")

    assert not user.has_usable_password()
    assert authenticate(username="ann@example.com", password="") is None


def test_user_without_address_is_refused() -> None:
    with pytest.raises(ValueError, match="e-mail"):
        User.objects.create_user("", PASSWORD)


def test_lookup_uses_the_index() -> None:
    UserFactory.create_batch(3)

    plan = (
        User.objects.alias(email_lower=User._meta.constraints[0].expressions[0])  # type: ignore[attr-defined]
        .filter(email_lower="ann@example.com")
        .explain()
    )

    assert "lower((email)::text)" in plan
