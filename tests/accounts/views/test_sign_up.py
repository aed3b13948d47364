"""Signing up: the same answer for every address, and an account when the address is proved."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import throttle
from accounts.models import AuditEntry, Consent, Proof, User
from billing.models import Account
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import code_in, deliver, letter_to, link_in, other_than
from tests.namaskah.log_lines import log_lines

pytestmark = pytest.mark.django_db

SIGN_UP, VERIFY, RESEND = "/accounts/sign-up/", "/accounts/verify-email/", "/accounts/verify-email/resend/"
HOME = "/verifications/new/"
EMAIL = "ann@example.com"


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()
    throttle._own_counts.clear()


def sign_up(client: Client, email: str = EMAIL, **more: str) -> None:
    answer = client.post(SIGN_UP, {"email": email, "password": PASSWORD, **more})
    assert (answer.status_code, answer["Location"]) == (302, VERIFY)


def is_signed_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def words(page: bytes) -> str:
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<head>.*?</head>", "", page.decode(), flags=re.DOTALL))
    return " ".join(text.split())


def test_code_makes_the_account_and_begins_a_session(client: Client) -> None:
    sign_up(client, "Ann@EXAMPLE.com")
    assert User.objects.count() == 0
    assert not is_signed_in(client)

    answer = client.post(VERIFY, {"code": code_in(letter_to("Ann@example.com"))})

    user = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert (user.email, user.is_staff, user.role_id) == ("Ann@example.com", False, "customer")
    assert user.email_verified_at is not None
    assert user.check_password(PASSWORD)
    assert client.session[SESSION_KEY] == str(user.pk)
    assert Account.objects.filter(user=user).count() == 1
    consents = Consent.objects.filter(user=user, is_given=True, place="sign-up")
    assert {consent.document for consent in consents} == {"terms", "privacy"}
    assert AuditEntry.objects.filter(action="account.signed_up", subject_id=user.pk).count() == 1


def test_no_other_field_is_taken(client: Client) -> None:
    more = {
        "is_staff": "1",
        "role": "administrator",
        "role_id": "administrator",
        "state": "banned",
        "id": "7",
    }
    sign_up(client, EMAIL, email_verified_at="2020-01-01", session_epoch="9", **more)

    client.post(VERIFY, {"code": code_in(letter_to(EMAIL)), **more})

    user = User.objects.get()
    assert (user.is_staff, user.role_id, user.state, user.session_epoch) == (False, "customer", "active", 0)


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("not an address", PASSWORD, "email"),
        ("", PASSWORD, "email"),
        ("new@example.com", "short", "password"),
        ("new@example.com", "password123", "password"),
        ("new@example.com", "12345678901234", "password"),
        ("new@example.com", "qwertyuiopqwertyuiop", "password"),
        ("somebody.new@example.com", "somebody.new", "password"),
        ("new@example.com", "", "password"),
        ("new@example.com", "x" * 257, "password"),
        ("nul\x00@example.com", PASSWORD, "email"),
    ],
)
def test_what_is_wrong_stands_beside_the_field(client: Client, email: str, password: str, field: str) -> None:
    answer = client.post(SIGN_UP, {"email": email, "password": password})

    page = answer.content.decode()
    control = re.search(rf'<input[^>]*name="{field}"[^>]*>', page)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert control
    assert 'aria-invalid="true"' in control.group()
    described_by = re.search(r'aria-describedby="([^"]+)"', control.group())
    assert described_by
    assert all(f'id="{each}"' in page for each in described_by.group(1).split())
    assert Proof.objects.count() == 0
    assert f'value="{password}"' not in page or password == ""


@pytest.mark.parametrize("taken", ["ann@example.com", "ANN@example.COM"])
def test_taken_address_gets_the_same_pages_and_its_owner_a_letter(client: Client, taken: str) -> None:
    UserFactory.create(email=EMAIL)
    fresh = Client()

    sign_up(fresh, "new@example.com")
    sign_up(client, taken)
    letters = {letter.to[0]: str(letter.subject) for letter in deliver()}

    normal = taken.partition("@")[0] + "@example.com"
    pages = [
        words(each.get(VERIFY).content).replace(email, "ADDRESS")
        for each, email in ((fresh, "new@example.com"), (client, normal))
    ]
    wrong = [
        words(each.post(VERIFY, {"code": "000000"}).content).replace(email, "ADDRESS")
        for each, email in ((fresh, "new@example.com"), (client, normal))
    ]
    again = [
        words(each.post(RESEND, follow=True).content).replace(email, "ADDRESS")
        for each, email in ((fresh, "new@example.com"), (client, normal))
    ]
    assert pages[0] == pages[1]
    assert wrong[0] == wrong[1]
    assert again[0] == again[1]
    assert letters[EMAIL] == "You already have an account"
    assert letters["new@example.com"] == "Your code for Namaskah SMS"
    assert User.objects.count() == 1


def test_wrong_code_five_times_and_the_right_one_is_worth_nothing(client: Client) -> None:
    sign_up(client)
    code = code_in(letter_to(EMAIL))

    said = [words(client.post(VERIFY, {"code": other_than(code)}).content) for _ in range(5)]
    last = client.post(VERIFY, {"code": code})

    assert all("This code is not right" in page for page in said[:4])
    assert "no longer valid" in said[4]
    assert "no longer valid" in words(last.content)
    assert User.objects.count() == 0
    assert [b'name="code"' in client.get(VERIFY).content, "Send a new code" in said[4]] == [False, True]


def test_field_for_a_code_is_back_with_the_next_message(client: Client) -> None:
    sign_up(client)
    code = code_in(letter_to(EMAIL))
    for _ in range(5):
        client.post(VERIFY, {"code": other_than(code)})

    with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
        page = client.post(RESEND, follow=True).content
        answer = client.post(VERIFY, {"code": code_in(letter_to(EMAIL))})

    assert b'name="code"' in page
    assert answer.status_code == 302


@pytest.mark.parametrize("typed", ["12345", "1234567", "abcdef", "", "１２３４５６", "12345\x00"])
def test_what_is_no_code_costs_no_try(client: Client, typed: str) -> None:
    sign_up(client)
    code = code_in(letter_to(EMAIL))

    for _ in range(6):
        answer = client.post(VERIFY, {"code": typed})

    assert list(answer.context["form"].errors) == ["code"]
    assert client.post(VERIFY, {"code": f" {code[:3]} {code[3:]} "}).status_code == 302


def test_code_of_another_browsers_sign_up_does_not_fit(client: Client) -> None:
    sign_up(client)
    code = code_in(letter_to(EMAIL))
    other = Client()
    sign_up(other, "bob@example.com")

    answer = other.post(VERIFY, {"code": code})

    assert "This code is not right" in answer.content.decode()
    assert User.objects.count() == 0


def test_code_works_once_and_for_a_day(client: Client) -> None:
    sign_up(client)
    code = code_in(letter_to(EMAIL))
    with time_machine.travel(timezone.now() + dt.timedelta(hours=24, seconds=1)):
        late = client.post(VERIFY, {"code": code})
    assert "no longer valid" in late.content.decode()

    assert client.post(VERIFY, {"code": code}).status_code == 302
    again = Client()
    again.cookies = client.cookies
    client.post("/accounts/sign-out/")
    assert User.objects.count() == 1
    assert Proof.objects.get().used_at is not None


def test_who_has_signed_up_nowhere_is_sent_to_sign_up(client: Client) -> None:
    assert client.get(VERIFY)["Location"] == SIGN_UP
    assert client.post(VERIFY, {"code": "123456"})["Location"] == SIGN_UP
    assert client.post(RESEND)["Location"] == VERIFY


# --- the link ---------------------------------------------------------------------------------------------------------


def test_link_opened_by_a_mail_scanner_uses_nothing_up(client: Client) -> None:
    sign_up(client)
    path = link_in(letter_to(EMAIL))

    for _ in range(3):
        page = Client().get(path)
        Client().head(path)

    assert page.status_code == 200
    assert EMAIL in page.content.decode()
    assert User.objects.count() == 0
    assert client.post(path).status_code == 302
    assert User.objects.count() == 1


def test_link_in_another_browser_asks_for_the_chosen_password(client: Client) -> None:
    sign_up(client, next="/wallet/")
    path = link_in(letter_to(EMAIL))
    other = Client()

    wrong = other.post(path, {"password": "another password"})
    nothing = other.post(path, {})
    right = other.post(path, {"password": PASSWORD})

    assert "not the password chosen at sign-up" in wrong.content.decode()
    assert list(nothing.context["form"].errors) == ["password"]
    assert (right.status_code, right["Location"]) == (302, "/wallet/")
    assert is_signed_in(other)


def test_sign_up_by_somebody_else_with_my_address_gives_me_and_them_nothing(client: Client) -> None:
    sign_up(client)
    letter = letter_to(EMAIL)
    mine = Client()

    page = mine.post(link_in(letter), {"password": "what I would choose"})

    assert User.objects.count() == 0
    assert not is_signed_in(mine)
    assert page.status_code == 200


def test_used_link_says_so(client: Client) -> None:
    sign_up(client)
    path = link_in(letter_to(EMAIL))
    client.post(path)

    assert "This link no longer works" in Client().get(path).content.decode()
    assert "This link no longer works" in Client().post(path, {"password": PASSWORD}).content.decode()
    assert "This link no longer works" in Client().get("/accounts/verify-email/made-up/").content.decode()


def test_first_proved_sign_up_wins_and_the_other_is_told(client: Client) -> None:
    sign_up(client)
    mine = code_in(letter_to(EMAIL))
    other = Client()
    sign_up(other)
    theirs = code_in(letter_to(EMAIL))

    other.post(VERIFY, {"code": theirs})
    answer = client.post(VERIFY, {"code": mine}, follow=True)

    assert "This address has its account by now" in answer.content.decode()
    assert User.objects.count() == 1
    assert not is_signed_in(client)


# --- another message --------------------------------------------------------------------------------------------------


def test_another_message_comes_after_a_minute_and_makes_the_first_code_worthless(client: Client) -> None:
    sign_up(client)
    first = code_in(letter_to(EMAIL))

    early = client.post(RESEND, follow=True).content.decode()
    assert deliver() == []
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
        later = client.post(RESEND, follow=True).content.decode()
        second = code_in(letter_to(EMAIL))

    assert "Another message can be sent in" in early
    assert "Another message is on its way" in later
    if first != second:
        assert "not right" in client.post(VERIFY, {"code": first}).content.decode()
    assert client.post(VERIFY, {"code": second}).status_code == 302


def test_no_more_than_five_messages(client: Client) -> None:
    sign_up(client)
    start, sent = timezone.now(), len(deliver())

    for number in range(1, 8):
        with time_machine.travel(start + dt.timedelta(minutes=2 * number)):
            page = client.post(RESEND, follow=True).content.decode()
            sent += len(deliver())

    assert sent == 5
    assert "No further message can be sent" in page


def test_secrets_stand_nowhere_but_in_the_letter(client: Client) -> None:
    with log_lines() as lines:
        sign_up(client)
        letter = letter_to(EMAIL)
        code, token = code_in(letter), link_in(letter).split("/")[-2]
        client.get(link_in(letter))
        client.post(VERIFY, {"code": other_than(code)})

    kept = str(list(Proof.objects.values())) + str(client.session.items())

    assert token not in kept
    assert f"'{code}'" not in kept
    assert PASSWORD not in kept
    assert "argon2" not in kept
    assert "md5" not in kept
    assert lines.named("Request")
    assert all(secret not in lines.raw for secret in (token, code, PASSWORD, EMAIL))


# --- an account without proof -----------------------------------------------------------------------------------------


def test_person_without_proof_asks_for_a_code_and_goes_on_where_they_were(client: Client) -> None:
    user = UserFactory.create(email=EMAIL, email_verified_at=None)
    client.force_login(user)

    page = client.get(VERIFY, {"next": "/wallet/"}).content.decode()
    sent = client.post(RESEND, {"next": "/wallet/"})
    code = code_in(letter_to(EMAIL))
    answer = client.post(VERIFY, {"code": code, "next": "/wallet/"})

    assert "Send the code" in page
    assert sent["Location"] == "/accounts/verify-email/?next=%2Fwallet%2F"
    assert answer["Location"] == "/wallet/"
    user.refresh_from_db()
    assert user.email_verified_at is not None
    assert AuditEntry.objects.filter(action="account.email_verified", subject_id=user.pk).count() == 1


def test_link_confirms_in_any_browser_by_a_press(client: Client) -> None:
    user = UserFactory.create(email=EMAIL, email_verified_at=None)
    client.force_login(user)
    client.post(RESEND)
    path = link_in(letter_to(EMAIL))
    other = Client()

    other.get(path)
    assert User.objects.filter(email_verified_at=None).count() == 1
    other.post(path)

    assert User.objects.filter(email_verified_at=None).count() == 0
    assert not is_signed_in(other)


def test_proved_person_has_nothing_to_do_there(client: Client) -> None:
    client.force_login(UserFactory.create())

    assert client.get(VERIFY)["Location"] == HOME


# --- limits -----------------------------------------------------------------------------------------------------------


def test_one_address_is_written_to_no_oftener_than_allowed_whoever_asks(settings: Settings) -> None:
    settings.SIGN_UP_RATE = "2/h"
    for number in range(2):
        data = {"email": EMAIL, "password": PASSWORD}
        assert Client().post(SIGN_UP, data, REMOTE_ADDR=f"192.0.2.{number}").status_code == 302

    answer = Client().post(SIGN_UP, {"email": EMAIL.upper(), "password": PASSWORD}, REMOTE_ADDR="192.0.2.9")

    assert answer.status_code == 429
    assert len(deliver()) == 2


def test_codes_cannot_be_tried_without_end(client: Client, settings: Settings) -> None:
    settings.CODE_RATE = "3/h"
    sign_up(client)
    deliver()

    answers = [client.post(VERIFY, {"code": "000000"}).status_code for _ in range(4)]

    assert answers == [200, 200, 200, 429]
