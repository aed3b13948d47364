"""Codes by e-mail and SMS: for customers without their app at hand. A code is a proof, for ten minutes and five tries.

They stand beside an authenticator app or a passkey, never alone. Staff has none: who reads a mailbox or a telephone's
messages must not come into the console.
"""

from __future__ import annotations

import datetime as dt
import uuid

import phonenumbers
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import CodeChannel, ProofPurpose
from accounts.exceptions import FactorMissing, MethodNotOffered, TooManyTries
from accounts.models import CodeDevice, Proof, User
from accounts.services import audit, code_sending, emails, factor_changes, factors, proofs, sms_gateway
from accounts.services.proofs import ProofOver, WrongCode
from namaskah.lib import sealing

PAUSE = dt.timedelta(seconds=60)  # between two messages to one person
MOST_PER_HOUR = 5
PURPOSES = (ProofPurpose.SECOND_FACTOR, ProofPurpose.CONFIRM_PHONE)
FACTOR: dict[str, str] = {CodeChannel.EMAIL: factors.EMAIL, CodeChannel.SMS: factors.SMS}


def may_use(user: User, channel: CodeChannel) -> bool:
    """Whether this way is open to this person at all."""
    return not user.is_staff and (channel == CodeChannel.EMAIL or sms_gateway.is_set_up())


@transaction.atomic
def turn_on_email(*, user: User) -> None:
    """Let codes go to the account's address.

    Raises:
        MethodNotOffered: Staff, or an address that nobody has confirmed.
        FactorMissing: There is nothing it would stand in for.
    """
    locked = factors.lock(user.pk)
    _check(locked, CodeChannel.EMAIL)
    if locked.email_verified_at is None:
        raise MethodNotOffered
    if not _devices(locked, CodeChannel.EMAIL).exists():
        CodeDevice.objects.create(user=locked, name="e-mail", channel=CodeChannel.EMAIL, confirmed=True)
        factor_changes.added(user=locked, factor=factors.EMAIL)


@transaction.atomic
def ask_phone(*, user: User, phone: str) -> Proof:
    """Send a code to a number that somebody says is theirs. Nothing changes before `confirm_phone`.

    Args:
        phone: E.164, checked by the form.

    Raises:
        TooManyTries: The last message was sent a moment ago, or there were too many.
    """
    locked = factors.lock(user.pk)
    _check(locked, CodeChannel.SMS)
    return _by_sms(locked, ProofPurpose.CONFIRM_PHONE, phone)


def confirm_phone(*, user: User, proof_id: uuid.UUID, code: str) -> None:
    """Let codes go to the number, instead of one of before, once a code from there was typed.

    Raises:
        WrongCode: It is not right.
        ProofOver: It was used, is too old, or was tried too often.
    """
    _own(user, proof_id, ProofPurpose.CONFIRM_PHONE)
    with transaction.atomic():
        locked = factors.lock(user.pk)
        _check(locked, CodeChannel.SMS)
        try:
            proof = proofs.redeem_code(proof_id, ProofPurpose.CONFIRM_PHONE, code)
        except (WrongCode, ProofOver) as error:
            refused = error
        else:
            _set_phone(locked, proofs.payload_of(proof)["phone"])
            return
    raise refused


@transaction.atomic
def turn_off(*, user: User, channel: CodeChannel) -> bool:
    """No more codes this way. False when there were none."""
    locked = factors.lock(user.pk)
    gone, _kinds = _devices(locked, channel).delete()
    if gone:
        proofs.retire(ProofPurpose.SECOND_FACTOR, user=locked)
        factor_changes.removed(user=locked, factor=FACTOR[channel])
    return bool(gone)


@transaction.atomic
def send(*, user: User, channel: CodeChannel) -> Proof:
    """Send a code; the one of before stops working.

    Raises:
        MethodNotOffered: This way is not turned on.
        TooManyTries: The last message was sent a moment ago, or there were too many.
    """
    locked = factors.lock(user.pk)
    device = _devices(locked, channel).first()
    if device is None or not may_use(locked, channel):
        raise MethodNotOffered
    if channel == CodeChannel.SMS:
        return _by_sms(locked, ProofPurpose.SECOND_FACTOR, sealing.unseal(device.sealed_phone))
    _refuse_too_many(locked)
    proof, secrets = proofs.issue(
        ProofPurpose.SECOND_FACTOR, user=locked, payload={"channel": CodeChannel.EMAIL.value}
    )
    emails.queue(
        user_id=locked.pk,
        template="second_factor_code",
        context={"url": reverse("settings:security")},
        key=f"second-factor-code:{proof.pk}",
        secrets={"code": secrets.code},
    )
    return proof


