"""App configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VerificationsConfig(AppConfig):
    name = "verifications"
    verbose_name = _("Verifications")

    def ready(self) -> None:
        """Tell billing where a verification's reference links, and what orders prove about a disputed payment."""
        from accounts.privacy import registry
        from billing import evidence_sources, references
        from verifications import evidence, privacy_manifest
        from verifications.selectors.links import order_url

        registry.register(privacy_manifest.MANIFEST)
        references.register("verification", order_url)
        evidence_sources.register(_("Orders"), evidence.orders)
