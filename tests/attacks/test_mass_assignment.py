"""Fields that are on no form: sent along with each one, they change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.models import Account, Deposit
from tests.attacks.walking import walk
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.signing_in import sign_in
from tests.roles.scene import Scene

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# What would make somebody more than they are, or something somebody else's, under every name it has.
WISHES = {
    "role": "administrator",
    "role_id": "administrator",
    "groups": "administrator",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "user_permissions": "1",
    "email_verified_at": "2020-01-01 00:00:00",
    "verified_at": "2020-01-01 00:00:00",
    "session_epoch": "77",
    "balance": "1000000",
    "available": "1000000",
    "credit": "1000000",
    "price": "0.0001",
    "cost": "0.0001",
    "rate": "0.0001",
    "currency": "XXX",
    "state": "banned",
    "status": "credited",
    "pk": "1",
    "id": "1",
    "created_at": "2020-01-01 00:00:00",
    "date_joined": "2020-01-01 00:00:00",
    "last_login": "2020-01-01 00:00:00",
}
ROLES = ("role_id", "is_staff", "state")


def person(user_id: int) -> dict[str, Any]:
    return {name: User.objects.values(name).get(pk=user_id)[name] for name in ROLES}


def test_no_form_of_the_site_takes_them(scene: Scene) -> None:
    victim = UserFactory.create()
    client = Client()
    sign_in(client, scene.customer)
    before, told = _standing(scene.customer, victim), []

    for address, _answer in _sending(client, scene, {**WISHES, "user": str(victim.pk)}):
        told.append(address)

    assert len(told) > 100
    assert _standing(scene.customer, victim) == before


def _sending(client: Client, scene: Scene, wishes: dict[str, str]) -> Any:
    """Every form of the site filled in as well as it can be, and the wishes beside; what it did stays."""
    filled = {
        "email": scene.customer.email,
        "password": PASSWORD,
        "current_password": PASSWORD,
        "amount": "1",
        "name": "x",
        "reason": "x",
        "news": "on",
        "message_days": "7",
    }
    body = "&".join(f"{name}={value}" for name, value in (filled | wishes).items())
    form = {"data": body, "content_type": "application/x-www-form-urlencoded"}
    return walk(client, scene, "POST", is_undone=False, **form)


def _standing(customer: User, victim: User) -> dict[str, Any]:
    """What the wishes are about."""
    return {
        "people": [person(customer.pk), person(victim.pk)],
        "staff": sorted(User.objects.filter(is_staff=True).values_list("pk", flat=True)),
        "money of the victim": list(
            Account.objects.filter(user=victim).values_list("credits_posted", "debits_posted")
        ),
        "credited": sum(Account.objects.filter(user=customer).values_list("credits_posted", flat=True)),
        "of the victim": Deposit.objects.filter(user=victim).count(),
    }


def test_twin_that_makes_forms_of_whole_models_takes_them(settings: Settings) -> None:
    user = UserFactory.create(email_verified_at=None)
    naive = forms.modelform_factory(User, fields="__all__")
    held = forms.model_to_dict(user)

    form = naive({name: value for name, value in (held | WISHES).items() if value is not None}, instance=user)
    form.is_valid()
    form._post_clean()  # type: ignore[attr-defined]

    assert (user.role_id, user.state) == ("administrator", "banned")
    assert user.email_verified_at is not None
    assert user.email_verified_at < timezone.now()
