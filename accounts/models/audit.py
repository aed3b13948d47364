"""The audit trail: who did what to whom, when and from where. Rows are written by `services/audit.py` alone and never change.

A job numbers and chains them afterwards (`services/audit_sealing.py`); triggers refuse every other change.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One act. People stand here by number, not by key, so that the trail outlives whoever it is about."""

    created_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    action = models.CharField(_("action"), max_length=60)
    actor_id = models.BigIntegerField(_("actor"), null=True, blank=True)  # empty: the system, or nobody known
    actor_role = models.CharField(_("role"), max_length=20, blank=True)
    subject_id = models.BigIntegerField(
        _("whose account"), null=True, blank=True
    )  # sees it in their security log
    target = models.CharField(_("about"), max_length=120, blank=True)  # as `billing.deposit:<id>`
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)
    number = models.BigIntegerField(_("number"), null=True, blank=True, unique=True)  # its place in the chain
    hash = models.CharField(_("seal"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(number=None), name="audit_unsealed"),
            models.Index(fields=["subject_id", "-id"], name="audit_of_subject"),
            models.Index(fields=["actor_id", "-id"], name="audit_of_actor"),
            models.Index(fields=["action", "-id"], name="audit_of_action"),
            models.Index(fields=["target", "-id"], name="audit_of_target"),
            models.Index(fields=["request_id"], name="audit_of_request"),
            models.Index(fields=["address", "-id"], name="audit_of_address"),
            models.Index(fields=["created_at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"


class AuditSeal(models.Model):
    """One batch of the sealing job, or of the job that removes what is too old: where the chain stood after it.

    Rows never change either. `mac` is a keyed digest of the row itself: without it, whoever can write to the database could
    declare any part of the trail removed for its age.
    """

    created_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    first_number = models.BigIntegerField(_("from"))
    last_number = models.BigIntegerField(_("to"))
    hash = models.CharField(_("seal"), max_length=64)  # of the entry with `last_number`
    is_removal = models.BooleanField(_("removed as too old"), default=False)
    mac = models.CharField(_("proof of the seal"), max_length=64)

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        indexes: ClassVar = [models.Index(fields=["-last_number"], name="audit_seal_newest")]

    def __str__(self) -> str:
        return f"{self.first_number}-{self.last_number}"
