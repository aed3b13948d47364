"""Suspending, banning and restoring accounts. What an account ordered goes on; nobody can use the account."""

from __future__ import annotations

from django.db import transaction

from accounts.audit_actions import AuditAction
from accounts.enums import AccountState
from accounts.models import User
from accounts.services import audit

ACTS = {
    AccountState.SUSPENDED: AuditAction.SUSPENDED,
    AccountState.BANNED: AuditAction.BANNED,
    AccountState.ACTIVE: AuditAction.RESTORED,
}


def suspend(*, user_id: int, reason: str, actor: User | None) -> bool:
    """Close the account until staff restores it; at the next request nothing of it works. False when it was not open."""
    return _move(user_id, [AccountState.ACTIVE], AccountState.SUSPENDED, reason, actor)


def ban(*, user_id: int, reason: str, actor: User | None) -> bool:
    """Close the account for good. False when it was already, or is erased."""
    return _move(user_id, [AccountState.ACTIVE, AccountState.SUSPENDED], AccountState.BANNED, reason, actor)


def restore(*, user_id: int, reason: str, actor: User | None) -> bool:
    """Open a suspended or banned account again. False when it is neither."""
    return _move(user_id, [AccountState.SUSPENDED, AccountState.BANNED], AccountState.ACTIVE, reason, actor)


def _move(
    user_id: int, from_states: list[AccountState], to: AccountState, reason: str, actor: User | None
) -> bool:
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        if user.state not in from_states:
            return False
        before, user.state = user.state, to
        user.session_epoch += 1
        user.save(update_fields=["state", "session_epoch"])
        audit.record(
            ACTS[to],
            actor=actor,
            subject=user_id,
            before={"state": before},
            after={"state": str(to)},
            reason=reason,
        )
    return True
