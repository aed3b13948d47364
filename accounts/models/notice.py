"""Notices: what a customer finds under the bell, and which of them they want where."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namaskah.lib.ids import uuid7


class Notice(models.Model):
    """One thing told. Its words are made of the template and the context when it is shown, as an e-mail's are.

    There is a row for what somebody wants to hear by e-mail alone, too: it is how a fact is told once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", db_index=False)
    template = models.CharField(_("what"), max_length=60)
    context = models.JSONField(default=dict, editable=False)
    key = models.CharField(max_length=200, unique=True, editable=False)
    is_shown = models.BooleanField(_("on the site"), default=True, editable=False)
    created_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes: ClassVar = [
            models.Index(
                fields=["user", "-created_at", "-id"], condition=Q(is_shown=True), name="notice_of_user"
            ),
            models.Index(fields=["user"], condition=Q(read_at=None, is_shown=True), name="notice_unread"),
            models.Index(fields=["created_at"], name="notice_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.pk}"


class NoticePreference(models.Model):
    """What somebody wants to hear of one topic, where that differs from the default."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_preferences", db_index=False
    )
    topic = models.CharField(_("topic"), max_length=40)
    in_app = models.BooleanField(_("on the site"))
    by_email = models.BooleanField(_("by e-mail"))

    class Meta:
        verbose_name = _("notice preference")
        verbose_name_plural = _("notice preferences")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "topic"], name="notice_preference_once")
        ]

    def __str__(self) -> str:
        return self.topic
