"""The privacy pages as somebody uses them, and as somebody else tries to."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import Document
from accounts.models import AuditEntry, Consent, DataExport, Erasure, User
from accounts.privacy import page
from accounts.services import consents, data_export, erasure
from accounts.services.sessions import STEPPED_UP
from tests.factories.accounts import PASSWORD, ClerkFactory, UserFactory
from tests.factories.billing import make_wallet
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db

PRIVACY, EXPORT, ERASE = "/settings/privacy/", "/settings/privacy/export/", "/settings/privacy/erasure/"
POSTS = [
    "/settings/privacy/messages/",
    "/settings/privacy/news/",
    EXPORT,
    ERASE,
    "/settings/privacy/erasure/cancel/",
]


@pytest.fixture
def user() -> User:
    return UserFactory.create()


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    """Somebody who has just shown who they are."""
    client.force_login(user)
    show_oneself(client)
    return client


def show_oneself(client: Client) -> None:
    session = client.session
    session[STEPPED_UP] = timezone.now().isoformat()
    session.save()


def content_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_page_says_what_is_kept_agreed_and_set(signed_in: Client, user: User) -> None:
    consents.note(user, Document.TERMS, True, "sign-up")

    response = signed_in.get(PRIVACY)
    text = text_of(response)

    assert response.status_code == 200
    assert "Terms of service agreed" in text
    assert "30 days after the order ends" in text
    for group in page.kept(message_days=30):
        assert all(" ".join(title.split()) in text.replace("&#x27;", "'") for title in group.titles)
    for cookie in page.cookies():
        assert cookie.name in text


def test_page_is_empty_in_words_for_somebody_new(signed_in: Client) -> None:
    assert "Nothing is noted yet." in text_of(signed_in.get(PRIVACY))


@pytest.mark.parametrize("count", [1, 3])
def test_page_takes_the_same_queries_however_much_was_agreed(
    count: int, signed_in: Client, user: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(count):
        consents.note(user, Document.MARKETING, True, "settings")
    signed_in.get(PRIVACY)

    with django_assert_max_num_queries(9):
        signed_in.get(PRIVACY)


def test_cookies_that_are_set_are_those_that_are_listed(client: Client, user: User) -> None:
    client.get("/accounts/sign-in/")
    client.post("/accounts/sign-in/", {"email": user.email, "password": PASSWORD})
    client.post("/settings/privacy/news/", {"marketing": "on"})

    assert client.cookies.keys() <= {cookie.name for cookie in page.cookies()}
    assert client.cookies.keys() >= {"sessionid", "device"}


@pytest.mark.parametrize("path", [PRIVACY, ERASE, f"{EXPORT}{uuid.UUID(int=1)}/"])
def test_pages_are_for_people_signed_in(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/sign-in/?next=/settings/privacy/")


@pytest.mark.parametrize("path", POSTS)
def test_forms_ask_for_a_csrf_token(user: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    show_oneself(client)

    assert client.post(path).status_code == 403


@pytest.mark.parametrize("path", [path for path in POSTS if path != ERASE])
def test_nothing_changes_by_looking(signed_in: Client, path: str) -> None:
    assert signed_in.get(path).status_code == 405


@pytest.mark.parametrize("path", [EXPORT, ERASE])
def test_copy_and_erasure_ask_first_who_one_is(client: Client, user: User, path: str) -> None:
    client.force_login(user)
    session = client.session
    session.pop(STEPPED_UP, None)
    session.save()

    response = client.post(path, {"email": user.email})

    assert response["Location"].startswith("/accounts/")
    assert not DataExport.objects.exists()
    assert not Erasure.objects.exists()


# --- messages and news ------------------------------------------------------------------------------------------------
def test_message_days_are_chosen(signed_in: Client, user: User) -> None:
    response = signed_in.post("/settings/privacy/messages/", {"message_days": "7"}, follow=True)

    user.refresh_from_db()
    assert user.message_days == 7
    assert "What is older goes within the next minutes" in text_of(response)
    assert "7 days after the order ends" in text_of(response)


@pytest.mark.parametrize("days", ["", "0", "31", "-1", "x", "1e9", "7;8"])
def test_other_days_are_refused_beside_the_field(signed_in: Client, user: User, days: str) -> None:
    response = signed_in.post("/settings/privacy/messages/", {"message_days": days})

    user.refresh_from_db()
    assert response.status_code == 400
    assert 'aria-invalid="true"' in response.content.decode()
    assert user.message_days == 30


def test_news_are_given_and_taken_back(signed_in: Client, user: User) -> None:
    assert "checked" not in signed_in.get(PRIVACY).content.decode()

    signed_in.post("/settings/privacy/news/", {"marketing": "on"})
    page_with = signed_in.get(PRIVACY).content.decode()
    signed_in.post("/settings/privacy/news/", {})

    assert "checked" in page_with
    assert [row.is_given for row in Consent.objects.filter(user=user).order_by("pk")] == [True, False]
    assert not consents.has_given(user.pk, Document.MARKETING)


# --- copy -------------------------------------------------------------------------------------------------------------
def test_copy_is_asked_for_made_and_downloaded(signed_in: Client, user: User) -> None:
    asked = signed_in.post(EXPORT, follow=True)
    assert "Being made" in text_of(asked)

    assert data_export.make_due() == 1
    link = re.search(r'href="(/settings/privacy/export/[^"]+)"', signed_in.get(PRIVACY).content.decode())
    assert link is not None
    response = signed_in.get(link[1].replace("&amp;", "&"))

    content = content_of(response)
    assert response["Content-Type"] == "application/zip"
    assert int(response["Content-Length"]) == len(content)
    assert "no-store" in response["Cache-Control"]
    assert user.email in zipfile.ZipFile(io.BytesIO(content)).read("account.json").decode()
    assert AuditEntry.objects.filter(action=AuditAction.EXPORT_DOWNLOADED, subject_id=user.pk).count() == 1
    assert DataExport.objects.get(user=user).downloaded_at is not None


def test_second_copy_at_once_is_refused_in_words(signed_in: Client) -> None:
    signed_in.post(EXPORT)

    response = signed_in.post(EXPORT, follow=True)

    assert "being made already" in text_of(response)
    assert DataExport.objects.count() == 1


def test_copy_of_somebody_else_is_not_there(signed_in: Client) -> None:
    other = UserFactory.create()
    export = data_export.ask(user=other)
    data_export.make(export.pk)
    export.refresh_from_db()

    assert signed_in.get(data_export.link(export)).status_code == 404


@pytest.mark.parametrize("query", ["", "?token=", "?token=x", "?token=%00", "?token=" + "a" * 5000])
def test_copy_without_its_link_is_not_there(signed_in: Client, user: User, query: str) -> None:
    export = data_export.ask(user=user)
    data_export.make(export.pk)

    assert signed_in.get(f"{EXPORT}{export.pk}/{query}").status_code == 404


def test_copy_that_failed_is_told_and_can_be_asked_for_again(signed_in: Client, user: User) -> None:
    DataExport.objects.create(user=user, failed_at=timezone.now(), next_try_at=None)

    response = signed_in.get(PRIVACY)

    assert "The copy could not be made." in text_of(response)
    assert "Make a copy" in text_of(response)


# --- erasure ----------------------------------------------------------------------------------------------------------
def test_erasure_says_what_goes_and_stays_and_is_ordered_by_the_address(
    signed_in: Client, user: User
) -> None:
    text = text_of(signed_in.get(ERASE))
    assert "What goes" in text
    assert "What stays" in text
    assert "I give up" not in text

    response = signed_in.post(ERASE, {"email": f" {user.email.upper()} "}, follow=True)

    assert "Your account will be erased" in text_of(response)
    assert erasure.open_of(user.pk) is not None


@pytest.mark.parametrize("typed", ["", "other@example.com", "x", "\x00", "a" * 300])
def test_another_address_erases_nothing(signed_in: Client, typed: str) -> None:
    response = signed_in.post(ERASE, {"email": typed})

    assert response.status_code == 200
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Erasure.objects.exists()


def test_money_left_is_asked_back_or_given_up(signed_in: Client, user: User) -> None:
    make_wallet("2.50", user=user)

    refused = signed_in.post(ERASE, {"email": user.email})
    assert "Ask for your money back first" in text_of(refused)
    assert "$2.50 is left in your wallet" in text_of(refused)
    assert not Erasure.objects.exists()

    signed_in.post(ERASE, {"email": user.email, "gives_up_balance": "on"})
    assert Erasure.objects.get().gives_up_balance


def test_fields_that_are_not_on_the_form_change_nothing(signed_in: Client, user: User) -> None:
    signed_in.post(ERASE, {"email": user.email, "due_at": "2020-01-01", "reason": "x", "user": "1"})

    planned = Erasure.objects.get()
    assert planned.user == user
    assert planned.reason == ""
    assert planned.due_at > timezone.now()


def test_every_page_says_until_when_and_one_click_takes_it_back(signed_in: Client, user: User) -> None:
    erasure.plan(user=user, gives_up_balance=False)

    assert 'data-testid="leaving"' in signed_in.get("/settings/").content.decode()
    assert 'data-testid="leaving"' in signed_in.get("/wallet/").content.decode()
    assert signed_in.get(ERASE)["Location"] == PRIVACY
    taken_back = signed_in.post("/settings/privacy/erasure/cancel/", follow=True)

    assert "Your account stays." in text_of(taken_back)
    assert 'data-testid="leaving"' not in signed_in.get("/settings/").content.decode()
    assert "nothing to take back" in text_of(signed_in.post("/settings/privacy/erasure/cancel/", follow=True))


def test_obstacle_is_shown_while_it_waits(signed_in: Client, user: User) -> None:
    erasure.plan(user=user, gives_up_balance=False)
    Erasure.objects.update(obstacle="A refund is on its way.")

    assert "A refund is on its way. We try again every hour." in text_of(signed_in.get(PRIVACY))


def test_staff_are_told_that_their_role_goes_first(client: Client) -> None:
    staff = ClerkFactory.create()
    sign_in(client, staff)
    show_oneself(client)

    response = client.post(ERASE, {"email": staff.email})

    assert "This account belongs to staff. Its role has to be taken away first." in text_of(response)
    assert not Erasure.objects.exists()
