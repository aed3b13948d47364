"""Guessing without end: passwords from many addresses, codes of every kind, and getting around the counting."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.enums import CodeChannel
from accounts.models import User
from accounts.models.factors import TotpDevice
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import code_in, letter_to, other_than
from tests.factories.second_factors import add_message_codes, add_sheet, add_totp, code_of, wrong_code
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
SIGN_IN, STEP, CONFIRM = "/accounts/sign-in/", "/accounts/sign-in/second-factor/", "/accounts/confirm/"
WRONG_SHEET_CODE = "ABCD-ABCD-ABCD-ABCD"


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def opened(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


def test_password_is_closed_after_ten_guesses_from_wherever(user: User) -> None:
    answers = [
        Client().post(
            SIGN_IN,
            {"email": user.email, "password": f"guess {number}"},
            REMOTE_ADDR=f"198.51.100.{number}",
        )
        for number in range(20)
    ]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 10
    right = Client()
    right.post(SIGN_IN, {"email": user.email, "password": PASSWORD}, REMOTE_ADDR="203.0.113.9")
    assert not opened(right)


def test_one_address_cannot_try_one_password_on_everybody(settings: Settings) -> None:
    settings.SIGN_IN_RATE = "5/m"

    answers = [
        Client()
        .post(SIGN_IN, {"email": f"somebody{number}@example.com", "password": "spring 2026"})
        .status_code
        for number in range(8)
    ]

    assert answers == [200] * 5 + [429] * 3


@pytest.mark.parametrize(
    "header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_CLIENT_IP"]
)
def test_forged_addresses_do_not_begin_the_count_anew(settings: Settings, header: str) -> None:
    settings.SIGN_IN_RATE = "5/m"

    answers = [_from(header, number) for number in range(8)]

    assert answers == [200] * 5 + [429] * 3


def test_twin_that_believes_whoever_connects_is_got_around(settings: Settings) -> None:
    settings.SIGN_IN_RATE = "5/m"
    settings.TRUSTED_PROXIES = ["0.0.0.0/0"]

    assert [_from("HTTP_X_FORWARDED_FOR", number) for number in range(8)] == [200] * 8


def _from(header: str, number: int) -> int:
    """Another account each time, and another address that the client says it has."""
    form = {"email": f"somebody{number}@example.com", "password": "spring 2026"}
    return Client().post(SIGN_IN, form, **{header: f"198.51.100.{number}"}).status_code  # type: ignore[arg-type]


def test_app_is_guessed_a_few_times_an_hour(client: Client, user: User, settings: Settings) -> None:
    """Each wrong code doubles the pause; what comes in it is not looked at."""
    settings.SECOND_STEP_RATE = "100000/m"
    key = add_totp(user)
    client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})

    start = timezone.now()
    with time_machine.travel(start, tick=False) as traveller:
        for _second in range(300):
            traveller.shift(1)
            client.post(STEP, {"method": "totp", "code": wrong_code(key)})
        looked_at = TotpDevice.objects.get(user=user).throttling_failure_count

    assert 3 < looked_at < 10


def test_recovery_codes_are_guessed_a_few_times_an_hour(
    client: Client, user: User, settings: Settings
) -> None:
    settings.SECOND_STEP_RATE = "100000/m"
    add_totp(user)
    codes = add_sheet(user)
    client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})

    for _guess in range(20):
        client.post(STEP, {"method": "recovery_code", "code": WRONG_SHEET_CODE})
    answer = client.post(STEP, {"method": "recovery_code", "code": codes[0]})

    assert answer.status_code == 429
    assert not opened(client)


def test_code_by_email_has_five_tries(client: Client, user: User) -> None:
    add_totp(user)
    add_message_codes(user, CodeChannel.EMAIL)
    client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    client.post(STEP, {"method": "email_code", "send": "1"})
    code = code_in(letter_to(user.email))

    with time_machine.travel(timezone.now(), tick=False) as traveller:
        for _guess in range(5):
            traveller.shift(60)
            client.post(STEP, {"method": "email_code", "code": other_than(code)})
        traveller.shift(60)
        client.post(STEP, {"method": "email_code", "code": code})

    assert not opened(client)


def test_confirming_is_closed_like_signing_in(client: Client, user: User) -> None:
    sign_in(client, user, verified=False, fresh=False)

    answers = [client.post(CONFIRM, {"password": f"guess {number}"}).status_code for number in range(12)]

    assert answers[-1] == 429
    assert client.post(CONFIRM, {"password": PASSWORD}).status_code == 429


def test_twin_without_a_pause_looks_at_every_guess(
    client: Client, user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECOND_STEP_RATE = "100000/m"
    key = add_totp(user)
    monkeypatch.setattr(TotpDevice, "seconds_to_wait", lambda self: 0)
    client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})

    for _guess in range(20):
        client.post(STEP, {"method": "totp", "code": wrong_code(key)})

    assert TotpDevice.objects.get(user=user).throttling_failure_count == 20
    client.post(STEP, {"method": "totp", "code": code_of(key)})
    assert opened(client)
