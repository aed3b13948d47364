"""Second factors under fire on real PostgreSQL: what works once, works once. Each race has a twin without its guard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from django.db import connection
from pytest_django import Settings

from accounts.enums import CodeChannel
from accounts.exceptions import FactorPresent
from accounts.models import FactorReset, Proof, RecoveryCode, RecoveryDevice, TotpDevice, User
from accounts.models.factors import Factor
from accounts.services import (
    code_sending,
    factor_resets,
    factors,
    message_codes,
    recovery_codes,
    sms_gateway,
    totp,
)
from accounts.services.code_sending import Outcome
from accounts.services.factor_resets import ResetAsked, ResetDecided
from accounts.services.proofs import WrongCode
from tests.concurrency.racing import Meeting, both, meet_after, of, overlap, race
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.second_factors import add_message_codes, add_sheet, add_totp, code_of, wrong_code

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def without_the_persons_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "lock", lambda user_id: User.objects.get(pk=user_id))


# --- one code of an app -----------------------------------------------------------------------------------------------


def show_twice(user: User, key: str) -> list[object]:
    with time_machine.travel(1_800_000_010, tick=True):
        code = code_of(key)
        return overlap(lambda: totp.verify(user=user, code=code), lambda: totp.verify(user=user, code=code))


def test_one_code_at_once_counts_once(user: User) -> None:
    results = show_twice(user, add_totp(user))

    assert (results.count(None), len(of(WrongCode, results))) == (1, 1)


def test_twin_without_locks_takes_one_code_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    key = add_totp(user)
    without_the_persons_lock(monkeypatch)
    monkeypatch.setattr(totp, "_device", lambda person: TotpDevice.objects.get(user=person, confirmed=True))

    assert show_twice(user, key).count(None) == 2


# --- guesses at once --------------------------------------------------------------------------------------------------


def guess_at_once(user: User, key: str) -> int:
    """How many of 24 wrong codes are looked at."""
    guess = wrong_code(key)
    return len(of(WrongCode, race(24, lambda _: totp.verify(user=user, code=guess), workers=8)))


def test_crowd_of_guesses_gets_one(user: User) -> None:
    key = add_totp(user)

    with time_machine.travel(1_800_000_010, tick=False):
        assert guess_at_once(user, key) == 1


def test_twin_without_locks_looks_at_many(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    key = add_totp(user)
    without_the_persons_lock(monkeypatch)
    monkeypatch.setattr(totp, "_device", lambda person: TotpDevice.objects.get(user=person, confirmed=True))
    meet_after(monkeypatch, totp, "_device", parties=8)

    with time_machine.travel(1_800_000_010, tick=False):
        assert guess_at_once(user, key) >= 8


# --- one recovery code ------------------------------------------------------------------------------------------------


def use_twice(user: User, code: str) -> list[object]:
    return overlap(
        lambda: recovery_codes.verify(user=user, code=code),
        lambda: recovery_codes.verify(user=user, code=code),
    )


def test_recovery_code_used_by_many_at_once_works_once(user: User) -> None:
    code = add_sheet(user)[0]

    results = race(12, lambda _: recovery_codes.verify(user=user, code=code), workers=6)

    assert results.count(None) == 1
    assert recovery_codes.left(user.pk) == 9


def test_without_locks_the_condition_still_lets_it_work_once(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = add_sheet(user)[0]
    without_recovery_locks(monkeypatch)

    assert use_twice(user, code).count(None) == 1


def test_twin_without_locks_and_condition_uses_it_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    code = add_sheet(user)[0]
    without_recovery_locks(monkeypatch)
    monkeypatch.setattr(recovery_codes, "_mark_used", _mark_used_blindly)
    monkeypatch.setattr(recovery_codes, "_tell", lambda user, used: None)  # its key would stop the second

    assert use_twice(user, code).count(None) == 2


def without_recovery_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_persons_lock(monkeypatch)
    monkeypatch.setattr(
        recovery_codes, "_sheet", lambda user: RecoveryDevice.objects.filter(user=user).first()
    )
    monkeypatch.setattr(Factor, "note_try", lambda self, is_right: is_right)


def _mark_used_blindly(row: RecoveryCode) -> bool:
    row.save(update_fields=["used_at"])
    return True


# --- setting up, asking, deciding -------------------------------------------------------------------------------------


def enrol_twice(user: User) -> list[object]:
    keys = [totp.new_key(), totp.new_key()]
    return overlap(
        lambda: totp.enrol(user=user, key=keys[0], code=code_of(keys[0])),
        lambda: totp.enrol(user=user, key=keys[1], code=code_of(keys[1])),
    )


def test_two_enrolments_at_once_leave_one_app_and_one_sheet(user: User) -> None:
    results = enrol_twice(user)

    assert (len(of(list, results)), len(of(FactorPresent, results))) == (1, 1)
    assert (TotpDevice.objects.count(), RecoveryCode.objects.count()) == (1, 10)


def test_twin_without_lock_and_constraint_leaves_two(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_persons_lock(monkeypatch)
    monkeypatch.setattr(recovery_codes, "write_sheet", lambda user: [])
    with without_index("totp_one_per_user", "accounts_totpdevice"):
        enrol_twice(user)

        assert TotpDevice.objects.count() == 2
        TotpDevice.objects.all().delete()


class without_index:  # noqa: N801  # reads as a sentence after `with`
    """Drop a unique index for the time of a test."""

    def __init__(self, name: str, table: str) -> None:
        self._name, self._table = name, table

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [self._name])
            self._definition = cursor.fetchone()[0]
            cursor.execute(f"DROP INDEX {self._name}")

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {self._table} CASCADE")
            cursor.execute(self._definition)


def ask_many(user: User) -> int:
    results = race(6, lambda _: message_codes.send(user=user, channel=CodeChannel.EMAIL), workers=6)
    return len(of(Proof, results))


def test_asking_for_many_codes_at_once_sends_one(user: User) -> None:
    add_totp(user)
    add_message_codes(user, CodeChannel.EMAIL)

    assert ask_many(user) == 1


def test_twin_without_the_lock_sends_several(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    add_totp(user)
    add_message_codes(user, CodeChannel.EMAIL)
    without_the_persons_lock(monkeypatch)
    meet_after(monkeypatch, message_codes, "_refuse_too_many", parties=6)

    assert ask_many(user) > 1


class Gateway:
    """Counts, and waits for others to come."""

    def __init__(self, meeting: Meeting) -> None:
        self.sent = 0
        self._meeting = meeting

    def send(self, **_: object) -> None:
        self.sent += 1
        self._meeting.wait()


@pytest.fixture
def sms(user: User, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> tuple[Proof, Gateway]:
    settings.SMS_GATEWAY_URL = "http://127.0.0.1:1/"
    add_totp(user)
    add_message_codes(user, CodeChannel.SMS)
    gateway = Gateway(Meeting())
    monkeypatch.setattr(sms_gateway, "send", gateway.send)
    return message_codes.send(user=user, channel=CodeChannel.SMS), gateway


def test_two_workers_send_one_sms(sms: tuple[Proof, Gateway]) -> None:
    proof, gateway = sms

    results = both(lambda: code_sending.send(proof.pk), lambda: code_sending.send(proof.pk))

    assert sorted(result.value for result in of(Outcome, results)) == ["not due", "sent"]
    assert gateway.sent == 1


def test_twin_without_the_claim_sends_two(
    sms: tuple[Proof, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    proof, gateway = sms
    monkeypatch.setattr(code_sending, "_claim", lambda proof_id: (Proof.objects.get(pk=proof_id), "000000"))

    both(lambda: code_sending.send(proof.pk), lambda: code_sending.send(proof.pk))

    assert gateway.sent == 2


# --- resets by staff --------------------------------------------------------------------------------------------------


def decide_twice(reset: FactorReset) -> list[object]:
    def by(approve: bool) -> Callable[[], object]:
        actor = StaffFactory.create()
        return lambda: factor_resets.decide(reset_id=reset.pk, actor=actor, approve=approve, reason="race")

    return overlap(by(True), by(False))


def test_two_deciders_at_once_leave_one_decision(user: User) -> None:
    reset = factor_resets.ask(user_id=user.pk, actor=StaffFactory.create(), reason="lost")

    results = decide_twice(reset)

    reset.refresh_from_db()
    assert (len(of(FactorReset, results)), len(of(ResetDecided, results))) == (1, 1)
    assert reset.is_approved is True


def test_twin_without_locks_decides_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    reset = factor_resets.ask(user_id=user.pk, actor=StaffFactory.create(), reason="lost")
    monkeypatch.setattr(factors, "lock", lambda user_id: User.objects.get(pk=user_id))
    monkeypatch.setattr(factor_resets, "_lock", lambda reset_id: FactorReset.objects.get(pk=reset_id))

    results = decide_twice(reset)

    assert len(of(FactorReset, results)) == 2


def test_two_requests_at_once_leave_one(user: User) -> None:
    people = [StaffFactory.create(), StaffFactory.create()]

    results = overlap(
        lambda: factor_resets.ask(user_id=user.pk, actor=people[0], reason="lost"),
        lambda: factor_resets.ask(user_id=user.pk, actor=people[1], reason="lost"),
    )

    assert (len(of(FactorReset, results)), len(of(ResetAsked, results))) == (1, 1)


def test_twin_without_the_constraint_leaves_two_requests(user: User) -> None:
    people = [StaffFactory.create(), StaffFactory.create()]
    with without_index("factor_reset_one_open", "accounts_factorreset"):
        for person in people:
            factor_resets.ask(user_id=user.pk, actor=person, reason="lost")

        assert FactorReset.objects.filter(decided_at=None).count() == 2
