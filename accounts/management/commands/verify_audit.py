"""`manage.py verify_audit`: is the audit trail what was written?"""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import audit_checks
from accounts.services.audit_sealing import Head

HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
SHOWN = 100


def _head(text: str) -> Head:
    match = HEAD.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("A head is NUMBER:HASH, as in the log lines “Audit sealed”.")
    return Head(int(match[1]), match[2])


class Command(BaseCommand):
    help = "Recompute the chain of the audit trail; exit 1 when anything was changed, removed, swapped or put in."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            type=_head,
            action="append",
            default=[],
            metavar="NUMBER:HASH",
            help="where the chain ended once, from the log; finds an end that was cut off. May be repeated.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = audit_checks.verify(options["head"])
        if report.removed_until:
            self.stdout.write(f"Entries up to {report.removed_until} were removed as too old.")
        self.stdout.write(f"{report.checked} entries checked; {report.unsealed} wait for their seal.")
        if report.unsealed_since:
            self.stdout.write(f"The oldest that waits is of {report.unsealed_since:%Y-%m-%d %H:%M:%S} UTC.")
        for problem in report.problems[:SHOWN]:
            self.stdout.write(self.style.ERROR(problem))
        if report.problems:
            if len(report.problems) > SHOWN:
                self.stdout.write(f"{len(report.problems) - SHOWN} more of these.")
            self.stdout.write(self.style.ERROR("The audit trail is not what was written."))
            sys.exit(1)
        self.stdout.write(
            self.style.SUCCESS(f"The chain holds. Its head: {report.end.number}:{report.end.hash}")
        )