def verify(*, user: User, channel: CodeChannel, proof_id: uuid.UUID | None, code: str) -> None:
    """Use the code that was sent for this browser's asking.

    Raises:
        WrongCode: It is not right.
        ProofOver: None was sent, it was used, is too old, or was tried too often.
        TooManyTries: Another one is not looked at yet.
    """
    refused: WrongCode | ProofOver | None = None
    with transaction.atomic():
        factors.lock(user.pk)
        device = _devices(user, channel).select_for_update().first()
        wait_s = device.seconds_to_wait() if device else 0
        if not wait_s:
            refused = _redeem(user, device, channel, proof_id, code)
            if device is not None:
                device.note_try(refused is None)
    if wait_s:
        raise TooManyTries(wait_s)
    if refused is not None:
        raise refused


def _redeem(
    user: User, device: CodeDevice | None, channel: CodeChannel, proof_id: uuid.UUID | None, code: str
) -> WrongCode | ProofOver | None:
    """What is wrong with the code, as an error to be raised once the try is counted."""
    try:
        if device is None or proof_id is None or not may_use(user, channel):
            raise ProofOver
        proof = _own(user, proof_id, ProofPurpose.SECOND_FACTOR)
        if proofs.payload_of(proof).get("channel") != channel.value:
            raise ProofOver
        proofs.redeem_code(proof_id, ProofPurpose.SECOND_FACTOR, code)
    except (WrongCode, ProofOver) as error:
        audit.record(AuditAction.FACTOR_FAILED, actor=None, subject=user, after={"factor": FACTOR[channel]})
        return error
    return None


def _by_sms(user: User, purpose: ProofPurpose, phone: str) -> Proof:
    _refuse_too_many(user)
    proofs.retire(purpose, user=user)
    payload = {"channel": CodeChannel.SMS.value, "phone": phone}
    proof = proofs.open_request(purpose, email="", user=user, payload=payload)
    code_sending.enqueue(proof)
    return proof


def _refuse_too_many(user: User) -> None:
    """Rows are counted behind the lock of the person's, so several at once cannot slip through."""
    now = timezone.now()
    recent = list(
        Proof.objects.filter(user=user, purpose__in=PURPOSES, created_at__gt=now - dt.timedelta(hours=1))
        .order_by("-created_at")
        .values_list("created_at", flat=True)[:MOST_PER_HOUR]
    )
    free_at = recent[0] + PAUSE if recent else now
    if len(recent) == MOST_PER_HOUR:
        free_at = max(free_at, recent[-1] + dt.timedelta(hours=1))
    if free_at > now:
        raise TooManyTries(max(1, round((free_at - now).total_seconds())))


def _check(user: User, channel: CodeChannel) -> None:
    if not may_use(user, channel):
        raise MethodNotOffered
    if not factors.has_second_factor(user.pk):
        raise FactorMissing


def _own(user: User, proof_id: uuid.UUID, purpose: ProofPurpose) -> Proof:
    """The proof, if it is this person's: the id in a browser's session is not enough."""
    proof = Proof.objects.filter(pk=proof_id, purpose=purpose, user=user).first()
    if proof is None:
        raise ProofOver
    return proof


def _set_phone(user: User, phone: str) -> None:
    _devices(user, CodeChannel.SMS).delete()
    CodeDevice.objects.create(
        user=user, name="SMS", channel=CodeChannel.SMS, confirmed=True, sealed_phone=sealing.seal(phone),
        phone_hint=hint_of(phone),
    )  # fmt: skip
    factor_changes.added(user=user, factor=factors.SMS)


def _devices(user: User, channel: CodeChannel) -> QuerySet[CodeDevice]:
    devices: QuerySet[CodeDevice] = CodeDevice.objects.filter(user=user, channel=channel, confirmed=True)
    return devices


def hint_of(phone: str) -> str:
    """Enough to know one's own number by: `+44 … 42`."""
    parsed = phonenumbers.parse(phone)
    return f"+{parsed.country_code} … {phone[-2:]}"
