"""Second factors, on django-otp's devices: what they hold, sealed or as digests. Verifying is their own method, as there."""

from __future__ import annotations

import base64
import math
import time
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager, ThrottlingMixin, TimestampMixin
from django_otp.oath import hotp

from accounts.enums import CodeChannel
from namaskah.lib import sealing
from namaskah.lib.ids import uuid7

STEP_S = 30
DRIFT_STEPS = 1  # a telephone's clock may be half a minute off


class Factor(TimestampMixin, ThrottlingMixin, Device):  # type: ignore[misc]  # django-otp ships no types
    """What all second factors have. Wrong tries are slowed down: 1, 2, 4 seconds and so on (django-otp)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    objects: ClassVar[Any] = DeviceManager()

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> int:
        """Seconds until another try after the first wrong one."""
        return int(settings.SECOND_FACTOR_THROTTLE_S)

    def seconds_to_wait(self) -> int:
        """How long until another try is looked at; 0 when it may be made now."""
        is_allowed, why = self.verify_is_allowed()
        if is_allowed:
            return 0
        seconds: float = (why["locked_until"] - timezone.now()).total_seconds()
        return max(1, math.ceil(seconds))

    def note_try(self, is_right: bool) -> bool:
        """Count a wrong try, or begin anew after a right one; returns what it was told."""
        if is_right:
            self.throttle_reset(commit=False)
            self.set_last_used_timestamp(commit=False)
        else:
            self.throttle_increment(commit=False)
        self.save(update_fields=["throttling_failure_timestamp", "throttling_failure_count", "last_used_at"])
        return is_right


class TotpDevice(Factor):
    """An authenticator app. `last_step` is the newest time step used, so that a code works once."""

    sealed_key = models.TextField(editable=False)
    last_step = models.BigIntegerField(default=-1, editable=False)

    class Meta(Factor.Meta):
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user"], condition=Q(confirmed=True), name="totp_one_per_user")
        ]

    def verify_token(self, token: str) -> bool:
        """Whether this code is right and new. The caller has locked the row, so that a code cannot be used twice at once."""
        if self.seconds_to_wait():
            return False
        step = matching_step(base64.b32decode(sealing.unseal(self.sealed_key)), token, after=self.last_step)
        if step is None:
            return self.note_try(False)
        self.last_step = step
        self.save(update_fields=["last_step"])
        return self.note_try(True)


def matching_step(key: bytes, code: str, *, after: int) -> int | None:
    """The time step that a code belongs to, if it is one of now and not one that was used (RFC 6238, section 5.2)."""
    now = int(time.time()) // STEP_S
    fitting = [
        step
        for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
        if constant_time_compare(f"{hotp(key, step):06d}", code) and step > after
    ]
    return fitting[0] if fitting else None


class CodeDevice(Factor):
    """Codes by e-mail or SMS, for those without their app. The codes themselves are proofs (`models/proof.py`)."""

    channel = models.CharField(_("by"), max_length=8, choices=CodeChannel)
    sealed_phone = models.TextField(
        blank=True, editable=False
    )  # E.164; empty for e-mail, which goes to the account's address
    phone_hint = models.CharField(_("telephone"), max_length=20, blank=True)  # as `+44 … 42`

    class Meta(Factor.Meta):
        verbose_name = _("codes by message")
        verbose_name_plural = _("codes by message")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "channel"], condition=Q(confirmed=True), name="code_device_once"
            )
        ]


class RecoveryDevice(Factor):
    """A sheet of ten codes. A new sheet replaces the old one."""

    class Meta(Factor.Meta):
        verbose_name = _("recovery codes")
        verbose_name_plural = _("recovery codes")
        constraints: ClassVar = [models.UniqueConstraint(fields=["user"], name="recovery_one_sheet")]


class RecoveryCode(models.Model):
    """One code of a sheet: a digest, and when it was used."""

    sheet = models.ForeignKey(RecoveryDevice, models.CASCADE, related_name="codes")
    code_hash = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sheet", "code_hash"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class Passkey(models.Model):
    """A WebAuthn credential: what its authenticator told us when it was made. Nothing here is secret."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="passkeys")
    name = models.CharField(_("name"), max_length=64)
    credential_id = models.CharField(max_length=1400, unique=True, editable=False)  # base64url
    # Whose it is, as its authenticator knows them. Kept, so that a new SECRET_KEY locks nobody out.
    user_handle = models.CharField(max_length=64, editable=False)
    public_key = models.BinaryField(editable=False)
    sign_count = models.BigIntegerField(default=0, editable=False)
    transports = models.JSONField(default=list, editable=False)
    is_synced = models.BooleanField(_("synchronised"), default=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")

    def __str__(self) -> str:
        return self.name


class FactorReset(models.Model):
    """Staff takes somebody's second factors away: one asks, another decides."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="factor_resets")
    reason = models.CharField(_("reason"), max_length=300)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    is_approved = models.BooleanField(_("approved"), null=True, blank=True)

    class Meta:
        verbose_name = _("reset of second factors")
        verbose_name_plural = _("resets of second factors")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(decided_at=None), name="factor_reset_one_open"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="factor_reset_by_another"
            ),
        ]
        permissions: ClassVar[Any] = [("decide_factorreset", "Can decide on a reset of second factors")]

    def __str__(self) -> str:
        return f"reset {self.pk}"
