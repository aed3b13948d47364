"""The settings' own pages and their shell."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.enums import Role
from accounts.models import RecoveryCode
from tests.factories.accounts import UserFactory
from tests.factories.passkeys import add_passkey
from tests.factories.signing_in import sign_in

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
    assert 'href="/accounts/verify-email/"' in page


def test_profile_names_a_role_beyond_a_customers(client: Client) -> None:
    client.force_login(UserFactory.create(role_id=Role.PREMIUM.value))

    assert "Premium customer" in client.get(reverse("settings:profile")).content.decode()


def test_profile_says_how_many_orders_may_wait(client: Client, settings: Settings) -> None:
    settings.MAX_OPEN_ORDERS, settings.MAX_OPEN_ORDERS_PREMIUM = 7, 31
    client.force_login(UserFactory.create())
    assert "Up to 7 may wait" in client.get(reverse("settings:profile")).content.decode()

    client.force_login(UserFactory.create(role_id=Role.PREMIUM.value))
    assert "Up to 31 may wait" in client.get(reverse("settings:profile")).content.decode()


def test_profile_says_when_the_password_was_changed(client: Client) -> None:
    user = UserFactory.create(password_changed_at=timezone.now().replace(year=2025, month=5, day=6))
    client.force_login(user)

    pages = [client.get(reverse(f"settings:{name}")).content.decode() for name in ("profile", "security")]
    assert all("Set on 6 May 2025" in " ".join(re.sub("<[^>]+>", "", page).split()) for page in pages)


# --- security ---------------------------------------------------------------------------------------------------------
LINKED = (
    "password",
    "passkeys",
    "authenticator",
    "recovery-codes",
    "message-codes",
    "sessions",
    "security-log",
)


def test_security_leads_to_everything_that_protects(client: Client) -> None:
    client.force_login(UserFactory.create())

    page = client.get(reverse("settings:security")).content.decode()

    main = page[page.index("<main") :]
    assert [main.count(f'href="{reverse(f"settings:{name}")}"') for name in LINKED] == [1] * len(LINKED)


@pytest.mark.parametrize("name", LINKED)
def test_no_link_of_the_overview_is_dead(client: Client, name: str) -> None:
    sign_in(client, UserFactory.create())

    assert client.get(reverse(f"settings:{name}")).status_code == 200


def test_security_without_a_second_factor_says_what_is_missing(client: Client) -> None:
    client.force_login(UserFactory.create())

    page = client.get(reverse("settings:security")).content.decode()

    assert "Your password alone opens this account." in page
    assert page.count(">On<") == 0
    assert "They come with your first second factor" in page
    assert "Signed in here alone" in page


def test_security_says_what_is_on(client: Client) -> None:
    user = UserFactory.create()
    client.force_login(user)
    add_passkey(user)
    add_passkey(user)
    Client().force_login(user)

    page = client.get(reverse("settings:security")).content.decode()

    assert "Your password alone" not in page
    assert "2 passkeys" in page
    assert "10 codes left" in page
    assert "Signed in here and in 1 other browser" in page


def test_security_says_when_the_recovery_codes_are_used_up(client: Client) -> None:
    user = UserFactory.create()
    client.force_login(user)
    add_passkey(user)
    RecoveryCode.objects.update(used_at=timezone.now())

    assert "None left. Make new ones" in client.get(reverse("settings:security")).content.decode()


@pytest.mark.parametrize(("site", "is_offered"), [("http://testserver", True), ("http://localhost", False)])
def test_security_offers_passkeys_where_they_can_be_made(
    client: Client, settings: Settings, site: str, is_offered: bool
) -> None:
    settings.SITE_URL = site
    sign_in(client, UserFactory.create())

    page = client.get(reverse("settings:security")).content.decode()
    passkeys = client.get(reverse("settings:passkeys")).content.decode()

    link = page[page.index(f'href="{reverse("settings:passkeys")}"') :].split("</a>")[0]
    assert ("Set up" in link, "Open" in link) == (is_offered, not is_offered)
    assert ("Add one for each device" in passkeys) == is_offered


@pytest.mark.parametrize("count", [1, 3])
def test_security_takes_as_many_queries_for_three_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    user = UserFactory.create()
    client.force_login(user)
    for _ in range(count):
        add_passkey(user)
        Client().force_login(user)
    client.get(reverse("settings:security"))

    # session and person, masthead, sessions; messages, app, passkeys, recovery codes
    with django_assert_num_queries(7):
        client.get(reverse("settings:security"))


@pytest.mark.parametrize(
    ("name", "section"),
    [("email", "profile"), ("password", "security"), ("passkeys", "security"), ("sessions", "security")],
)
def test_page_below_a_section_marks_it(client: Client, name: str, section: str) -> None:
    sign_in(client, UserFactory.create())

    page = " ".join(client.get(reverse(f"settings:{name}")).content.decode().split())

    navigation = page[page.index('aria-label="Settings"') :].split("</nav>")[0]
    assert f'href="{reverse(f"settings:{section}")}" aria-current="true"' in navigation
    assert navigation.count("aria-current") == 1
