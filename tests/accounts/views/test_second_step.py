"""The second step of signing in: who is pending is nobody, and only a second factor makes them somebody."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
import time_machine
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts import second_step
from accounts.audit_actions import AuditAction
from accounts.enums import AccountState, CodeChannel
from accounts.models import AuditEntry, KnownDevice, OutgoingEmail, Proof, Session, User
from accounts.services import factors, standing
from accounts.sessions import digest
from tests.factories.accounts import PASSWORD, StaffFactory, UserFactory
from tests.factories.letters import code_in, letter_to
from tests.factories.second_factors import (
    add_message_codes,
    add_passkey,
    add_sheet,
    add_totp,
    code_of,
    wrong_code,
)

pytestmark = pytest.mark.django_db
STEP = "/accounts/sign-in/second-factor/"


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def show_password(client: Client, user: User, **more: str) -> str:
    """The first step; where it leads."""
    answer = client.post(
        reverse("accounts:sign-in"), {"email": user.email, "password": PASSWORD, "next": "/wallet/", **more}
    )
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("settings:profile")).status_code == 200


def session_row(client: Client) -> Session:
    return Session.objects.get(pk=digest(client.session.session_key or ""))


def test_without_a_factor_the_password_is_enough(client: Client, user: User) -> None:
    assert show_password(client, user) == "/wallet/"
    assert is_signed_in(client)
    assert session_row(client).verified_at is None


def test_with_a_factor_the_password_opens_nothing(client: Client, user: User) -> None:
    add_totp(user)

    assert show_password(client, user) == STEP
    assert not is_signed_in(client)
    assert client.get(STEP).status_code == 200


def test_right_code_signs_in_and_leads_on(client: Client, user: User) -> None:
    key = add_totp(user)
    show_password(client, user)

    answer = client.post(STEP, {"method": "totp", "code": code_of(key)})

    entry = AuditEntry.objects.get(action=AuditAction.SIGNED_IN)
    assert answer["Location"] == "/wallet/"
    assert is_signed_in(client)
    assert session_row(client).verified_at is not None
    assert entry.after == {"methods": ["password", "totp"]}


def test_wrong_code_is_said_beside_the_field(client: Client, user: User) -> None:
    key = add_totp(user)
    show_password(client, user)

    answer = client.post(STEP, {"method": "totp", "code": wrong_code(key)})

    assert answer.status_code == 400
    assert "This code is not right" in answer.content.decode()
    assert not is_signed_in(client)
    assert AuditEntry.objects.filter(action=AuditAction.FACTOR_FAILED, subject_id=user.pk).count() == 1


@pytest.mark.parametrize("code", ["", " ", "12345", "é" * 6, "0" * 65, "\x00"], ids=range(6))
def test_nonsense_is_refused_without_an_error_page(client: Client, user: User, code: str) -> None:
    add_totp(user)
    show_password(client, user)

    assert client.post(STEP, {"method": "totp", "code": code}).status_code == 400


def test_second_guess_at_once_is_not_looked_at(client: Client, user: User) -> None:
    key = add_totp(user)
    show_password(client, user)
    client.post(STEP, {"method": "totp", "code": wrong_code(key)})

    answer = client.post(STEP, {"method": "totp", "code": code_of(key)})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1
    assert not is_signed_in(client)


def test_code_of_one_sign_in_opens_no_other(client: Client, user: User) -> None:
    key = add_totp(user)
    other = Client()
    show_password(client, user)
    show_password(other, user)
    with time_machine.travel(timezone.now(), tick=False):
        code = code_of(key)
        client.post(STEP, {"method": "totp", "code": code})

        answer = other.post(STEP, {"method": "totp", "code": code})

    assert answer.status_code == 400
    assert not is_signed_in(other)


def test_recovery_code_signs_in_once_and_its_owner_is_told(client: Client, user: User) -> None:
    add_totp(user)
    codes = add_sheet(user)
    show_password(client, user)

    client.post(STEP, {"method": "recovery_code", "code": codes[0].lower().replace("-", " ")})
    again = Client()
    show_password(again, user)
    answer = again.post(STEP, {"method": "recovery_code", "code": codes[0]})

    email = OutgoingEmail.objects.get(template="recovery_code_used")
    assert is_signed_in(client)
    assert (answer.status_code, is_signed_in(again)) == (400, False)
    assert (email.context["left"], codes[0] in str(email.context)) == ("9", False)


@pytest.mark.parametrize(
    "path",
    ["/settings/", "/wallet/", "/ops/", "/accounts/confirm/", "/settings/security/authenticator/", "/"],
)
def test_pending_person_is_nobody(client: Client, path: str) -> None:
    staff = StaffFactory.create()
    add_totp(staff)
    show_password(client, staff)

    answer = client.get(path)

    assert answer.status_code == 302 or not answer.wsgi_request.user.is_authenticated
    assert not Session.objects.filter(user=staff).exists()


def test_pending_session_has_a_new_key(client: Client, user: User) -> None:
    add_totp(user)
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = str(before)

    show_password(client, user)

    assert client.session.session_key != before
    assert not Session.objects.filter(pk=digest(str(before))).exists()


def test_pending_step_is_over_after_ten_minutes(client: Client, user: User) -> None:
    key = add_totp(user)
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        show_password(client, user)
    with time_machine.travel(now + dt.timedelta(seconds=601), tick=False):
        answer = client.post(STEP, {"method": "totp", "code": code_of(key)})

    assert answer["Location"] == reverse("accounts:sign-in")
    assert not is_signed_in(client)


def close(user: User) -> None:
    standing.suspend(user_id=user.pk, reason="test", actor=None)


def change_password(user: User) -> None:
    user.set_password("another long password 42")
    user.save()


def erase(user: User) -> None:
    User.objects.filter(pk=user.pk).update(state=AccountState.ERASED)


@pytest.mark.parametrize("change", [close, change_password, erase])
def test_pending_step_ends_with_what_it_stood_on(
    client: Client, user: User, change: Callable[[User], None]
) -> None:
    key = add_totp(user)
    show_password(client, user)
    change(user)

    client.post(STEP, {"method": "totp", "code": code_of(key)})

    assert not is_signed_in(client)


def test_twin_without_the_hash_goes_on_with_an_old_password(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_step, "_is_unchanged", lambda user, held: True)
    key = add_totp(user)
    show_password(client, user)
    change_password(user)

    client.post(STEP, {"method": "totp", "code": code_of(key)})

    assert is_signed_in(client)


def test_nobody_pending_is_sent_to_the_first_step(client: Client) -> None:
    assert client.get(STEP)["Location"] == reverse("accounts:sign-in")
    assert client.post(STEP, {"code": "000000"})["Location"] == reverse("accounts:sign-in")


def test_names_of_other_people_in_the_form_count_for_nothing(client: Client, user: User) -> None:
    other = UserFactory.create()
    add_totp(user)
    key = add_totp(other)
    show_password(client, user)

    client.post(STEP, {"method": "totp", "code": code_of(key), "user": other.pk, "user_id": other.pk})

    assert not is_signed_in(client)


def test_trusted_browser_is_not_asked_again(client: Client, user: User) -> None:
    key = add_totp(user)
    show_password(client, user)
    client.post(STEP, {"method": "totp", "code": code_of(key), "trust": "on"})
    client.post(reverse("accounts:sign-out"))

    assert show_password(client, user) == "/wallet/"
    assert session_row(client).verified_at is None
    assert show_password(Client(), user) == STEP


def test_browser_is_not_trusted_unasked(client: Client, user: User) -> None:
    key = add_totp(user)
    show_password(client, user)
    client.post(STEP, {"method": "totp", "code": code_of(key)})
    client.post(reverse("accounts:sign-out"))

    assert show_password(client, user) == STEP


def test_trust_is_over_after_thirty_days(client: Client, user: User) -> None:
    key = add_totp(user)
    show_password(client, user)
    client.post(STEP, {"method": "totp", "code": code_of(key), "trust": "on"})
    client.post(reverse("accounts:sign-out"))
    KnownDevice.objects.update(trusted_until=timezone.now() - dt.timedelta(seconds=1))

    assert show_password(client, user) == STEP


def test_staff_is_asked_whatever_browser_it_trusts(client: Client) -> None:
    staff = StaffFactory.create()
    key = add_totp(staff)
    show_password(client, staff)
    page = client.get(STEP).content.decode()
    client.post(STEP, {"method": "totp", "code": code_of(key), "trust": "on"})
    client.post(reverse("accounts:sign-out"))
    KnownDevice.objects.update(trusted_until=timezone.now() + dt.timedelta(days=30))

    assert 'name="trust"' not in page
    assert show_password(client, staff) == STEP


def test_every_way_that_is_open_is_offered(client: Client, user: User) -> None:
    add_totp(user)
    add_passkey(user)
    add_sheet(user)
    add_message_codes(user, CodeChannel.EMAIL)
    add_message_codes(user, CodeChannel.SMS)  # no gateway is set up: not offered
    show_password(client, user)

    page = client.get(STEP).content.decode()

    assert re.findall(r"\?method=(\w+)", page) == ["passkey", "email_code", "recovery_code"]
    assert "Authenticator app" in page


def test_code_by_email_signs_in(client: Client, user: User) -> None:
    add_totp(user)
    add_message_codes(user, CodeChannel.EMAIL)
    show_password(client, user)

    sent = client.post(STEP, {"method": "email_code", "send": "1"}, follow=True)
    client.post(STEP, {"method": "email_code", "code": code_in(letter_to(user.email))})

    assert "Send another code" in sent.content.decode()
    assert is_signed_in(client)


def test_code_by_email_works_in_the_browser_that_asked_alone(client: Client, user: User) -> None:
    add_totp(user)
    add_message_codes(user, CodeChannel.EMAIL)
    other = Client()
    show_password(client, user)
    show_password(other, user)
    client.post(STEP, {"method": "email_code", "send": "1"})

    answer = other.post(STEP, {"method": "email_code", "code": code_in(letter_to(user.email))})

    assert answer.status_code == 400
    assert not is_signed_in(other)


def test_second_code_at_once_is_not_sent(client: Client, user: User) -> None:
    add_totp(user)
    add_message_codes(user, CodeChannel.EMAIL)
    show_password(client, user)
    client.post(STEP, {"method": "email_code", "send": "1"})

    page = client.post(STEP, {"method": "email_code", "send": "1"}, follow=True).content.decode()

    assert "Too many tries" in page
    assert Proof.objects.count() == 1


@pytest.mark.parametrize("method", ["sms_code", "email_code", "passkey", "nonsense", ""])
def test_way_that_is_not_open_cannot_be_chosen(client: Client, user: User, method: str) -> None:
    """What is chosen falls back to what there is, and a code for it counts as one of that."""
    key = add_totp(user)
    show_password(client, user)

    client.post(STEP, {"method": method, "code": wrong_code(key)})

    assert AuditEntry.objects.get(action=AuditAction.FACTOR_FAILED).after == {"factor": factors.TOTP}


def test_next_stays_on_this_site(client: Client, user: User) -> None:
    key = add_totp(user)
    show_password(client, user, next="https://evil.example/")

    answer = client.post(STEP, {"method": "totp", "code": code_of(key), "next": "https://evil.example/"})

    assert answer["Location"] == reverse("verifications:order-new")


def test_completing_with_nobody_pending_signs_nobody_in(client: Client) -> None:
    request: HttpRequest = RequestFactory().post("/")
    request.session = client.session

    assert second_step.complete(request, method="totp") == reverse("accounts:sign-in")
