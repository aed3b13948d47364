"""Writing the audit trail: one row in the transaction of the act. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts.audit_actions import AuditAction
from accounts.models import User
from namaskah.lib import request_facts

REASON_LENGTH = 500
TARGET_LENGTH = 120
# Fixed text: the trail is written with every sign-in and every act of staff, and Django would build this anew each time.
INSERT = """
INSERT INTO accounts_auditentry (created_at, action, actor_id, actor_role, subject_id, target, address, user_agent,
    request_id, reason, before, after, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s::text::inet, %s, %s, %s, %s, %s, '')
"""


def record(
    action: AuditAction,
    *,
    actor: User | None,
    subject: User | int | None = None,
    target: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write down one act, in the transaction that does it; address, browser and request id come from the request served.

    Args:
        actor: Who did it; None is the system, or nobody known (a sign-in that failed).
        subject: Whose account it is about: they see it in their security log.
        target: What it is about when that is not the account itself, as `billing.deposit:<id>`.
        before: What changed, as it was: JSON-ready. Never a secret, an address of e-mail or a telephone number in clear.
        after: The same as it is now.

    Raises:
        TransactionManagementError: No transaction is open, so the act could happen without its entry.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "An audit entry is written in the transaction of its act."
        )
    facts = request_facts.current()
    values: list[Any] = [
        timezone.now(),
        action.value,
        actor.pk if actor else None,
        str(actor.role_id) if actor else "",
        subject.pk if isinstance(subject, User) else subject,
        target[:TARGET_LENGTH],
        facts.address,
        facts.user_agent,
        facts.request_id,
        reason[:REASON_LENGTH],
        _document(before),
        _document(after),
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)


def _document(values: dict[str, Any] | None) -> Jsonb | None:
    """Amounts, times and identifiers as text; an act must not fail because its entry was handed a number of the wrong kind."""
    return None if values is None else Jsonb(values, dumps=_dumps)


def _dumps(value: Any) -> str:
    return json.dumps(value, default=str)
