"""What staff does about money: a line in the console's history of the row, and an entry in the audit trail.

Both are written in the transaction of the act. The history tells colleagues the story of a row; the trail proves who did it.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Model

from accounts.audit_actions import AuditAction
from accounts.models import User
from accounts.services import audit
from billing.selectors.customers import customer_of

State = dict[str, Any]
# What an act changes of a row, as far as it says what was decided.
STATE_FIELDS: dict[str, tuple[str, ...]] = {
    "account": ("credits_posted", "debits_posted", "debits_pending"),
    "approval": ("is_approved", "outcome"),
    "deposit": ("status", "review_reason", "user_id", "refunded_subunits"),
    "difference": ("explanation",),
    "dispute": ("status", "outcome", "answered_at"),
    "reconciledday": ("open_differences", "closed_at"),
    "refund": ("status",),
    "savedcard": ("removed_at",),
    "webhookevent": ("state",),
}


def state_of(row: Model) -> State:
    """The row's state as the trail keeps it. Take it before an act that changes the row in place."""
    names = STATE_FIELDS.get(str(row._meta.model_name), ())
    return {name: _plain(getattr(row, name)) for name in names}


def note(actor: User, about: Model, what: str, reason: str = "", *, before: State | None = None) -> None:
    """Write down one act.

    Args:
        about: The row, as it was before the act unless `before` is given.
        what: The act, in a few English words; the history is for staff and auditors.
        reason: What the member of staff gave as the reason.
        before: The row's state before the act, when `about` was changed by it.
    """
    with transaction.atomic():
        was = state_of(about) if before is None else before
        now = type(about)._base_manager.get(pk=about.pk)
        _note_history(actor, about, what, reason)
        audit.record(
            AuditAction.MONEY_ACT,
            actor=actor,
            subject=customer_of(now),
            target=f"{about._meta.label_lower}:{about.pk}",
            before=was or None,
            after={"act": what, **state_of(now)},
            reason=reason,
        )


def _note_history(actor: User, about: Model, what: str, reason: str) -> None:
    LogEntry.objects.log_actions(
        actor.pk,
        [about],
        CHANGE,
        change_message=f"{what}: {reason}" if reason else what,
        single_object=True,
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else str(value)
