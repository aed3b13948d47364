"""Showing again who one is, before sensitive acts."""

from __future__ import annotations

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import step_up
from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, Session, SignInGuard, User
from accounts.sessions import digest
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.second_factors import add_sheet, add_totp, code_of, wrong_code
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
CONFIRM, PAGE = "/accounts/confirm/", "/settings/security/authenticator/"


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def stale(client: Client, user: User) -> None:
    sign_in(client, user, verified=False, fresh=False)


def confirmed_page(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def test_page_is_shown_after_the_password(client: Client, user: User) -> None:
    stale(client, user)

    asked = client.get(f"{PAGE}?a=b")
    answer = client.post(CONFIRM, {"password": PASSWORD, "next": f"{PAGE}?a=b"})

    assert asked["Location"] == f"{CONFIRM}?next=%2Fsettings%2Fsecurity%2Fauthenticator%2F%3Fa%3Db"
    assert answer["Location"] == f"{PAGE}?a=b"
    assert confirmed_page(client)
    assert AuditEntry.objects.get(action=AuditAction.STEPPED_UP).after == {"method": "password"}


def test_signing_in_just_now_is_enough(client: Client, user: User) -> None:
    client.post(reverse("accounts:sign-in"), {"email": user.email, "password": PASSWORD})

    assert confirmed_page(client)


def test_it_holds_for_ten_minutes(client: Client, user: User, settings: Settings) -> None:
    stale(client, user)
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        client.post(CONFIRM, {"password": PASSWORD})
    with time_machine.travel(now + dt.timedelta(seconds=599), tick=False):
        assert confirmed_page(client)
    with time_machine.travel(now + dt.timedelta(seconds=600), tick=False):
        assert not confirmed_page(client)


def test_it_holds_in_this_session_alone(client: Client, user: User) -> None:
    other = Client()
    stale(client, user)
    stale(other, user)

    client.post(CONFIRM, {"password": PASSWORD})

    assert (confirmed_page(client), confirmed_page(other)) == (True, False)


def test_session_goes_on_under_a_new_key(client: Client, user: User) -> None:
    stale(client, user)
    before = client.session.session_key or ""

    client.post(CONFIRM, {"password": PASSWORD})

    assert client.session.session_key != before
    assert not Session.objects.filter(pk=digest(before)).exists()


def test_wrong_password_is_said_counted_and_noted(client: Client, user: User) -> None:
    stale(client, user)

    answer = client.post(CONFIRM, {"password": "wrong"})

    assert answer.status_code == 400
    assert "This password is not right." in answer.content.decode()
    assert not confirmed_page(client)
    assert AuditEntry.objects.filter(action=AuditAction.STEP_UP_FAILED, subject_id=user.pk).count() == 1
    assert SignInGuard.objects.get().failures == 1


def test_guessing_the_password_is_locked(client: Client, user: User) -> None:
    stale(client, user)
    for _ in range(10):
        client.post(CONFIRM, {"password": "wrong"})

    answer = client.post(CONFIRM, {"password": PASSWORD})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 60
    assert not confirmed_page(client)


def test_with_a_factor_the_password_is_not_asked(client: Client, user: User) -> None:
    key = add_totp(user)
    stale(client, user)

    page = client.get(CONFIRM).content.decode()
    by_password = client.post(CONFIRM, {"password": PASSWORD})
    by_code = client.post(CONFIRM, {"method": "totp", "code": code_of(key)})

    assert 'name="password"' not in page
    assert by_password.status_code == 400
    assert by_code["Location"] == reverse("settings:security")
    assert confirmed_page(client)
    row = Session.objects.get(pk=digest(client.session.session_key or ""))
    assert row.verified_at is not None


def test_wrong_code_confirms_nothing(client: Client, user: User) -> None:
    key = add_totp(user)
    stale(client, user)

    assert client.post(CONFIRM, {"method": "totp", "code": wrong_code(key)}).status_code == 400
    assert not confirmed_page(client)


def test_recovery_code_confirms(client: Client, user: User) -> None:
    add_totp(user)
    codes = add_sheet(user)
    stale(client, user)

    client.post(CONFIRM, {"method": "recovery_code", "code": codes[3]})

    assert confirmed_page(client)


def test_visitors_sign_in_first(client: Client) -> None:
    assert client.get(CONFIRM)["Location"].startswith(reverse("accounts:sign-in"))
    assert client.get(PAGE)["Location"].startswith(reverse("accounts:sign-in"))


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil"]
)
def test_next_stays_on_this_site(client: Client, user: User, url: str) -> None:
    stale(client, user)

    assert client.post(CONFIRM, {"password": PASSWORD, "next": url})["Location"] == reverse(
        "settings:security"
    )


def test_form_sent_too_late_changes_nothing_and_leads_back(client: Client, user: User) -> None:
    stale(client, user)

    answer = client.post(
        "/settings/security/recovery-codes/", {"renew": "1"}, HTTP_REFERER=f"http://testserver{PAGE}"
    )

    target = urlsplit(answer["Location"])
    assert (target.path, parse_qs(target.query)) == (CONFIRM, {"next": [PAGE]})
    assert "Nothing was changed yet" in client.get(CONFIRM).content.decode()


def test_referer_of_another_site_is_not_followed(client: Client, user: User) -> None:
    stale(client, user)

    answer = client.post(PAGE, {"code": "1"}, HTTP_REFERER="https://evil.example/x")

    assert parse_qs(urlsplit(answer["Location"]).query) == {"next": [PAGE]}


def test_script_is_told_where_to_confirm(client: Client, user: User) -> None:
    stale(client, user)

    answer = client.post("/settings/security/passkeys/options/", "{}", content_type="application/json")

    assert answer.status_code == 403
    assert json.loads(answer.content)["confirm"].startswith(CONFIRM)


def test_refund_is_asked_for_after_confirming(client: Client, user: User) -> None:
    stale(client, user)

    assert client.get(reverse("billing:refund-new"))["Location"].startswith(CONFIRM)


def test_twin_without_the_question_lets_everybody_in(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_up, "is_fresh", lambda request: True)
    stale(client, user)

    assert confirmed_page(client)


def test_decorated_view_never_runs_unconfirmed(client: Client, user: User) -> None:
    ran = []

    @step_up.step_up_required
    def view(request: HttpRequest) -> HttpResponse:
        ran.append(request)
        return HttpResponse()

    stale(client, user)
    request = client.get(reverse("settings:profile")).wsgi_request

    assert view(request).status_code == 302
    assert ran == []
