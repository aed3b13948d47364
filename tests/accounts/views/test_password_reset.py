"""A lost password: a link good once and for an hour, and everything of before over."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import throttle
from accounts.models import AuditEntry, KnownDevice, Proof, Session, User
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import deliver, letter_to, link_in

pytestmark = pytest.mark.django_db

ASK, SENT = "/accounts/password/reset/", "/accounts/password/reset/?sent"
EMAIL, NEW = "ann@example.com", "seven purple umbrellas"
OVER = "This link no longer works"


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()
    throttle._own_counts.clear()


@pytest.fixture
def user() -> User:
    return UserFactory.create(email=EMAIL)


def asked(client: Client, email: str = EMAIL) -> str:
    """The address of a new link."""
    assert client.post(ASK, {"email": email})["Location"] == SENT
    return link_in(letter_to(EMAIL))


def text_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_link_leads_to_a_new_password(client: Client, user: User) -> None:
    path = asked(client, "Ann@Example.COM")

    page = text_of(client, path)
    answer = client.post(path, {"password": NEW}, follow=True)

    user.refresh_from_db()
    assert EMAIL in page
    assert "Your new password is in force" in answer.content.decode()
    assert answer.redirect_chain == [("/accounts/sign-in/", 302)]
    assert SESSION_KEY not in client.session  # a second factor is asked for as at every sign-in
    assert user.check_password(NEW)
    assert user.password_changed_at is not None
    assert [str(letter.subject) for letter in deliver()] == ["Your password was changed"]
    acts = AuditEntry.objects.filter(subject_id=user.pk).values_list("action", flat=True)
    assert {"account.password_reset_asked", "account.password_reset"} <= set(acts)


def test_asking_is_in_the_trail_with_the_address_that_asked(client: Client, user: User) -> None:
    client.post(ASK, {"email": EMAIL}, REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="Odd/1")
    deliver()

    entry = AuditEntry.objects.get(action="account.password_reset_asked")
    assert (entry.subject_id, entry.address, entry.user_agent) == (user.pk, "203.0.113.9", "Odd/1")


def test_every_session_and_known_browser_is_over(client: Client, user: User) -> None:
    elsewhere = Client()
    elsewhere.post("/accounts/sign-in/", {"email": EMAIL, "password": PASSWORD})
    assert (Session.objects.filter(user=user).count(), KnownDevice.objects.filter(user=user).count()) == (
        1,
        1,
    )

    client.post(asked(client), {"password": NEW})

    assert (Session.objects.filter(user=user).count(), KnownDevice.objects.filter(user=user).count()) == (
        0,
        0,
    )
    assert elsewhere.get("/wallet/")["Location"].startswith("/accounts/sign-in/")


def test_everything_else_that_was_sent_is_worth_nothing(client: Client, user: User) -> None:
    first = asked(client)
    second = asked(client)

    assert OVER in text_of(client, first)
    client.post(second, {"password": NEW})

    assert OVER in text_of(client, second)
    assert OVER in client.post(second, {"password": "other purple umbrellas"}).content.decode()
    assert not Proof.objects.filter(user=user, used_at=None).exists()


def test_link_lives_for_an_hour(client: Client, user: User) -> None:
    path = asked(client)

    with time_machine.travel(timezone.now() + dt.timedelta(minutes=59)):
        assert OVER not in text_of(client, path)
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=61)):
        assert OVER in text_of(client, path)
        client.post(path, {"password": NEW})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_opening_the_link_uses_nothing_up(client: Client, user: User) -> None:
    path = asked(client)

    for _ in range(3):
        client.get(path)
        client.head(path)

    assert client.post(path, {"password": NEW}).status_code == 302


def test_link_of_another_purpose_resets_nothing(client: Client, user: User) -> None:
    client.post("/accounts/sign-up/", {"email": "new@example.com", "password": PASSWORD})
    token = link_in(letter_to("new@example.com")).split("/")[-2]

    assert OVER in text_of(client, f"{ASK}{token}/")


def test_weak_password_is_refused_and_the_link_stays_good(client: Client, user: User) -> None:
    path = asked(client)

    answer = client.post(path, {"password": "ann@example.com"})

    assert list(answer.context["form"].errors) == ["password"]
    assert client.post(path, {"password": NEW}).status_code == 302


def test_reset_proves_the_address_and_opens_a_lock(client: Client) -> None:
    UserFactory.create(email=EMAIL, email_verified_at=None)
    for _ in range(10):
        client.post("/accounts/sign-in/", {"email": EMAIL, "password": "wrong"})

    client.post(asked(client), {"password": NEW})

    assert client.post("/accounts/sign-in/", {"email": EMAIL, "password": NEW}).status_code == 302
    assert User.objects.get().email_verified_at is not None


@pytest.mark.parametrize("state", ["suspended", "banned", "erased"])
def test_closed_account_gets_no_link(client: Client, user: User, state: str) -> None:
    User.objects.update(state=state)

    client.post(ASK, {"email": EMAIL})

    assert deliver() == []
    assert Proof.objects.count() == 0


def test_account_closed_after_the_link_was_sent_stays_closed(client: Client, user: User) -> None:
    path = asked(client)
    User.objects.update(state="banned")

    assert OVER in text_of(client, path)
    assert OVER in client.post(path, {"password": NEW}).content.decode()


def test_answer_is_the_same_whoever_has_the_address(client: Client, user: User) -> None:
    pages = [client.post(ASK, {"email": email}, follow=True) for email in (EMAIL, "nobody@example.com")]

    assert pages[0].content == pages[1].content
    assert [letter.to for letter in deliver()] == [[EMAIL]]
    assert Proof.objects.filter(email="nobody@example.com").count() == 0  # nothing is kept of it


def test_asking_is_limited_for_one_address_whoever_asks(user: User, settings: Settings) -> None:
    settings.PASSWORD_RESET_RATE = "2/h"
    statuses = [
        Client().post(ASK, {"email": EMAIL}, REMOTE_ADDR=f"192.0.2.{number}").status_code
        for number in range(3)
    ]

    assert statuses == [302, 302, 429]


def test_bad_address_is_said_beside_the_field(client: Client) -> None:
    answer = client.post(ASK, {"email": "nul\x00@example.com"})

    assert list(answer.context["form"].errors) == ["email"]
