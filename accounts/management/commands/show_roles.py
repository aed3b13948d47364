"""`manage.py show_roles`: who may what, as the table in docs/roles.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts import roles_table


class Command(BaseCommand):
    help = "Print which role has which permission, as Markdown; docs/roles.md is made of it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(roles_table.document(), ending="")
