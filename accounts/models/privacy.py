"""Consent, export and erasure."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.enums import Document
from namaskah.lib.ids import uuid7


class Consent(models.Model):
    """What somebody agreed to or took back, in which version, and when. Rows are only added."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="consents", db_index=False
    )
    document = models.CharField(_("document"), max_length=20, choices=Document)
    version = models.CharField(_("version"), max_length=20)  # its date, as 2026-11-21
    is_given = models.BooleanField(_("given"))
    created_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    place = models.CharField(_("where"), max_length=40)  # the page: sign-up, settings

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes: ClassVar = [models.Index(fields=["user", "document", "-created_at"], name="consent_of_user")]

    def __str__(self) -> str:
        return f"{self.document} {self.version}"


class DataExport(models.Model):
    """A copy of everything we know about somebody, made by a job and kept for a day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="exports")
    created_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    next_try_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)
    downloaded_at = models.DateTimeField(_("downloaded"), null=True, blank=True)
    size = models.PositiveBigIntegerField(_("bytes"), default=0)  # nothing again once the parts are gone

    class Meta:
        verbose_name = _("data export")
        verbose_name_plural = _("data exports")
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="export_due"),
            models.Index(fields=["expires_at"], condition=~Q(size=0), name="export_expiry"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ready_at=None, failed_at=None), name="export_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"


class ExportPart(models.Model):
    """A piece of the archive, sealed: a large one is neither made nor read in one piece."""

    export = models.ForeignKey(DataExport, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    sealed = models.BinaryField(editable=False)

    class Meta:
        verbose_name = _("part of a data export")
        verbose_name_plural = _("parts of data exports")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["export", "number"], name="export_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number}"


class Erasure(models.Model):
    """Somebody wants to be forgotten: done after a grace period in which they may think again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="erasures")
    asked_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("due"))
    # When the job looks next: at `due_at`, or later while something stands in the way.
    next_try_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)  # from here on there is no way back
    gives_up_balance = models.BooleanField(_("gives up what is in the wallet"), default=False)
    reason = models.CharField(_("reason"), max_length=300, blank=True)  # of staff, when staff asked
    asked_by_id = models.BigIntegerField(_("asked by"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    obstacle = models.CharField(_("waits for"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(cancelled_at=None, done_at=None), name="erasure_one_open"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="erasure_due")
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"
