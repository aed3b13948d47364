"""Codes by e-mail and SMS: whom they go to, how often, and what becomes of them."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from accounts.enums import CodeChannel, ProofPurpose
from accounts.exceptions import MethodNotOffered, TooManyTries
from accounts.models import CodeDevice, OutgoingEmail, Proof, User
from accounts.services import code_sending, message_codes, sms_gateway
from accounts.services.code_sending import Outcome
from accounts.services.proofs import ProofOver, WrongCode
from accounts.services.sms_gateway import MaybeSent, NotSent
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.letters import code_in, letter_to, other_than
from tests.factories.second_factors import PHONE, add_message_codes, add_totp

pytestmark = pytest.mark.django_db


class Telephone:
    """Stands for the gateway: what it was asked to send, and how it answers next."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.errors: list[Exception] = []

    def send(self, *, to: str, text: str, secrets: tuple[str, ...] = ()) -> None:
        assert secrets
        assert secrets[0] in text
        if self.errors:
            raise self.errors.pop(0)
        self.messages.append((to, text))

    @property
    def code(self) -> str:
        return self.messages[-1][1][:6]


@pytest.fixture
def telephone(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Telephone:
    settings.SMS_GATEWAY_URL = "http://127.0.0.1:1/messages"
    made = Telephone()
    monkeypatch.setattr(sms_gateway, "send", made.send)
    return made


@pytest.fixture
def user() -> User:
    made = UserFactory.create()
    add_totp(made)
    return made


def ask(user: User, channel: CodeChannel = CodeChannel.EMAIL) -> Proof:
    return message_codes.send(user=user, channel=channel)


def verify(user: User, proof: Proof, code: str, channel: CodeChannel = CodeChannel.EMAIL) -> None:
    message_codes.verify(user=user, channel=channel, proof_id=proof.pk, code=code)


def test_code_by_email_works_once(user: User) -> None:
    add_message_codes(user, CodeChannel.EMAIL)
    proof = ask(user)
    code = code_in(letter_to(user.email))

    verify(user, proof, code)

    with pytest.raises(ProofOver):
        verify(user, proof, code)
    email = OutgoingEmail.objects.get(template="second_factor_code")
    assert (code in str(email.context), email.sealed) == (False, "")


def test_code_is_worth_nothing_to_somebody_else(user: User) -> None:
    add_message_codes(user, CodeChannel.EMAIL)
    other = UserFactory.create()
    add_totp(other)
    add_message_codes(other, CodeChannel.EMAIL)
    proof = ask(user)

    with pytest.raises(ProofOver):
        verify(other, proof, code_in(letter_to(user.email)))


def test_code_is_over_after_ten_minutes(user: User) -> None:
    add_message_codes(user, CodeChannel.EMAIL)
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        proof = ask(user)
        code = code_in(letter_to(user.email))
    with time_machine.travel(now + dt.timedelta(seconds=601), tick=False), pytest.raises(ProofOver):
        verify(user, proof, code)


def test_five_wrong_codes_are_all(user: User) -> None:
    add_message_codes(user, CodeChannel.EMAIL)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        proof = ask(user)
        code = code_in(letter_to(user.email))
        for _ in range(5):
            with pytest.raises((WrongCode, ProofOver)):
                verify(user, proof, other_than(code))
            clock.shift(40)

        with pytest.raises(ProofOver):
            verify(user, proof, code)


def test_wrong_codes_are_slowed_down(user: User) -> None:
    add_message_codes(user, CodeChannel.EMAIL)
    proof = ask(user)
    code = code_in(letter_to(user.email))
    with pytest.raises(WrongCode):
        verify(user, proof, other_than(code))

    with pytest.raises(TooManyTries):
        verify(user, proof, code)


def test_newer_code_makes_the_older_one_worthless(user: User) -> None:
    add_message_codes(user, CodeChannel.EMAIL)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = ask(user)
        code = code_in(letter_to(user.email))
        clock.shift(61)
        ask(user)

        with pytest.raises(ProofOver):
            verify(user, first, code)


def test_messages_are_a_minute_apart_and_five_an_hour(user: User) -> None:
    add_message_codes(user, CodeChannel.EMAIL)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(5):
            ask(user)
            with pytest.raises(TooManyTries):
                ask(user)
            clock.shift(60)
        with pytest.raises(TooManyTries) as refused:
            ask(user)
        clock.shift(refused.value.wait_s)

        ask(user)

    assert refused.value.wait_s == 3600 - 5 * 60
    assert Proof.objects.count() == 6


@pytest.mark.parametrize("channel", [CodeChannel.EMAIL, CodeChannel.SMS])
def test_way_that_is_off_sends_nothing(user: User, channel: CodeChannel, telephone: Telephone) -> None:
    with pytest.raises(MethodNotOffered):
        ask(user, channel)

    assert (telephone.messages, mail.outbox) == ([], [])


def test_staff_that_was_a_customer_once_gets_no_code() -> None:
    staff = StaffFactory.create()
    add_totp(staff)
    add_message_codes(staff, CodeChannel.EMAIL)

    with pytest.raises(MethodNotOffered):
        ask(staff)


# --- SMS --------------------------------------------------------------------------------------------------------------


def test_number_is_confirmed_by_a_code_from_there(user: User, telephone: Telephone) -> None:
    proof = message_codes.ask_phone(user=user, phone=PHONE)
    code_sending.send(proof.pk)

    with pytest.raises(WrongCode):
        message_codes.confirm_phone(user=user, proof_id=proof.pk, code=other_than(telephone.code))
    before = CodeDevice.objects.count()
    message_codes.confirm_phone(user=user, proof_id=proof.pk, code=telephone.code)

    device = CodeDevice.objects.get(user=user)
    assert before == 0
    assert (device.phone_hint, PHONE in device.sealed_phone) == ("+234 … 67", False)
    assert telephone.messages[0][0] == PHONE


def test_somebody_else_confirms_nothing(user: User, telephone: Telephone) -> None:
    other = UserFactory.create()
    add_totp(other)
    proof = message_codes.ask_phone(user=user, phone=PHONE)
    code_sending.send(proof.pk)

    with pytest.raises(ProofOver):
        message_codes.confirm_phone(user=other, proof_id=proof.pk, code=telephone.code)


def test_code_by_sms_works_once(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    proof = ask(user, CodeChannel.SMS)

    assert code_sending.send(proof.pk) is Outcome.SENT
    assert code_sending.send(proof.pk) is Outcome.NOT_DUE
    verify(user, proof, telephone.code, CodeChannel.SMS)
    with pytest.raises(ProofOver):
        verify(user, proof, telephone.code, CodeChannel.SMS)
    assert len(telephone.messages) == 1


def test_code_for_a_number_is_none_for_signing_in(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    proof = message_codes.ask_phone(user=user, phone="+2348031234599")
    code_sending.send(proof.pk)

    with pytest.raises(ProofOver):
        verify(user, proof, telephone.code, CodeChannel.SMS)


def test_code_of_one_way_is_none_of_another(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    add_message_codes(user, CodeChannel.EMAIL)
    proof = ask(user, CodeChannel.SMS)
    code_sending.send(proof.pk)

    with pytest.raises(ProofOver):
        verify(user, proof, telephone.code, CodeChannel.EMAIL)


def test_sweep_sends_what_no_task_did(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    ask(user, CodeChannel.SMS)

    assert (code_sending.send_due(), code_sending.send_due()) == (1, 0)


def test_refusal_that_may_pass_is_tried_again_with_a_new_code(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    telephone.errors = [NotSent("status 503", may_help=True)]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        proof = ask(user, CodeChannel.SMS)
        first = code_sending.send(proof.pk)
        at_once = code_sending.send_due()
        clock.shift(6)

        assert (first, at_once, code_sending.send_due()) == (Outcome.LATER, 0, 1)
        verify(user, proof, telephone.code, CodeChannel.SMS)


def test_three_tries_are_all(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    telephone.errors = [NotSent("no connection", may_help=True)] * 9
    with time_machine.travel(timezone.now(), tick=False) as clock:
        ask(user, CodeChannel.SMS)
        for _ in range(10):
            code_sending.send_due()
            clock.shift(31)

    assert len(telephone.errors) == 6
    assert Proof.objects.get().due_at is None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(NotSent("status 422", may_help=False), Outcome.GIVEN_UP), (MaybeSent("no answer"), Outcome.UNKNOWN)],
    ids=["refused", "unknown"],
)
def test_what_must_not_be_repeated_is_not(
    user: User, telephone: Telephone, error: Exception, outcome: Outcome
) -> None:
    add_message_codes(user, CodeChannel.SMS)
    telephone.errors = [error]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        proof = ask(user, CodeChannel.SMS)
        first = code_sending.send(proof.pk)
        clock.shift(120)

        assert (first, code_sending.send_due()) == (outcome, 0)


def test_worker_that_dies_leaves_a_lease_and_the_sweep_goes_on(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    telephone.errors = [KeyboardInterrupt()]  # type: ignore[list-item]  # as the end of a process comes
    with time_machine.travel(timezone.now(), tick=False) as clock:
        proof = ask(user, CodeChannel.SMS)
        with pytest.raises(KeyboardInterrupt):
            code_sending.send(proof.pk)
        during = code_sending.send_due()
        clock.shift(31)

        assert (during, code_sending.send_due()) == (0, 1)
        verify(user, proof, telephone.code, CodeChannel.SMS)


def test_code_nobody_waits_for_any_more_is_not_sent(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        ask(user, CodeChannel.SMS)
        clock.shift(601)

        assert code_sending.send_due() == 0

    assert (telephone.messages, Proof.objects.get().due_at) == ([], None)


def test_turning_sms_off_makes_a_code_on_its_way_worthless(user: User, telephone: Telephone) -> None:
    add_message_codes(user, CodeChannel.SMS)
    proof = ask(user, CodeChannel.SMS)

    message_codes.turn_off(user=user, channel=CodeChannel.SMS)

    assert code_sending.send(proof.pk) is Outcome.NOT_DUE
    assert Proof.objects.get(purpose=ProofPurpose.SECOND_FACTOR).used_at is not None
