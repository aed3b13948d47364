"""`manage.py verify_audit`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.services import audit_sealing
from tests.accounts.services.trail import act, sealed, tamper

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out)
    except SystemExit as end:
        return f"{out.getvalue()}exit {end.code}"
    return out.getvalue()


def test_a_sound_chain_is_said_to_hold_with_its_head() -> None:
    sealed(3)
    act(2)

    said = run()

    end = audit_sealing.head()
    assert "3 entries checked; 2 wait for their seal." in said
    assert f"The chain holds. Its head: 3:{end.hash}" in said


def test_an_empty_trail_holds() -> None:
    assert "The chain holds. Its head: 0:" in run()


def test_a_changed_entry_is_named_and_ends_with_1() -> None:
    sealed(3)
    tamper("UPDATE accounts_auditentry SET reason = 'another' WHERE number = 2")

    said = run()

    assert "Entry 2 (id " in said
    assert said.endswith("exit 1")


def test_a_head_of_the_log_is_compared() -> None:
    sealed(3)
    end = audit_sealing.head()

    assert "The chain holds" in run("--head", f"{end.number}:{end.hash}")
    assert "its end was cut off" in run("--head", f"4:{end.hash}")
    assert "written anew" in run("--head", f"3:{'0' * 64}", "--head", f"{end.number}:{end.hash}")


def test_a_head_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="A head is NUMBER:HASH"):
        call_command("verify_audit", "--head", "nonsense")
