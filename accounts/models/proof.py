"""Links and codes that were sent to somebody, and the counting of wrong sign-ins."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.enums import ProofPurpose
from namaskah.lib.ids import uuid7


class Proof(models.Model):
    """One link, code or both. What was sent is kept as a digest alone; it works once, and not for long.

    Rows are written by `services/proofs.py` alone. `user` is empty where nobody has the address, so that asking for a
    password reset costs the same for every address.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    purpose = models.CharField(_("purpose"), max_length=20, choices=ProofPurpose)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="proofs")
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    token_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)
    code_hash = models.CharField(max_length=64, blank=True, editable=False)
    tries_left = models.PositiveSmallIntegerField(_("tries left"), default=5)
    sends = models.PositiveSmallIntegerField(_("times sent"), default=0)
    sealed = models.TextField(
        blank=True, editable=False
    )  # what comes into force with it (a password's hash, an address)
    created_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("valid until"))
    sent_at = models.DateTimeField(_("last sent"), null=True, blank=True)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)  # it waits to be sent since then

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proofs")
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="proof_due"),
            models.Index(fields=["purpose", "email", "-created_at"], name="proof_by_email"),
            models.Index(fields=["expires_at"], name="proof_expiry"),
            models.Index(Upper("email"), condition=Q(user=None), name="proof_of_nobody"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class SignInGuard(models.Model):
    """Wrong passwords for one address, whether or not it has an account. The key is a fingerprint of the address."""

    key = models.CharField(primary_key=True, max_length=64, editable=False)
    failures = models.PositiveIntegerField(_("wrong tries"), default=0)
    since = models.DateTimeField(_("since"), default=timezone.now)
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)
    locks = models.PositiveSmallIntegerField(_("times locked"), default=0)
    # The address in full, for as long as its owner is still to be told of the lock.
    sealed = models.TextField(blank=True, editable=False)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("sign-in guard")
        verbose_name_plural = _("sign-in guards")
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="sign_in_guard_due")
        ]

    def __str__(self) -> str:
        return f"guard {self.key[:8]}"
