"""Passkeys at once on real PostgreSQL: never an eleventh, no challenge twice, no old count. Each twin lacks the guard."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.enums import ProofPurpose
from accounts.exceptions import LastFactor
from accounts.models import Passkey, Proof, User
from accounts.services import factors, passkey_showing, passkeys, proofs
from accounts.services.passkey_challenges import CeremonyOver
from accounts.services.passkey_wire import NewKey, PasskeyRefused
from accounts.services.passkeys import TooManyPasskeys
from tests.concurrency.racing import meet_after, of, overlap, race
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.authenticator import Authenticator
from tests.factories.passkeys import add_passkey

pytestmark = pytest.mark.django_db(transaction=True)


def without_the_persons_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "lock", lambda user_id: User.objects.get(pk=user_id))


def new_key(user: User) -> NewKey:
    ceremony = passkeys.begin_adding(user)
    answer = Authenticator().create(ceremony.options)
    return passkeys.check_new(user=user, credential=answer, challenge=ceremony.challenge)


# --- the last place ---------------------------------------------------------------------------------------------------
def add_two_at_once(monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[Any]]:
    """How many somebody has who had nine, and what came of adding two that are counted at once."""
    user = UserFactory.create()
    for _ in range(passkeys.MOST - 1):
        add_passkey(user)
    made = [new_key(user), new_key(user)]
    meet_after(monkeypatch, passkeys, "of")
    results = race(2, lambda number: passkeys.keep(user=user, name="", made=made[number]))
    return Passkey.objects.filter(user=user).count(), results


def test_last_place_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count, results = add_two_at_once(monkeypatch)

    assert len(of(TooManyPasskeys, results)) == 1
    assert count == passkeys.MOST


def test_last_place_is_taken_twice_in_a_twin_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_persons_lock(monkeypatch)

    count, results = add_two_at_once(monkeypatch)

    assert of(TooManyPasskeys, results) == []
    assert count == passkeys.MOST + 1


# --- one challenge ----------------------------------------------------------------------------------------------------
def show_one_answer_twice() -> list[Any]:
    """Of a key that does not count, so that the challenge alone stands in the way."""
    authenticator = add_passkey(UserFactory.create(), Authenticator(counts=False))
    ceremony = passkey_showing.begin(None)
    answer = authenticator.get(ceremony.options)

    def show() -> Passkey:
        return passkey_showing.show(credential=answer, challenge=ceremony.challenge, user=None)

    return overlap(show, show)


def test_one_answer_lets_in_once() -> None:
    results = show_one_answer_twice()

    assert len(of(Passkey, results)) == 1
    assert len(of(CeremonyOver, results)) == 1


def test_one_answer_lets_in_twice_in_a_twin_without_the_proofs_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def redeem(purpose: ProofPurpose, token: str) -> Proof:
        proof = proofs.find_token(purpose, token)
        if proof is None:
            raise proofs.ProofOver
        proofs._use(proof)
        return proof

    monkeypatch.setattr(proofs, "redeem_token", redeem)

    assert len(of(Passkey, show_one_answer_twice())) == 2


# --- one count --------------------------------------------------------------------------------------------------------
def show_key_and_copy() -> list[Any]:
    """Two holders of one key show the same count at once."""
    authenticator = add_passkey(UserFactory.create())
    copy = Authenticator(
        credential_id=authenticator.credential_id,
        handle=authenticator.handle,
        key=authenticator.key,
        count=authenticator.count,
    )
    answers = []
    for holder in (authenticator, copy):
        ceremony = passkey_showing.begin(None)
        answers.append((holder.get(ceremony.options), ceremony.challenge))

    def show(number: int) -> Passkey:
        credential, challenge = answers[number]
        return passkey_showing.show(credential=credential, challenge=challenge, user=None)

    return overlap(lambda: show(0), lambda: show(1))


def test_one_count_lets_in_once() -> None:
    results = show_key_and_copy()

    assert len(of(Passkey, results)) == 1
    assert len(of(PasskeyRefused, results)) == 1


def test_one_count_lets_in_twice_in_a_twin_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_persons_lock(monkeypatch)

    assert len(of(Passkey, show_key_and_copy())) == 2


# --- the last factor of staff -----------------------------------------------------------------------------------------
def remove_both_at_once() -> tuple[int, list[Any]]:
    """How many passkeys a member of staff has left, and what came of removing both."""
    staff = StaffFactory.create()
    add_passkey(staff)
    add_passkey(staff)
    first, second = [passkey.pk for passkey in passkeys.of(staff.pk)]
    results = overlap(
        lambda: passkeys.remove(user=staff, passkey_id=first),
        lambda: passkeys.remove(user=staff, passkey_id=second),
    )
    return Passkey.objects.filter(user=staff).count(), results


def test_staff_cannot_remove_both_at_once() -> None:
    count, results = remove_both_at_once()

    assert len(of(LastFactor, results)) == 1
    assert count == 1


def test_staff_removes_both_in_a_twin_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_persons_lock(monkeypatch)

    count, _results = remove_both_at_once()

    assert count == 0
