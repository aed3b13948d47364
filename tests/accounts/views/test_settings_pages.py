"""The settings' own pages and their shell."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Role
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def test_addresses_are_the_contracts() -> None:
    assert [reverse("settings:profile"), reverse("settings:security")] == [
        "/settings/",
        "/settings/security/",
    ]


@pytest.mark.parametrize("name", ["profile", "security"])
def test_page_asks_a_visitor_to_sign_in(client: Client, name: str) -> None:
    url = reverse(f"settings:{name}")

    answer = client.get(url)

    assert answer.headers["Location"] == f"/accounts/sign-in/?next={url}"


@pytest.mark.parametrize("name", ["profile", "security"])
def test_page_marks_its_section_alone(client: Client, name: str) -> None:
    client.force_login(UserFactory.create())
    url = reverse(f"settings:{name}")

    page = client.get(url).content.decode()

    navigation = page[page.index('aria-label="Settings"') :].split("</nav>")[0]
    assert navigation.count("aria-current") == 1
    assert " ".join(navigation.split()).count(f'href="{url}" aria-current="page"') == 1


def test_page_may_not_be_kept_by_browsers(client: Client) -> None:
    client.force_login(UserFactory.create())

    answer = client.get(reverse("settings:profile"))

    assert "no-store" in answer.headers["Cache-Control"]


def test_profile_says_who_somebody_is(client: Client) -> None:
    user = UserFactory.create(email="ada@example.com", date_joined=dt.datetime(2026, 3, 4, tzinfo=dt.UTC))
    client.force_login(user)

    page = client.get(reverse("settings:profile")).content.decode()

    assert "<strong>ada@example.com</strong>" in page
    assert "Confirmed" in page
    assert "4 Mar 2026" in page
    assert "Role" not in page


def test_profile_says_when_the_address_is_not_confirmed(client: Client) -> None:
    client.force_login(UserFactory.create(email_verified_at=None))

    page = client.get(reverse("settings:profile")).content.decode()

    assert "Not confirmed yet" in page


def test_profile_names_a_role_beyond_a_customers(client: Client) -> None:
    client.force_login(UserFactory.create(role_id=Role.PREMIUM.value))

    assert "Premium customer" in client.get(reverse("settings:profile")).content.decode()


def test_profile_says_when_the_password_was_changed(client: Client) -> None:
    user = UserFactory.create(password_changed_at=timezone.now().replace(year=2025, month=5, day=6))
    client.force_login(user)

    assert "6 May 2025" in client.get(reverse("settings:profile")).content.decode()
