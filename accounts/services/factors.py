"""Second factors: which somebody has, and taking all of them away. Source: docs/decisions/0005-accounts.md

An authenticator app and a passkey are factors; recovery codes and codes by message stand in for them and go when the last of
them goes. Each kind has a module of its own; what every change brings with it is in `factor_changes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.enums import CodeChannel
from accounts.exceptions import LastFactor
from accounts.models import CodeDevice, KnownDevice, Passkey, RecoveryCode, RecoveryDevice, TotpDevice, User
from accounts.services import audit, notices
from namaskah.lib.ids import uuid7

# As `sign_in.complete` and the audit trail call them.
TOTP, PASSKEY, RECOVERY, EMAIL, SMS = "totp", "passkey", "recovery_code", "email_code", "sms_code"


@dataclass(frozen=True, slots=True)
class Methods:
    """What somebody can show.

    Attributes:
        recovery_left: Unused recovery codes.
        phone_hint: The end of the number that codes go to by SMS, as `+44 … 42`.
    """

    totp: bool = False
    passkeys: int = 0
    recovery_left: int = 0
    email_code: bool = False
    sms_code: bool = False
    phone_hint: str = ""

    @property
    def has_factor(self) -> bool:
        """Whether signing in takes more than the password."""
        return self.totp or self.passkeys > 0


def has_second_factor(user_id: int) -> bool:
    """Whether signing in takes more than the password."""
    return (
        TotpDevice.objects.filter(user_id=user_id, confirmed=True).exists()
        or Passkey.objects.filter(user_id=user_id).exists()
    )


def methods_of(user_id: int) -> Methods:
    """Everything that somebody can show."""
    by_message = {
        device.channel: device for device in CodeDevice.objects.filter(user_id=user_id, confirmed=True)
    }
    sms = by_message.get(CodeChannel.SMS.value)
    return Methods(
        totp=TotpDevice.objects.filter(user_id=user_id, confirmed=True).exists(),
        passkeys=Passkey.objects.filter(user_id=user_id).count(),
        recovery_left=RecoveryCode.objects.filter(sheet__user_id=user_id, used_at=None).count(),
        email_code=CodeChannel.EMAIL.value in by_message,
        sms_code=sms is not None,
        phone_hint=sms.phone_hint if sms else "",
    )


def lock(user_id: int) -> User:
    """The person's row, locked: factors of one person change and are tried one after another."""
    return User.objects.select_for_update(no_key=True).get(pk=user_id)


def refuse_last_of_staff(user: User) -> None:
    """Call it before a factor is removed.

    Raises:
        LastFactor: Staff would have none afterwards.
    """
    methods = methods_of(user.pk)
    if user.is_staff and int(methods.totp) + methods.passkeys <= 1:
        raise LastFactor


def distrust(user_id: int) -> None:
    """Every browser is asked for the second factor again."""
    KnownDevice.objects.filter(user_id=user_id).update(trusted_until=None)


def delete_stand_ins(user_id: int) -> None:
    """Take away what stands in for a factor that is no more."""
    RecoveryDevice.objects.filter(user_id=user_id).delete()
    CodeDevice.objects.filter(user_id=user_id).delete()


@transaction.atomic
def remove_all(*, user_id: int, actor: User | None, reason: str) -> None:
    """Staff takes every factor away, which is said to their owner; the caller ends the sessions."""
    locked = lock(user_id)
    before = _counts(methods_of(user_id))
    TotpDevice.objects.filter(user=locked).delete()
    Passkey.objects.filter(user=locked).delete()
    delete_stand_ins(user_id)
    distrust(user_id)
    audit.record(
        AuditAction.FACTOR_REMOVED, actor=actor, subject=locked, before=before, after={}, reason=reason
    )
    notices.tell(
        user_id=user_id,
        template="factors_reset",
        context={"support": settings.SUPPORT_EMAIL, "url": reverse("settings:security")},
        key=f"factors-reset:{uuid7()}",
    )


def _counts(methods: Methods) -> dict[str, Any]:
    return {
        TOTP: methods.totp,
        PASSKEY: methods.passkeys,
        RECOVERY: methods.recovery_left,
        EMAIL: methods.email_code,
        SMS: methods.sms_code,
    }
