"""Writing the audit trail: one row in the transaction of the act. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from namaskah.lib import request_facts

REASON_LENGTH = 500


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
    entry = AuditEntry(
        action=action.value,
        actor_id=actor.pk if actor else None,
        actor_role=str(actor.role_id) if actor else "",
        subject_id=subject.pk if isinstance(subject, User) else subject,
        target=target[:120],
        address=facts.address,
        user_agent=facts.user_agent,
        request_id=facts.request_id,
        reason=reason[:REASON_LENGTH],
        before=before,
        after=after,
    )
    entry.save(force_insert=True)
