"""Changing one's password and address."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import throttle
from accounts.models import AuditEntry, Proof, Session, User
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import deliver, link_in

pytestmark = pytest.mark.django_db

PASSWORD_PAGE, EMAIL_PAGE = "/settings/password/", "/settings/email/"
OLD, WANTED, NEW = "ann@example.com", "ann@example.org", "seven purple umbrellas"
OVER = "This link no longer works"


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()
    throttle._own_counts.clear()


@pytest.fixture
def user(client: Client) -> User:
    """Ann, signed in, who has shown her password a moment ago."""
    user = UserFactory.create(email=OLD)
    assert client.post("/accounts/sign-in/", {"email": OLD, "password": PASSWORD}).status_code == 302
    return user


def links() -> dict[str, str]:
    """Where the two e-mails of a change lead, by whom they go to."""
    return {letter.to[0]: link_in(letter) for letter in deliver() if "Confirm" in str(letter.subject)}


def words(page: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.decode()).split())


def begin(client: Client, email: str = WANTED) -> dict[str, str]:
    answer = client.post(EMAIL_PAGE, {"email": email})
    assert (answer.status_code, answer["Location"]) == (302, EMAIL_PAGE)
    return links()


# --- password ---------------------------------------------------------------------------------------------------------


def test_new_password_ends_the_other_sessions_and_gives_this_one_a_new_key(
    client: Client, user: User
) -> None:
    other = Client()
    other.post("/accounts/sign-in/", {"email": OLD, "password": PASSWORD})
    before = client.session.session_key
    deliver()

    answer = client.post(PASSWORD_PAGE, {"current_password": PASSWORD, "password": NEW})

    user.refresh_from_db()
    assert answer["Location"] == "/settings/security/"
    assert user.check_password(NEW)
    assert client.session.session_key != before
    assert client.get(PASSWORD_PAGE).status_code == 200
    assert other.get(PASSWORD_PAGE).status_code == 302
    assert Session.objects.filter(user=user).count() == 1
    assert [str(letter.subject) for letter in deliver()] == ["Your password was changed"]
    assert AuditEntry.objects.filter(action="account.password_changed", subject_id=user.pk).count() == 1


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", NEW, "current_password"),
        ("", NEW, "current_password"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "ann@example.com", "password"),
        (PASSWORD, PASSWORD, "password"),
    ],
)
def test_what_is_wrong_stands_beside_the_field(
    client: Client, user: User, current: str, new: str, field: str
) -> None:
    answer = client.post(PASSWORD_PAGE, {"current_password": current, "password": new})

    assert list(answer.context["form"].errors) == [field]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_present_password_cannot_be_guessed_without_end(client: Client, user: User) -> None:
    for _ in range(10):
        client.post(PASSWORD_PAGE, {"current_password": "wrong", "password": NEW})

    answer = client.post(PASSWORD_PAGE, {"current_password": PASSWORD, "password": NEW})

    assert answer.status_code == 429
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("path", [PASSWORD_PAGE, EMAIL_PAGE, f"{EMAIL_PAGE}cancel/", f"{EMAIL_PAGE}resend/"])
def test_visitors_are_sent_to_sign_in(path: str) -> None:
    assert Client().post(path, {"password": NEW})["Location"].startswith("/accounts/sign-in/?next=")


# --- address ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(OLD, WANTED), (WANTED, OLD)], ids=["old first", "new first"])
def test_address_changes_when_both_have_agreed(client: Client, user: User, order: tuple[str, str]) -> None:
    paths = begin(client)
    visitor = Client()

    first = visitor.post(paths[order[0]]).content.decode()
    user.refresh_from_db()
    assert user.email == OLD
    waiting = client.get(EMAIL_PAGE).content.decode()
    second = visitor.post(paths[order[1]]).content.decode()

    user.refresh_from_db()
    assert "Noted." in first
    assert ("Agreed" in waiting, "Waits" in waiting) == (True, True)
    assert "Both addresses agreed" in second
    assert user.email == WANTED
    told = {letter.to[0] for letter in deliver() if "was changed" in str(letter.subject)}
    assert told == {OLD, WANTED}
    assert AuditEntry.objects.filter(action="account.email_changed", subject_id=user.pk).count() == 1
    assert client.get(EMAIL_PAGE).status_code == 200


def test_trail_holds_no_address(client: Client, user: User) -> None:
    for path in begin(client).values():
        Client().post(path)

    entries = str(list(AuditEntry.objects.values("before", "after", "target", "reason")))
    assert "example.org" not in entries
    assert "ann@" not in entries


def test_opening_a_link_agrees_to_nothing(client: Client, user: User) -> None:
    paths = begin(client)

    for path in paths.values():
        assert "Do you agree?" in Client().get(path).content.decode()
        Client().head(path)

    assert Proof.objects.filter(used_at=None, user=user).count() == 2
    assert OLD in client.get(EMAIL_PAGE).content.decode()


def test_one_address_cannot_agree_for_both(client: Client, user: User) -> None:
    paths = begin(client)

    Client().post(paths[WANTED])
    again = Client().post(paths[WANTED])

    assert OVER in again.content.decode()
    user.refresh_from_db()
    assert user.email == OLD


def test_change_taken_back_is_over(client: Client, user: User) -> None:
    paths = begin(client)
    Client().post(paths[WANTED])

    client.post(f"{EMAIL_PAGE}cancel/")

    assert OVER in Client().post(paths[OLD]).content.decode()
    assert "A change waits" not in client.get(EMAIL_PAGE).content.decode()
    user.refresh_from_db()
    assert user.email == OLD


def test_agreement_of_an_earlier_change_counts_for_no_later_one(client: Client, user: User) -> None:
    earlier = begin(client, "first@example.org")
    Client().post(earlier[OLD])

    later = begin(client)
    Client().post(later[WANTED])

    user.refresh_from_db()
    assert user.email == OLD
    assert OVER in Client().post(earlier["first@example.org"]).content.decode()


def test_new_password_stops_a_change_somebody_began(client: Client, user: User) -> None:
    paths = begin(client)

    client.post(PASSWORD_PAGE, {"current_password": PASSWORD, "password": NEW})

    assert all(OVER in Client().post(path).content.decode() for path in paths.values())


def test_links_live_for_a_day(client: Client, user: User) -> None:
    paths = begin(client)

    with time_machine.travel(timezone.now() + dt.timedelta(hours=25)):
        assert OVER in Client().post(paths[OLD]).content.decode()


def test_taken_address_is_not_told_to_who_wants_it(client: Client, user: User) -> None:
    UserFactory.create(email="bob@example.org")
    fresh = words(client.post(EMAIL_PAGE, {"email": WANTED}, follow=True).content)
    taken = words(client.post(EMAIL_PAGE, {"email": "Bob@example.org"}, follow=True).content)
    letters = {letter.to[0]: str(letter.subject) for letter in deliver()}

    assert taken.replace("Bob@example.org", WANTED) == fresh
    assert letters["bob@example.org"] == "You already have an account"
    assert "Confirm that your address changes" in letters[OLD]


def test_address_taken_meanwhile_ends_the_change(client: Client, user: User) -> None:
    paths = begin(client)
    Client().post(paths[OLD])
    UserFactory.create(email=WANTED.upper())

    answer = Client().post(paths[WANTED]).content.decode()

    assert "already has an account" in answer
    assert "A change waits" not in client.get(EMAIL_PAGE).content.decode()
    user.refresh_from_db()
    assert user.email == OLD


def test_links_are_sent_again_after_a_minute(client: Client, user: User) -> None:
    first = begin(client)
    Client().post(first[WANTED])

    client.post(f"{EMAIL_PAGE}resend/")
    assert links() == {}
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
        client.post(f"{EMAIL_PAGE}resend/")
        second = links()

    assert set(second) == {OLD}
    assert OVER in Client().post(first[OLD]).content.decode()
    assert "Both addresses agreed" in Client().post(second[OLD]).content.decode()


@pytest.mark.parametrize("email", ["", "no address", OLD, OLD.upper(), "nul\x00@example.com"])
def test_bad_address_is_said_beside_the_field(client: Client, user: User, email: str) -> None:
    answer = client.post(EMAIL_PAGE, {"email": email})

    assert list(answer.context["form"].errors) == ["email"]
    assert Proof.objects.count() == 0


def test_suspended_person_changes_nothing(client: Client, user: User) -> None:
    paths = begin(client)
    Client().post(paths[OLD])
    User.objects.update(state="suspended")

    assert OVER in Client().post(paths[WANTED]).content.decode()
    assert User.objects.get().email == OLD


@pytest.mark.parametrize("page", [PASSWORD_PAGE, EMAIL_PAGE])
def test_forms_are_guarded_against_other_sites(user: User, page: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)

    assert (
        strict.post(page, {"email": WANTED, "current_password": PASSWORD, "password": NEW}).status_code == 403
    )
    assert SESSION_KEY in strict.session
