"""Scenes of the audit trail: acts to seal, and hands that get past its triggers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from accounts.audit_actions import AuditAction
from accounts.services import audit, audit_checks, audit_sealing


def act(count: int = 1, **values: Any) -> None:
    """Write entries, each as of a transaction of its own."""
    for _ in range(count):
        with transaction.atomic():
            audit.record(AuditAction.SIGNED_IN, actor=None, **values)


def sealed(count: int, batch: int = audit_sealing.BATCH) -> None:
    """Write entries and seal them."""
    act(count)
    audit_sealing.seal_pending(batch)


def tamper(statement: str, params: Sequence[Any] = ()) -> int:
    """Run a statement as who owns the database can: without triggers. Returns how many rows it met."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute(statement, params)
            met: int = cursor.rowcount
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
    return met


def problems(*heads: audit_sealing.Head) -> list[str]:
    """What the verification finds."""
    return audit_checks.verify(heads).problems
