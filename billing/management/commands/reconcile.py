"""`manage.py reconcile`: compare our books with Paystack's now, and say what differs."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.models import ReconciledDay
from billing.paystack.errors import PaystackError
from billing.services import reconciliation
from billing.services import reconciliation_sides as sides
from namaskah.lib.money import format_subunits

LABELS = {
    "payments": "payments",
    "paid": "paid",
    "fees": "fees",
    "refunds": "refunds sent",
    "disputes": "disputes lost",
    "settled": "settled",
    "clearing": "owed more at the end of the day",
    "owed": "owed by Paystack",
}


class Command(BaseCommand):
    help = "Compare our books with Paystack's; exit 1 when differences are open."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", help="One day, YYYY-MM-DD (UTC), instead of the last RECONCILE_DAYS.")

    def handle(self, *args: Any, day: str | None = None, **options: Any) -> None:
        try:
            rows = reconciliation.run_days() if day is None else reconciliation.run_day(_day(day))
        except PaystackError as error:
            raise CommandError(f"Paystack could not be read, nothing was written: {error}") from error
        for row in rows:
            self._print(row)
        still_open = sum(row.open_differences for row in rows)
        if still_open:
            self.stdout.write(self.style.ERROR(f"{still_open} differences are open."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("No difference is open."))

    def _print(self, row: ReconciledDay) -> None:
        state = "closed" if row.closed_at else "open"
        self.stdout.write(f"{row.day} {row.currency}, {state}")
        ours, theirs = row.figures.get("ours", {}), row.figures.get("theirs", {})
        for name, label in LABELS.items():
            here, there = _figure(name, ours, row.currency), _figure(name, theirs, row.currency)
            self.stdout.write(f"  {label:<32}{here:>20}{there:>20}")
        for difference in row.differences.order_by("pk"):
            word = "gone" if difference.gone_at else "explained" if difference.explained_by_id else "OPEN"
            self.stdout.write(f"  {word}: {difference.get_kind_display()}: {difference.text}")


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"Not a day: {text}") from error
    if day > sides.today():
        raise CommandError(f"{text} has not come yet.")
    return day


def _figure(name: str, figures: dict[str, int], currency: str) -> str:
    value = figures.get(name)
    if value is None:
        return "–"
    return str(value) if name == "payments" else format_subunits(value, currency)
