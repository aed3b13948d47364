"""`manage.py refresh_exchange_rate`: ask the source now; part of `make run` and of a release."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing.services import exchange_rates


class Command(BaseCommand):
    help = "Ask the configured source for the exchange rate and write it down if it is new."

    def handle(self, *args: Any, **options: Any) -> None:
        exchange_rates.refresh()
        rate = exchange_rates.current()
        if rate is None:
            self.stderr.write(
                "There is no exchange rate: top-ups stay closed until the source answers or staff enters one."
            )
        else:
            state = "too old to sell by" if exchange_rates.is_stale(rate) else "in force"
            self.stdout.write(f"{rate}, {state}, as of {rate.as_of:%Y-%m-%d %H:%M} UTC ({rate.source}).")
