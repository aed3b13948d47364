"""`manage.py verify_books`: is every balance what the transfers say?"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from billing.services import books
from namaskah.lib.money import format_money


class Command(BaseCommand):
    help = "Recompute every balance and invariant from the transfers; exit 1 on any difference."

    def handle(self, *args: Any, **options: Any) -> None:
        report = books.verify()
        currency = settings.WALLET_CURRENCY
        self.stdout.write(
            f"{report.customers} customers, {report.transfers} transfers, {format_money(report.posted, currency)} moved; "
            f"customers own {format_money(report.owned, currency)}, {format_money(report.held, currency)} of it on hold."
        )
        for difference in report.differences:
            self.stdout.write(self.style.ERROR(f"{difference.check}: {difference.text}"))
        for check, count in report.found.items():
            if count > books.SHOWN_PER_CHECK:
                self.stdout.write(f"{check}: {count - books.SHOWN_PER_CHECK} more of these")
        if not report.is_clean:
            self.stdout.write(
                self.style.ERROR(f"The books do not add up: {sum(report.found.values())} differences.")
            )
            sys.exit(1)
        self.stdout.write(
            self.style.SUCCESS(f"The books are right: {len(books.ALL_CHECKS)} checks, no difference.")
        )
