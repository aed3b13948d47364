"""Every act that the trail knows is written somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from accounts.audit_actions import AREAS, AuditAction
from accounts.selectors import security_log

APPS = ("accounts", "billing", "verifications", "namaskah")
# These name acts to find or show them, and write none.
READERS = {
    "accounts/audit_actions.py",
    "accounts/selectors/security_log.py",
    "accounts/selectors/audit_search.py",
}
NAMED = re.compile(r"\bAuditAction\.([A-Z_]+)\b")


def _named_in_code() -> set[str]:
    root = Path(settings.BASE_DIR)
    files = [path for app in APPS for path in (root / app).rglob("*.py")]
    return {
        name
        for path in files
        if path.relative_to(root).as_posix() not in READERS
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("action", list(AuditAction), ids=lambda action: action.value)
def test_an_act_is_written_somewhere(action: AuditAction) -> None:
    assert action.name in _named_in_code()


def test_every_act_is_of_an_area_that_the_console_names() -> None:
    assert {value.partition(".")[0] for value in AuditAction.values} == set(AREAS)


def test_no_act_is_called_as_another() -> None:
    assert len(AuditAction.values) == len(set(AuditAction.values))
    assert all(len(value) <= 60 and "." in value for value in AuditAction.values)


def test_the_security_log_leaves_out_what_is_staffs_business_alone() -> None:
    hidden = set(AuditAction) - set(security_log.SHOWN)

    assert hidden == {
        AuditAction.REFUSED, AuditAction.VIEWED, AuditAction.SEARCHED, AuditAction.CHANGED, AuditAction.ADDED,
        AuditAction.DELETED, AuditAction.MONEY_ACT, AuditAction.EXPORTED, AuditAction.ERASED,
    }  # fmt: skip
