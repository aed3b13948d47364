#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it uses what `make run` wrote to var/env, so both see the same data."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def use_local_environment() -> None:
    """Take over the addresses and secrets of `make run`, unless the environment names a database itself."""
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return
    path = Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent / "var") / "env"
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name, value)


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")
    use_local_environment()
    from django.core.management import execute_from_command_line  # after the environment is complete

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
