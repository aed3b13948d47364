"""`manage.py replay_erasures`: forget again whoever a restored backup has brought back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.privacy import erasure_log
from accounts.services import erasure_run


class Command(BaseCommand):
    help = "Erase again whoever the erasure log names and is not erased here: run it after a backup was restored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--address",
            default="",
            help="only say when an account with this e-mail address was erased; nothing is changed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["address"]:
            self._look_up(options["address"])
            return
        count = erasure_run.replay()
        self.stdout.write(f"Erased again: {count}. In the log: {len(list(erasure_log.read()))}.")

    def _look_up(self, address: str) -> None:
        wanted = erasure_log.fingerprint_of(address)
        found = [entry for entry in erasure_log.read() if entry.fingerprint == wanted]
        for entry in found:
            self.stdout.write(f"Account {entry.user_id} was erased on {entry.at:%Y-%m-%d %H:%M} UTC.")
        if not found:
            self.stdout.write("No account with this address was erased.")
