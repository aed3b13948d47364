"""The people of the first run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.local import first_use
from deploy.local.first_use import FirstUse


def test_password_may_begin_with_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[str, ...]] = []

    def manage_json(env: dict[str, str], *command: str) -> dict[str, Any]:
        commands.append(command)
        return {"email": "x@namaskah.localhost", "password": "-dash"}

    monkeypatch.setattr(first_use, "manage_json", manage_json)
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: "-dash")

    people = FirstUse(tmp_path).make_people({})

    assert [person.password for person in people] == ["-dash", "-dash"]
    assert all(command[-1] == "--password=-dash" for command in commands)  # two words would be two options
