"""App configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        from billing.signals import open_wallet

        post_save.connect(open_wallet, sender=settings.AUTH_USER_MODEL, dispatch_uid="billing.open_wallet")
