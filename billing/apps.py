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
        """Open a wallet for whoever signs up, say where references link, and what is known about people."""
        from accounts.privacy import registry
        from billing import privacy_manifest, references
        from billing.selectors.links import deposit_url, refund_url
        from billing.signals import open_wallet

        registry.register(privacy_manifest.MANIFEST)
        post_save.connect(open_wallet, sender=settings.AUTH_USER_MODEL, dispatch_uid="billing.open_wallet")
        references.register("deposit", deposit_url)
        references.register("refund", refund_url)
