"""People and events in the staff console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin.events import masked
from accounts.models import AuditEntry, OutgoingEmail, Proof, User
from tests.factories.accounts import PASSWORD, ClerkFactory, StaffFactory, UserFactory, record_event
from tests.factories.letters import letter_to, link_in
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db

USERS, ADD_USER = "admin:accounts_user_changelist", "admin:accounts_user_add"


@pytest.fixture
def staff(client: Client) -> Client:
    sign_in(client, StaffFactory.create())
    return client


def test_users_are_found_by_address(staff: Client) -> None:
    UserFactory.create(email="ann@example.com")
    UserFactory.create(email="bob@example.com")

    page = staff.get(reverse(USERS), {"q": "ANN@"}).content.decode()

    assert "ann@example.com" in page
    assert "bob@example.com" not in page


def test_person_is_added_without_password_and_gets_a_link(
    staff: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff.post(
            reverse(ADD_USER), {"email": "New@EXAMPLE.com", "password1": PASSWORD, "role": "finance"}
        )

    user = User.objects.get(email="New@example.com")
    assert answer.status_code == 302
    assert (user.is_staff, user.role_id, user.has_usable_password()) == (False, "customer", False)
    assert user.email_verified_at is None
    assert Proof.objects.filter(purpose="reset_password", email="New@example.com").count() == 1
    assert AuditEntry.objects.filter(action="account.signed_up", subject_id=user.pk).count() == 1


def test_invited_person_is_told_so_and_chooses_a_password_with_the_link(staff: Client) -> None:
    staff.post(reverse(ADD_USER), {"email": "new@example.com"})
    letter = letter_to("new@example.com")
    visitor = Client()

    answer = visitor.post(link_in(letter), {"password": "seven purple umbrellas"})

    user = User.objects.get(email="new@example.com")
    assert letter.subject == "Your account at Namaskah SMS is open"
    assert "We have opened an account for you" in str(letter.body)
    assert "Somebody, perhaps you" not in str(letter.body)
    assert answer.status_code == 302
    assert user.check_password("seven purple umbrellas")
    assert user.email_verified_at is not None


def test_link_of_an_invitation_ends_when_another_is_asked_for(staff: Client) -> None:
    staff.post(reverse(ADD_USER), {"email": "new@example.com"})
    first = link_in(letter_to("new@example.com"))

    Client().post(reverse("accounts:password-reset"), {"email": "new@example.com"})
    second = link_in(letter_to("new@example.com"))

    assert "This link no longer works" in Client().get(first).content.decode()
    assert "This link no longer works" not in Client().get(second).content.decode()


def test_taken_address_is_a_form_error(staff: Client) -> None:
    UserFactory.create(email="ann@example.com")

    answer = staff.post(reverse(ADD_USER), {"email": "ANN@example.com"})

    assert "already has an account" in answer.content.decode()


def test_page_of_a_person_shows_no_password_and_changes_nothing(staff: Client) -> None:
    user = UserFactory.create(email="ann@example.com")
    address = reverse("admin:accounts_user_change", args=[user.pk])

    page = staff.get(address).content.decode()
    answer = staff.post(address, {"email": "thief@example.com", "state": "banned", "role": "administrator"})

    before = user.email, user.state, user.role_id
    user.refresh_from_db()
    assert user.password not in page
    assert "md5$" not in page
    assert answer.status_code == 403
    assert (user.email, user.state, user.role_id) == before


def test_nobody_sets_a_persons_password_here(staff: Client) -> None:
    user = UserFactory.create()

    answer = staff.post(
        f"/ops/accounts/user/{user.pk}/password/", {"password1": "x" * 20, "password2": "x" * 20}
    )

    user.refresh_from_db()
    assert answer.status_code in (302, 404)
    assert user.check_password(PASSWORD)


def test_nobody_is_deleted(staff: Client) -> None:
    user = UserFactory.create()

    answer = staff.post(reverse("admin:accounts_user_delete", args=[user.pk]), {"post": "yes"})

    assert answer.status_code == 403
    assert User.objects.filter(pk=user.pk).exists()


def test_event_is_read_only_and_masked(staff: Client) -> None:
    event = record_event(
        UserFactory.create(), code="482913", messages=[{"text": "Your code is 482913"}], price="0.3500"
    )
    address = reverse("admin:accounts_event_change", args=[event.pk])

    lists = staff.get(reverse("admin:accounts_event_changelist")).content.decode()
    detail = staff.get(address).content.decode()

    assert "482913" not in lists + detail
    assert "0.3500" in detail
    assert staff.post(address, {"subject": "x"}).status_code == 403
    assert staff.get(reverse("admin:accounts_event_add")).status_code == 403


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"code": "1", "status": "received"}, {"code": "•••", "status": "received"}),
        ({"code": "", "failure": None}, {"code": "", "failure": None}),
        ({"a": [{"text": "t", "id": 1}]}, {"a": [{"text": "•••", "id": 1}]}),
    ],
)
def test_masked_hides_what_only_the_customer_may_read(data: object, shown: object) -> None:
    assert masked(data) == shown


def test_customer_is_not_let_in(client: Client) -> None:
    client.force_login(UserFactory.create())

    assert client.get(reverse(USERS)).status_code == 403


def outbox_row(**changes: object) -> OutgoingEmail:
    values = {
        "user": UserFactory.create(),
        "to": "ann@example.com",
        "template": "wallet_low",
        "context": {"balance": "$0.85", "url": "/wallet/top-up/"},
        "key": f"low:{OutgoingEmail.objects.count()}",
        "next_try_at": None,
    } | changes
    return OutgoingEmail.objects.create(**values)


def test_outbox_is_only_read(staff: Client) -> None:
    row = outbox_row(error="SMTPDataError 554")
    change = reverse("admin:accounts_outgoingemail_change", args=[row.pk])

    page = staff.get(change).content.decode()

    assert "SMTPDataError 554" in page
    assert "$0.85" not in page
    assert 'name="_save"' not in page
    assert staff.get(reverse("admin:accounts_outgoingemail_add")).status_code == 403


def test_given_up_emails_alone_start_anew(staff: Client) -> None:
    now = timezone.now()
    lost = outbox_row(given_up_at=now, tries=7)
    sent = outbox_row(sent_at=now, tries=1)

    answer = staff.post(
        reverse("admin:accounts_outgoingemail_changelist"),
        {"action": "send_again", "_selected_action": [str(lost.pk), str(sent.pk)]},
        follow=True,
    )

    lost.refresh_from_db()
    sent.refresh_from_db()
    assert "1 e-mail starts anew." in answer.content.decode()
    assert (lost.given_up_at, lost.tries) == (None, 0)
    assert lost.next_try_at is not None
    assert (sent.next_try_at, sent.tries) == (None, 1)
    assert LogEntry.objects.get().object_id == str(lost.pk)


def test_who_may_only_look_at_the_outbox_sends_nothing(
    client: Client, support_may: Callable[..., None]
) -> None:
    looker = ClerkFactory.create()
    support_may("accounts.view_outgoingemail")
    sign_in(client, looker)
    lost = outbox_row(given_up_at=timezone.now(), tries=7)

    page = client.get(reverse("admin:accounts_outgoingemail_changelist")).content.decode()
    client.post(
        reverse("admin:accounts_outgoingemail_changelist"),
        {"action": "send_again", "_selected_action": [str(lost.pk)]},
    )

    lost.refresh_from_db()
    assert "Send again" not in page
    assert lost.given_up_at is not None
