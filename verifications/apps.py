"""App configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VerificationsConfig(AppConfig):
    name = "verifications"
    verbose_name = _("Verifications")

    def ready(self) -> None:
        """Tell the ledger's statement where a verification's reference links."""
        from billing import references
        from verifications.selectors.links import order_url

        references.register("verification", order_url)
