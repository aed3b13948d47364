"""App configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """The last app of the house to be migrated is followed by the writing of the groups; the manifest is told."""
        from django.apps import apps

        from accounts import privacy_manifest
        from accounts.privacy import registry
        from accounts.signals import write_groups

        registry.register(privacy_manifest.MANIFEST)

        last = apps.get_app_config("verifications")
        post_migrate.connect(write_groups, sender=last, dispatch_uid="accounts.write_groups")
