"""The people a new installation starts with: one for the staff console, one customer with money to try it out.

Their passwords are written down (mode 0600) before they are made and forgotten once they were shown, so a run that is killed
in between ends with the people and the passwords of the first try.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.manage import CommandFailed, manage_json

PEOPLE: dict[str, tuple[str, ...]] = {
    "staff": ("create_staff", "--email", "staff@namaskah.localhost"),
    "demo customer": ("create_customer", "--email", "demo@namaskah.localhost", "--credit", "25.00"),
}


@dataclass(frozen=True)
class Credentials:
    """What to sign in with; `password` is empty when the person existed before."""

    role: str
    email: str
    password: str


class FirstUse:
    """Remembers in `var/first-use.json` how far the first use got."""

    def __init__(self, var_dir: Path) -> None:
        self._path = var_dir / "first-use.json"

    def is_due(self) -> bool:
        """Whether there is somebody to make or to show."""
        return not self._read().get("shown")

    def make_people(self, env: Mapping[str, str]) -> list[Credentials]:
        """Make whoever is missing and return what has to be shown.

        Raises:
            CommandFailed: The product refused for another reason than that they exist.
        """
        state = self._read()
        passwords = {role: state.get(role) or secrets.token_urlsafe(12) for role in PEOPLE}
        self._write(passwords)
        return [self._make(env, role, passwords[role], again=role in state) for role in PEOPLE]

    def forget_passwords(self) -> None:
        """The credentials have been shown: keep only that fact."""
        self._write({"shown": "yes"})

    def _make(self, env: Mapping[str, str], role: str, password: str, *, again: bool) -> Credentials:
        command = PEOPLE[role]
        email = command[command.index("--email") + 1]
        try:
            made = manage_json(env, *command, f"--password={password}")  # one may begin with a dash
        except CommandFailed as failure:
            if "exist" not in str(failure) and "taken" not in str(failure).lower():
                raise
            return Credentials(role, email, password if again else "")
        return Credentials(role, made["email"], made["password"])

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return {}

    def _write(self, state: Mapping[str, str]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(dict(state), file)
        fresh.replace(self._path)
