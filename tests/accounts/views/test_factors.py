"""The settings' pages about second factors."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import CodeDevice, KnownDevice, RecoveryCode, Session, TotpDevice, User
from accounts.services import factors, recovery_codes
from accounts.services.proofs import WrongCode
from accounts.sessions import digest
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.letters import letter_to
from tests.factories.second_factors import add_sheet, add_totp, code_of, wrong_code
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
APP, CODES = "/settings/security/authenticator/", "/settings/security/recovery-codes/"
FILE = f"{CODES}download/"


@pytest.fixture
def user() -> User:
    return UserFactory.create()


@pytest.fixture
def own(client: Client, user: User) -> Client:
    sign_in(client, user, verified=False)
    return client


def key_of(client: Client) -> str:
    """What the page says for people without a camera."""
    found = re.search(r'data-testid="authenticator-key">([A-Z2-7 ]+)<', client.get(APP).content.decode())
    assert found
    return found[1].replace(" ", "")


def enrol(client: Client) -> str:
    key = key_of(client)
    answer = client.post(APP, {"code": code_of(key)})
    assert answer["Location"] == CODES
    return key


def shown(client: Client) -> list[str]:
    return re.findall(r"<li>((?:[A-Z0-9]{4}-){3}[A-Z0-9]{4})</li>", client.get(CODES).content.decode())


def test_authenticator_is_set_up_with_a_computed_code(own: Client, user: User) -> None:
    page = own.get(APP).content.decode()
    key = enrol(own)

    assert page.count("<svg") > 1
    assert " style=" not in page
    assert TotpDevice.objects.filter(user=user, confirmed=True).count() == 1
    assert "On" in own.get(APP).content.decode()
    assert key not in own.get(APP).content.decode()


def test_key_stays_the_same_until_it_is_used(own: Client) -> None:
    assert key_of(own) == key_of(own)


def test_key_is_sealed_in_the_session(own: Client) -> None:
    key = key_of(own)

    assert key not in str(dict(own.session.items()))


def test_wrong_code_sets_nothing_up(own: Client, user: User) -> None:
    answer = own.post(APP, {"code": wrong_code(key_of(own))})

    assert answer.status_code == 400
    assert not factors.has_second_factor(user.pk)


def test_code_of_another_browsers_key_sets_nothing_up(own: Client, user: User) -> None:
    other = Client()
    sign_in(other, user)
    key = key_of(other)
    key_of(own)

    assert own.post(APP, {"code": code_of(key)}).status_code == 400


def test_first_factor_ends_other_sessions_and_rotates_this_one(own: Client, user: User) -> None:
    other = Client()
    sign_in(other, user)
    before = own.session.session_key

    enrol(own)

    assert other.get(reverse("settings:profile")).status_code == 302
    assert own.session.session_key != before
    assert own.get(reverse("settings:profile")).status_code == 200
    assert Session.objects.get(pk=digest(own.session.session_key or "")).verified_at is not None


def test_sheet_is_shown_until_it_is_put_away(own: Client) -> None:
    enrol(own)

    codes = shown(own)
    saved = own.get(FILE)
    own.post(CODES, {"kept": "1"})

    assert len(set(codes)) == 10
    assert saved["Content-Type"] == "text/plain; charset=utf-8"
    assert "attachment" in saved["Content-Disposition"]
    assert [line for line in saved.content.decode().split("\n") if line.count("-") == 3] == codes
    assert shown(own) == []
    assert own.get(FILE)["Location"] == CODES


def test_sheet_is_gone_after_ten_minutes(own: Client) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        enrol(own)
        assert shown(own) != []
    with time_machine.travel(now + dt.timedelta(seconds=599), tick=False):
        assert shown(own) != []
    with time_machine.travel(now + dt.timedelta(seconds=601), tick=False):
        sign_in(own, User.objects.get())
        assert shown(own) == []


def test_codes_are_nowhere_in_clear(own: Client, user: User) -> None:
    enrol(own)
    code = shown(own)[0]

    kept = str(dict(own.session.items())) + str(list(RecoveryCode.objects.values()))

    assert code not in kept
    assert code.replace("-", "") not in kept


def test_new_sheet_replaces_the_old_one(own: Client, user: User) -> None:
    add_totp(user)
    old = add_sheet(user)

    own.post(CODES, {"renew": "1"})
    new = shown(own)

    assert set(old).isdisjoint(new)
    recovery_codes.verify(user=user, code=new[0])
    with pytest.raises(WrongCode):
        recovery_codes.verify(user=user, code=old[0])


def test_sheet_takes_a_factor(own: Client) -> None:
    page = own.post(CODES, {"renew": "1"}, follow=True).content.decode()

    assert "First set up" in page
    assert shown(own) == []


def test_other_people_never_see_a_sheet(own: Client) -> None:
    enrol(own)
    other = Client()
    sign_in(other, UserFactory.create())

    assert shown(other) == []
    assert other.get(FILE).status_code == 302


def test_removing_the_app_forgets_trust(own: Client, user: User) -> None:
    add_totp(user)
    KnownDevice.objects.create(user=user, token_hash="t", trusted_until=timezone.now() + dt.timedelta(days=1))

    own.post(APP, {"remove": "1"})

    assert not factors.has_second_factor(user.pk)
    assert KnownDevice.objects.get(user=user).trusted_until is None


def test_staff_cannot_remove_their_only_factor(client: Client) -> None:
    staff = StaffFactory.create()
    add_totp(staff)
    sign_in(client, staff)

    page = client.post(APP, {"remove": "1"}, follow=True).content.decode()

    assert factors.has_second_factor(staff.pk)
    assert 'name="remove"' not in page


def test_staff_goes_on_to_the_console(client: Client) -> None:
    staff = StaffFactory.create()
    sign_in(client, staff, verified=False)
    enrol(client)

    assert client.post(CODES, {"kept": "1"})["Location"] == reverse("admin:index")
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("path", [APP, CODES, FILE, "/settings/security/codes-by-message/"])
def test_pages_are_for_who_has_just_shown_who_they_are(client: Client, user: User, path: str) -> None:
    assert client.get(path)["Location"].startswith("/accounts/sign-in/")

    sign_in(client, user, fresh=False)
    assert client.get(path)["Location"].startswith("/accounts/confirm/")
    assert client.post(path, {"remove": "1"}).status_code in (302, 405)


# --- codes by message -------------------------------------------------------------------------------------------------
MESSAGES = "/settings/security/codes-by-message/"


def test_codes_by_email_are_turned_on_and_off(own: Client, user: User) -> None:
    add_totp(user)

    own.post(MESSAGES, {"email_on": "1"})
    on = factors.methods_of(user.pk).email_code
    own.post(MESSAGES, {"email_off": "1"})

    assert (on, factors.methods_of(user.pk).email_code) == (True, False)


def test_codes_by_message_take_a_factor(own: Client, user: User) -> None:
    page = own.post(MESSAGES, {"email_on": "1"}, follow=True).content.decode()

    assert "First set up" in page
    assert not CodeDevice.objects.exists()


def test_codes_by_email_take_a_confirmed_address(own: Client, user: User) -> None:
    add_totp(user)
    User.objects.update(email_verified_at=None)

    own.post(MESSAGES, {"email_on": "1"})

    assert not CodeDevice.objects.exists()


def test_staff_gets_no_codes_by_message(client: Client) -> None:
    staff = StaffFactory.create()
    add_totp(staff)
    sign_in(client, staff)

    page = client.post(MESSAGES, {"email_on": "1"}, follow=True).content.decode()

    assert not CodeDevice.objects.exists()
    assert "Staff signs in with" in page


def test_without_a_gateway_sms_is_not_offered(own: Client, user: User) -> None:
    add_totp(user)

    page = own.get(MESSAGES).content.decode()
    own.post(MESSAGES, {"phone": "+2348031234567"})

    assert "By SMS" not in page
    assert not CodeDevice.objects.exists()


def test_turning_codes_on_is_told(own: Client, user: User) -> None:
    add_totp(user)
    own.post(MESSAGES, {"email_on": "1"})

    assert "codes by e-mail" in str(letter_to(user.email).body)


@pytest.mark.parametrize(
    "data", [{}, {"nonsense": "1"}, {"code": "123456"}, {"code": ""}, {"phone": "x"}], ids=range(5)
)
def test_nonsense_changes_nothing(own: Client, user: User, data: dict[str, str]) -> None:
    add_totp(user)

    assert own.post(MESSAGES, data).status_code in (200, 302, 400)
    assert not CodeDevice.objects.exists()
