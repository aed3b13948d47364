"""Sessions: one row for each browser somebody is signed in with. Rows are written by `accounts/sessions.py` alone."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namaskah.lib.ids import uuid7


class Session(AbstractBaseSession):
    """`session_key` is a digest of what the cookie holds: who reads the table cannot use what it reads."""

    id = models.UUIDField(default=uuid7, unique=True, editable=False)  # how pages name it
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions")
    started_at = models.DateTimeField(_("signed in"), default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    is_remembered = models.BooleanField(_("remembered"), default=False)
    # When a second factor was last shown in this session; nothing for a session of a password alone.
    verified_at = models.DateTimeField(_("second factor shown"), null=True, blank=True)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        indexes: ClassVar = [models.Index(fields=["user", "-last_seen_at"], name="session_of_user")]

    @classmethod
    def living(cls) -> QuerySet[Session]:
        """Sessions that have not expired."""
        return cls.objects.filter(expire_date__gt=timezone.now())

    @classmethod
    def get_session_store_class(cls) -> type:
        """The store that writes these rows."""
        from accounts.sessions import SessionStore

        return SessionStore


class KnownDevice(models.Model):
    """A browser that somebody has signed in with, known again by a cookie of which we keep a digest."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="known_devices")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    created_at = models.DateTimeField(_("first seen"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last seen"), default=timezone.now, editable=False)
    # Until then this browser is not asked for the second factor; nothing when it always is.
    trusted_until = models.DateTimeField(_("trusted until"), null=True, blank=True)

    class Meta:
        verbose_name = _("known device")
        verbose_name_plural = _("known devices")

    def __str__(self) -> str:
        return f"device {self.pk}"

    @property
    def is_trusted(self) -> bool:
        """Whether it stands in for the second factor now."""
        return self.trusted_until is not None and self.trusted_until > timezone.now()
