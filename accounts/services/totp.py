"""Authenticator apps: a key shown once as a QR code, then codes of it (RFC 6238). Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

import base64
import secrets
from urllib.parse import quote, urlencode

from django.db import transaction

from accounts.audit_actions import AuditAction
from accounts.exceptions import FactorPresent, TooManyTries
from accounts.models import TotpDevice, User
from accounts.models.factors import STEP_S, matching_step
from accounts.services import audit, factor_changes, factors
from accounts.services.proofs import WrongCode
from namaskah.lib import sealing

KEY_BYTES = 20  # as RFC 4226 wants it
ISSUER = "Namaskah SMS"


def new_key() -> str:
    """A key of chance, in the base32 that people can type."""
    return base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode()


def address_of(key: str, user: User) -> str:
    """What the QR code says: https://github.com/google/google-authenticator/wiki/Key-Uri-Format"""
    label = quote(f"{ISSUER}:{user.email}")
    values = urlencode({"secret": key, "issuer": ISSUER, "period": STEP_S}, quote_via=quote)
    return f"otpauth://totp/{label}?{values}"


@transaction.atomic
def enrol(*, user: User, key: str, code: str) -> list[str]:
    """Add an authenticator app that has shown a code of its key.

    Returns:
        A fresh sheet of recovery codes if this is the first factor, to be shown once; else nothing.

    Raises:
        FactorPresent: There is one already.
        WrongCode: The code is not one of this key and this minute.
    """
    locked = factors.lock(user.pk)
    if TotpDevice.objects.filter(user=locked, confirmed=True).exists():
        raise FactorPresent
    step = matching_step(base64.b32decode(key), code, after=-1)
    if step is None:
        raise WrongCode
    TotpDevice.objects.create(
        user=locked, name="authenticator", sealed_key=sealing.seal(key), last_step=step, confirmed=True
    )
    return factor_changes.added(user=locked, factor=factors.TOTP)


@transaction.atomic
def remove(*, user: User) -> bool:
    """Take the app away. False when there is none.

    Raises:
        LastFactor: Staff keeps at least one.
    """
    locked = factors.lock(user.pk)
    if not TotpDevice.objects.filter(user=locked, confirmed=True).exists():
        return False
    factors.refuse_last_of_staff(locked)
    TotpDevice.objects.filter(user=locked).delete()
    factor_changes.removed(user=locked, factor=factors.TOTP)
    return True


def verify(*, user: User, code: str) -> None:
    """Use a code, once.

    Raises:
        WrongCode: It is not right, or was used.
        TooManyTries: Another one is not looked at yet.
    """
    with transaction.atomic():
        factors.lock(user.pk)
        device = _device(user)
        wait_s = device.seconds_to_wait() if device else 0
        is_right = device is not None and not wait_s and device.verify_token(code)
        if not is_right and not wait_s:
            audit.record(AuditAction.FACTOR_FAILED, actor=None, subject=user, after={"factor": factors.TOTP})
    if wait_s:
        raise TooManyTries(wait_s)
    if not is_right:
        raise WrongCode


def _device(user: User) -> TotpDevice | None:
    """Locked: the newest step used is read and written here."""
    device: TotpDevice | None = (
        TotpDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
    )
    return device
