"""Showing a second factor: which ways are open to somebody, and checking a code of any of them."""

from __future__ import annotations

import uuid

from accounts.enums import CodeChannel
from accounts.exceptions import MethodNotOffered
from accounts.models import User
from accounts.services import factors, message_codes, recovery_codes, totp

CHANNELS = {factors.SMS: CodeChannel.SMS, factors.EMAIL: CodeChannel.EMAIL}


def offered(user: User) -> list[str]:
    """The ways open to somebody, the one most at hand first; none without a factor."""
    methods = factors.methods_of(user.pk)
    if not methods.has_factor:
        return []
    has = {
        factors.TOTP: methods.totp,
        factors.PASSKEY: methods.passkeys > 0,
        factors.SMS: methods.sms_code and message_codes.may_use(user, CodeChannel.SMS),
        factors.EMAIL: methods.email_code and message_codes.may_use(user, CodeChannel.EMAIL),
        factors.RECOVERY: methods.recovery_left > 0,
    }
    return [method for method, is_there in has.items() if is_there]


def verify(*, user: User, method: str, code: str, proof_id: uuid.UUID | None = None) -> None:
    """Use a code of one of the ways; passkeys have a ceremony of their own.

    Args:
        proof_id: Which message the code was sent with, for codes by message.

    Raises:
        WrongCode: It is not right.
        ProofOver: The message it came with is too old, used, or was tried too often.
        TooManyTries: Another try is not looked at yet.
        MethodNotOffered: Not open to this person.
    """
    if method not in offered(user):
        raise MethodNotOffered
    if method == factors.TOTP:
        totp.verify(user=user, code=code)
    elif method == factors.RECOVERY:
        recovery_codes.verify(user=user, code=code)
    elif method in CHANNELS:
        message_codes.verify(user=user, channel=CHANNELS[method], proof_id=proof_id, code=code)
    else:
        raise MethodNotOffered
