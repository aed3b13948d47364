"""`manage.py setup_sandbox`: the sandbox as three sellers, with prices."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from verifications.models import Service
from verifications.services import provider_accounts, sandbox_setup


class Command(BaseCommand):
    help = "Create the provider rows that reach the sandbox at SANDBOX_URL and read its price lists. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_URL:
            raise CommandError("SANDBOX_URL is not set: there is no sandbox to set up.")
        if not Service.objects.exists():
            raise CommandError("The catalogue is empty. Run load_catalogue first.")
        providers = sandbox_setup.ensure_providers()
        if problem := provider_accounts.credential_problem(providers[0]):
            raise CommandError(problem)
        results = sandbox_setup.refresh_due(providers)
        for slug, result in results.items():
            self.stdout.write(
                f"{slug}: {result.offers} offers in {result.lists} price lists, {result.errors} errors."
            )
        if not results:
            self.stdout.write("Sandbox: set up, its prices are fresh.")
        elif not any(result.lists for result in results.values()):
            self.stderr.write(
                f"No price list could be read. Is the sandbox running at {settings.SANDBOX_URL}?"
            )
