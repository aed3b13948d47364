"""Authenticator apps: enrolment by a computed code, each code once, guessing slowed down."""

from __future__ import annotations

import base64

import pytest
import time_machine
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import CodeChannel
from accounts.exceptions import FactorPresent, LastFactor, TooManyTries
from accounts.models import (
    AuditEntry,
    CodeDevice,
    KnownDevice,
    OutgoingEmail,
    RecoveryCode,
    RecoveryDevice,
    TotpDevice,
    User,
)
from accounts.models import factors as models
from accounts.services import totp
from accounts.services.proofs import WrongCode
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.second_factors import (
    add_message_codes,
    add_passkey,
    add_sheet,
    add_totp,
    code_of,
    wrong_code,
)

pytestmark = pytest.mark.django_db
# RFC 6238, appendix B, SHA-1, cut to six digits.
RFC_KEY = base64.b32encode(b"12345678901234567890").decode()


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def actions(user: User) -> list[str]:
    return list(AuditEntry.objects.filter(subject_id=user.pk).order_by("pk").values_list("action", flat=True))


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")],
    ids=["59", "2005", "2603"],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    with time_machine.travel(at, tick=False):
        assert models.matching_step(base64.b32decode(RFC_KEY), code, after=-1) == at // 30


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clock_may_be_half_a_minute_off(user: User, steps: int, is_right: bool) -> None:
    key = add_totp(user)

    with time_machine.travel(1_800_000_010, tick=False):
        code = code_of(key, steps=steps)
        found = models.matching_step(base64.b32decode(key), code, after=-1)

    assert (found is not None) == is_right


def test_enrolment_takes_a_code_and_gives_a_sheet(user: User) -> None:
    KnownDevice.objects.create(user=user, token_hash="t", trusted_until=timezone.now())
    key = totp.new_key()

    codes = totp.enrol(user=user, key=key, code=code_of(key))

    device = TotpDevice.objects.get(user=user)
    assert len(set(codes)) == 10
    assert (device.confirmed, key in device.sealed_key) == (True, False)
    assert actions(user) == [AuditAction.FACTOR_ADDED, AuditAction.RECOVERY_CODES_MADE]
    assert OutgoingEmail.objects.get(user=user).template == "factor_added"
    assert KnownDevice.objects.get(user=user).trusted_until is None


def test_enrolment_with_a_wrong_code_changes_nothing(user: User) -> None:
    key = totp.new_key()

    with pytest.raises(WrongCode):
        totp.enrol(user=user, key=key, code=wrong_code(key))

    assert not TotpDevice.objects.filter(user=user).exists()
    assert actions(user) == []


def test_code_of_the_enrolment_does_not_sign_in(user: User) -> None:
    key = totp.new_key()
    code = code_of(key)
    totp.enrol(user=user, key=key, code=code)

    with pytest.raises(WrongCode):
        totp.verify(user=user, code=code)


def test_second_app_is_refused_and_second_factor_makes_no_sheet(user: User) -> None:
    add_passkey(user)
    add_sheet(user)
    key = totp.new_key()

    assert totp.enrol(user=user, key=key, code=code_of(key)) == []
    with pytest.raises(FactorPresent):
        totp.enrol(user=user, key=key, code=code_of(key))


def test_code_works_once(user: User) -> None:
    key = add_totp(user)
    with time_machine.travel(1_800_000_010, tick=False):
        code = code_of(key)
        totp.verify(user=user, code=code)

        with pytest.raises(WrongCode):
            totp.verify(user=user, code=code)

    assert actions(user) == [AuditAction.FACTOR_FAILED]


def test_older_code_is_worth_nothing_once_a_newer_one_was_used(user: User) -> None:
    key = add_totp(user)
    with time_machine.travel(1_800_000_010, tick=False):
        totp.verify(user=user, code=code_of(key, steps=1))

        with pytest.raises(WrongCode):
            totp.verify(user=user, code=code_of(key))


def test_twin_without_the_last_step_takes_a_code_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    original = models.matching_step
    monkeypatch.setattr(models, "matching_step", lambda key, code, *, after: original(key, code, after=-1))
    key = add_totp(user)

    with time_machine.travel(1_800_000_010, tick=False):
        totp.verify(user=user, code=code_of(key))
        totp.verify(user=user, code=code_of(key))


def guesses(user: User, key: str, *, seconds: int) -> int:
    """How many wrong codes are looked at by somebody who tries each second."""
    looked_at = 0
    with time_machine.travel(1_800_000_010, tick=False) as clock:
        for _ in range(seconds):
            try:
                totp.verify(user=user, code=wrong_code(key))
            except WrongCode:
                looked_at += 1
            except TooManyTries:
                looked_at += 0  # not looked at
            clock.shift(1)
    return looked_at


def test_guessing_is_slowed_down(user: User) -> None:
    assert guesses(user, add_totp(user), seconds=120) == 7  # after 0, 1, 3, 7, 15, 31 and 63 seconds


def test_twin_without_throttling_looks_at_every_guess(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.Factor, "seconds_to_wait", lambda self: 0)

    assert guesses(user, add_totp(user), seconds=30) == 30


def test_right_code_waits_out_the_pause_of_a_wrong_one(user: User) -> None:
    key = add_totp(user)
    with time_machine.travel(1_800_000_010, tick=False) as clock:
        with pytest.raises(WrongCode):
            totp.verify(user=user, code=wrong_code(key))
        with pytest.raises(TooManyTries):
            totp.verify(user=user, code=code_of(key))
        clock.shift(2)

        totp.verify(user=user, code=code_of(key))

    assert TotpDevice.objects.get(user=user).throttling_failure_count == 0


def test_removing_the_last_factor_takes_what_stood_in_for_it(user: User) -> None:
    add_totp(user)
    add_sheet(user)
    add_message_codes(user, CodeChannel.EMAIL)

    assert totp.remove(user=user) is True
    assert totp.remove(user=user) is False

    left = [model.objects.count() for model in (TotpDevice, RecoveryDevice, RecoveryCode, CodeDevice)]
    assert left == [0, 0, 0, 0]
    assert actions(user) == [AuditAction.FACTOR_REMOVED]
    assert OutgoingEmail.objects.get(user=user).template == "factor_removed"


def test_removing_one_of_two_leaves_the_sheet(user: User) -> None:
    add_totp(user)
    add_sheet(user)
    add_passkey(user)

    totp.remove(user=user)

    assert RecoveryCode.objects.count() == 10


def test_staff_keeps_one_factor() -> None:
    staff = StaffFactory.create()
    add_totp(staff)

    with pytest.raises(LastFactor):
        totp.remove(user=staff)
    add_passkey(staff)

    assert totp.remove(user=staff) is True


def test_address_of_the_qr_code_names_the_account() -> None:
    user = User(email="ann+1@example.com")

    assert totp.address_of("ABC", user) == (
        "otpauth://totp/Namaskah%20SMS%3Aann%2B1%40example.com?secret=ABC&issuer=Namaskah%20SMS&period=30"
    )
