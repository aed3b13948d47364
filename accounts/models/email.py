"""The outbox of e-mails. Rows are written by `services/emails.py` in the transaction of the fact they tell."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namaskah.lib.ids import uuid7


class OutgoingEmail(models.Model):
    """One e-mail to be sent, or sent. What it says is made from the template and the context when it is sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="emails"
    )
    to = models.EmailField(_("to"), max_length=254)
    template = models.CharField(_("template"), max_length=60)
    context = models.JSONField(default=dict, editable=False)
    sealed = models.TextField(
        blank=True, editable=False
    )  # links and codes; emptied when it is sent or given up
    key = models.CharField(
        _("key"), max_length=200, unique=True, help_text=_("The fact it tells: told once.")
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    error = models.CharField(_("last error"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("queued"), default=timezone.now, editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    given_up_at = models.DateTimeField(_("given up"), null=True, blank=True)

    class Meta:
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        permissions: ClassVar = [
            ("resend_outgoingemail", _("Can send again an e-mail that was given up")),
            ("read_outgoingemail", _("Can read e-mails that are written to files instead of being sent")),
        ]
        indexes: ClassVar = [
            models.Index(Upper("to"), condition=Q(user=None), name="email_of_nobody"),
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="email_due"),
            models.Index(
                fields=["given_up_at"], condition=Q(given_up_at__isnull=False), name="email_given_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.pk}"
