"""Recovery codes: a sheet of ten for the day the other factors are lost, each good once. We keep digests alone."""

from __future__ import annotations

import hashlib
import secrets

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.exceptions import FactorMissing, TooManyTries
from accounts.models import RecoveryCode, RecoveryDevice, User
from accounts.services import audit, factors, notices
from accounts.services.proofs import WrongCode

COUNT = 10
# Sixteen of 32 letters and figures are 80 bits: too many to guess even from the digest. None looks like another.
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"
LENGTH, GROUP = 16, 4
LOOKALIKES = str.maketrans("ILOU", "110V")


def renew(*, user: User) -> list[str]:
    """Make a new sheet; the old one stops working.

    Raises:
        FactorMissing: Without a factor there is nothing to recover.
    """
    with transaction.atomic():
        locked = factors.lock(user.pk)
        if not factors.has_second_factor(user.pk):
            raise FactorMissing
        codes = write_sheet(locked)
        audit.record(AuditAction.RECOVERY_CODES_MADE, actor=locked, subject=locked, after={"count": COUNT})
        factors.distrust(user.pk)
    return codes


def write_sheet(user: User) -> list[str]:
    """Write a new sheet for somebody whose row is locked, and return the codes to be shown once."""
    RecoveryDevice.objects.filter(user=user).delete()
    sheet = RecoveryDevice.objects.create(user=user, name="recovery codes", confirmed=True)
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(sheet=sheet, code_hash=_digest(sheet, code)) for code in codes
    )
    return [_grouped(code) for code in codes]


def left(user_id: int) -> int:
    """How many codes of the sheet are unused."""
    return RecoveryCode.objects.filter(sheet__user_id=user_id, used_at=None).count()


def verify(*, user: User, code: str) -> None:
    """Use a code, once, and tell its owner how many are left.

    Raises:
        WrongCode: It is none of the sheet, or was used.
        TooManyTries: Another one is not looked at yet.
    """
    with transaction.atomic():
        factors.lock(user.pk)
        sheet = _sheet(user)
        wait_s = sheet.seconds_to_wait() if sheet else 0
        used = _use(sheet, code) if sheet and not wait_s else None
        if sheet and not wait_s:
            sheet.note_try(used is not None)
        if used is not None:
            _tell(user, used)
        elif not wait_s:
            audit.record(
                AuditAction.FACTOR_FAILED, actor=None, subject=user, after={"factor": factors.RECOVERY}
            )
    if wait_s:
        raise TooManyTries(wait_s)
    if used is None:
        raise WrongCode


def _sheet(user: User) -> RecoveryDevice | None:
    sheet: RecoveryDevice | None = RecoveryDevice.objects.select_for_update().filter(user=user).first()
    return sheet


def _use(sheet: RecoveryDevice, code: str) -> RecoveryCode | None:
    """Who changes the row has used the code."""
    row = RecoveryCode.objects.filter(
        sheet=sheet, code_hash=_digest(sheet, _typed(code)), used_at=None
    ).first()
    return row if row is not None and _mark_used(row) else None


def _mark_used(row: RecoveryCode) -> bool:
    return bool(RecoveryCode.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now()))


def _tell(user: User, used: RecoveryCode) -> None:
    remaining = left(user.pk)
    audit.record(AuditAction.RECOVERY_CODE_USED, actor=user, subject=user, after={"left": remaining})
    notices.tell(
        user_id=user.pk,
        template="recovery_code_used",
        context={"left": remaining, "url": reverse("settings:recovery-codes")},
        key=f"recovery-code-used:{used.pk}",
    )


def _typed(code: str) -> str:
    """As it was printed, whatever hyphens, spaces and lookalikes it was typed with."""
    return "".join(sign for sign in code.upper() if sign.isalnum()).translate(LOOKALIKES)


def _grouped(code: str) -> str:
    return "-".join(code[place : place + GROUP] for place in range(0, LENGTH, GROUP))


def _digest(sheet: RecoveryDevice, code: str) -> str:
    return hashlib.sha256(f"{sheet.pk}:{code}".encode()).hexdigest()
