"""Second factors that somebody has, without the pages that set them up."""

from __future__ import annotations

import base64
import time

from django.db import transaction
from django_otp.oath import hotp

from accounts.enums import CodeChannel
from accounts.models import CodeDevice, Passkey, TotpDevice, User
from accounts.models.factors import STEP_S
from accounts.services import message_codes, recovery_codes, totp
from namaskah.lib import sealing

PHONE = "+2348031234567"


def add_totp(user: User) -> str:
    """An authenticator app; its key."""
    key = totp.new_key()
    TotpDevice.objects.create(user=user, name="app", confirmed=True, sealed_key=sealing.seal(key))
    return key


def code_of(key: str, *, steps: int = 0) -> str:
    """What the app shows now, or some half minutes later or earlier."""
    return f"{hotp(base64.b32decode(key), int(time.time()) // STEP_S + steps):06d}"


def wrong_code(key: str) -> str:
    """Six digits that the app does not show around now."""
    near = {code_of(key, steps=steps) for steps in range(-3, 4)}
    return next(code for code in map("{:06d}".format, range(100)) if code not in near)


def add_sheet(user: User) -> list[str]:
    """Ten recovery codes."""
    with transaction.atomic():
        return recovery_codes.write_sheet(user)


def add_passkey(user: User) -> Passkey:
    """A passkey that nobody can show."""
    return Passkey.objects.create(user=user, name="key", credential_id=f"id-{user.pk}", public_key=b"")


def add_message_codes(user: User, channel: CodeChannel) -> CodeDevice:
    """Codes by e-mail, or by SMS to `PHONE`."""
    is_sms = channel == CodeChannel.SMS
    device: CodeDevice = CodeDevice.objects.create(
        user=user, name=channel.label, channel=channel, confirmed=True,
        sealed_phone=sealing.seal(PHONE) if is_sms else "",
        phone_hint=message_codes.hint_of(PHONE) if is_sms else "",
    )  # fmt: skip
    return device
