"""`manage.py load_catalogue`: services, countries and a default price rule, from our own table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from verifications.services import catalog_load


class Command(BaseCommand):
    help = "Bring services and countries up to the table in verifications/data. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = catalog_load.load()
        self.stdout.write(f"Catalogue: {loaded.added} added, {loaded.updated} updated.")
        if loaded.added_default_rule:
            self.stdout.write(
                f"Price rule added: {catalog_load.DEFAULT_PERCENT} % on top of the cost, "
                f"at least {catalog_load.DEFAULT_MINIMUM_MARGIN}."
            )
