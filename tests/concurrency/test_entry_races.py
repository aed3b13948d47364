"""Codes, links and passwords under fire on real PostgreSQL; each guard has a twin without it."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import RequestFactory

from accounts.enums import ProofPurpose
from accounts.exceptions import EmailTaken, SignInLocked
from accounts.models import OutgoingEmail, Proof, SignInGuard, User
from accounts.services import (
    email_change,
    email_verification,
    password_reset,
    proof_sending,
    proofs,
    registration,
    sign_in_guard,
)
from tests.concurrency.racing import Meeting, both, of, race, without
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import code_in, deliver, link_in

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ann@example.com"


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    mail.outbox.clear()


def without_proof_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs are read instead of locked, and whoever has read one waits for the others to have read it, too."""
    meeting = Meeting()

    def read(**which: Any) -> Proof | None:
        found = Proof.objects.filter(**which).first()
        meeting.wait()
        return found

    monkeypatch.setattr(proofs, "_held", read)


def token_in(path: str) -> str:
    return path.split("/")[-2]


# --- a code or a link, once -------------------------------------------------------------------------------------------


def sign_up() -> tuple[Proof, str]:
    proof = registration.ask(email=EMAIL, password=PASSWORD)
    (letter,) = deliver()
    return proof, code_in(letter)


def open_many(proof: Proof, code: str) -> list[Any]:
    return race(8, lambda _: registration.open_by_code(proof_id=proof.pk, code=code))


def test_one_code_makes_one_account() -> None:
    results = open_many(*sign_up())

    assert len(of(registration.NewAccount, results)) == 1
    assert len(of(proofs.ProofOver, results)) == 7
    assert User.objects.count() == 1


def test_one_code_used_twice_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create(email=EMAIL, email_verified_at=None)
    email_verification.ask(user)
    code = code_in(deliver()[0])
    without_proof_lock(monkeypatch)

    results = both(*[lambda: email_verification.confirm_by_code(user=user, code=code)] * 2)

    assert results == [None, None]


def test_one_code_is_used_once() -> None:
    user = UserFactory.create(email=EMAIL, email_verified_at=None)
    email_verification.ask(user)
    code = code_in(deliver()[0])

    results = race(8, lambda _: email_verification.confirm_by_code(user=user, code=code))

    assert len(of(proofs.ProofOver, results)) == 7


def test_two_sign_ups_for_one_address_make_one_account() -> None:
    first, second = sign_up(), sign_up()

    results = both(
        *[
            lambda each=each: registration.open_by_code(proof_id=each[0].pk, code=each[1])
            for each in (first, second)
        ]
    )

    assert (len(of(registration.NewAccount, results)), len(of(EmailTaken, results))) == (1, 1)
    assert Proof.objects.filter(used_at=None).count() == 1  # the loser's code is not used up for nothing


def test_two_sign_ups_make_two_accounts_without_the_index() -> None:
    first, second = sign_up(), sign_up()

    with without("user_email_once"):
        results = both(
            *[
                lambda each=each: registration.open_by_code(proof_id=each[0].pk, code=each[1])
                for each in (first, second)
            ]
        )
        count = User.objects.count()

    assert len(of(registration.NewAccount, results)) == count == 2


def reset_link() -> str:
    UserFactory.create(email=EMAIL)
    password_reset.ask(EMAIL)
    return token_in(link_in(deliver()[0]))


def test_one_link_sets_one_password() -> None:
    token = reset_link()

    results = race(8, lambda index: password_reset.finish(token=token, password=f"{PASSWORD} {index}"))

    assert (len(of(User, results)), len(of(proofs.ProofOver, results))) == (1, 7)
    winner = next(index for index, result in enumerate(results) if isinstance(result, User))
    assert User.objects.get().check_password(f"{PASSWORD} {winner}")


def test_one_link_sets_two_passwords_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    token = reset_link()
    without_proof_lock(monkeypatch)

    results = both(*[lambda: password_reset.finish(token=token, password=PASSWORD)] * 2)

    assert len(of(User, results)) == 2


