"""One fact a customer may be told. Rows are written by `services/events.py` alone and never change."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Func, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.enums import EventType
from namaskah.lib.ids import uuid7

SEQUENCE = "accounts_event_sequence"


class Event(models.Model):
    """`sequence` orders one user's events in commit order; `id` is what the outside sees."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sequence = models.BigIntegerField(db_default=Func(Value(SEQUENCE), function="nextval"), editable=False)
    # The constraint below begins with the user, so the foreign key needs no index of its own.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="events", db_index=False)
    type = models.CharField(max_length=40, choices=EventType)
    subject = models.CharField(max_length=80, help_text=_("What it is about, as `verification:<id>`."))
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [models.UniqueConstraint(fields=["user", "sequence"], name="event_order_of_user")]
        indexes = [
            models.Index(fields=["subject"], name="event_about")
        ]  # retention asks for those of an order
        ordering = ("sequence",)

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