def guess_code(proof_id: uuid.UUID, code: str) -> str:
    try:
        proofs.redeem_code(proof_id, ProofPurpose.SIGN_UP, code)
    except proofs.WrongCode:
        return "looked at"
    except proofs.ProofOver:
        return "over"
    return "right"


def wrong_codes(code: str) -> list[str]:
    return [f"{(int(code) + 1 + number) % 10**6:06d}" for number in range(20)]


def test_twenty_guesses_at_once_get_five_looks() -> None:
    proof, code = sign_up()
    guesses = wrong_codes(code)

    results = race(20, lambda index: guess_code(proof.pk, guesses[index]))

    assert results.count("looked at") == proofs.TRIES - 1  # the fifth ends it, and says so
    assert guess_code(proof.pk, code) == "over"


def test_guesses_at_once_cost_one_try_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    proof, code = sign_up()
    guesses = wrong_codes(code)
    with monkeypatch.context() as patch:
        without_proof_lock(patch)
        both(*[lambda each=each: guess_code(proof.pk, each) for each in guesses[:2]])

    assert Proof.objects.get().tries_left == proofs.TRIES - 1


# --- two agreements ---------------------------------------------------------------------------------------------------


def begun(old: str = EMAIL) -> tuple[str, str]:
    new = old.replace(".com", ".org")
    email_change.ask(user=UserFactory.create(email=old), email=new)
    links = {letter.to[0]: token_in(link_in(letter)) for letter in deliver()}
    return links[old], links[new]


def agree(old: str, new: str) -> list[Any]:
    return both(lambda: email_change.confirm(old), lambda: email_change.confirm(new))


def test_two_agreements_at_once_change_the_address() -> None:
    results = agree(*begun())

    assert sorted(is_changed for _user, is_changed in results) == [False, True]
    assert User.objects.get().email == "ann@example.org"


# --- one message ------------------------------------------------------------------------------------------------------


def ask_only() -> Proof:
    return registration.ask(email=EMAIL, password=PASSWORD)


def test_task_and_sweep_at_once_send_one_message() -> None:
    proof = ask_only()

    results = race(8, lambda _: proof_sending.send(proof.pk))

    assert results.count(True) == 1
    assert OutgoingEmail.objects.count() == 1


def test_task_and_sweep_at_once_send_two_without_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = ask_only()
    meeting = Meeting()

    def unclaimed(email: str) -> None:
        meeting.wait()

    # Both have found it waiting; the claim no longer asks whether it still does.
    monkeypatch.setattr(proof_sending, "_locked_owner", unclaimed)
    monkeypatch.setattr(proof_sending, "_claim", lambda waiting: True)

    results = both(*[lambda: proof_sending.send(proof.pk)] * 2)

    assert results == [True, True]


# --- wrong passwords --------------------------------------------------------------------------------------------------


def crowd(monkeypatch: pytest.MonkeyPatch) -> int:
    """Fifty wrong passwords at once; how many were compared with the hash."""
    UserFactory.create(email=EMAIL)
    looked: list[str] = []
    lock = threading.Lock()

    def look(self: User, raw_password: str) -> bool:
        with lock:
            looked.append(raw_password)
        return False

    def guess(index: int) -> str:
        try:
            sign_in_guard.check(RequestFactory().post("/"), email=EMAIL, password=f"guess {index}")
        except SignInLocked:
            return "locked"
        return "wrong"

    monkeypatch.setattr(User, "check_password", look)
    results = race(50, guess)
    assert results.count("wrong") == len(looked)
    return len(looked)


def test_fifty_passwords_at_once_get_ten_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert crowd(monkeypatch) == sign_in_guard.LIMIT
    assert SignInGuard.objects.get().locks == 1


def test_fifty_passwords_at_once_get_fifty_looks_without_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting after looking, as it is often done: the crowd has passed before the first is counted."""

    def look_first(key: str, email: str) -> Any:
        return sign_in_guard._Try(key, None)

    monkeypatch.setattr(sign_in_guard, "_begin", look_first)

    assert crowd(monkeypatch) == 50


def test_request_that_is_rolled_back_sends_nothing() -> None:
    with transaction.atomic():
        ask_only()
        transaction.set_rollback(True)

    assert Proof.objects.count() == 0
    assert deliver() == []
