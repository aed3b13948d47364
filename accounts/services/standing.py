"""Suspending, banning and restoring accounts. What an account ordered goes on; nobody can use the account.

This is the one place where an account closes. What somebody may do is asked of their row at each request
(`User.is_active`): by pages (`accounts/session_user.py`), streams (`accounts/streams/reads.py`) and the second step of a
sign-in (`accounts/sign_in.py`). A key or token must ask the row of its owner in the same way; nothing here has to find it.
"""

from __future__ import annotations

import structlog
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.enums import AccountState
from accounts.exceptions import LastAdministrator, NobodyThere
from accounts.models import User
from accounts.services import administrators, audit, known_devices, notices, role_changes, sessions

log = structlog.get_logger(__name__)

ACTS = {
    AccountState.SUSPENDED: AuditAction.SUSPENDED,
    AccountState.BANNED: AuditAction.BANNED,
    AccountState.ACTIVE: AuditAction.RESTORED,
}
TOLD_REASON = 300  # characters of the reason that the person reads


def may_close(person: User, actor: User) -> bool:
    """Whether this member of staff may close, open or sign out this account: not their own; staff's if they appoint staff."""
    if actor.pk == person.pk or person.state == AccountState.ERASED:
        return False
    return not person.is_staff or actor.has_perm(role_changes.ASSIGN)


def suspend(*, user_id: int, reason: str, actor: User | None) -> bool:
    """Close the account until staff restores it; at the next request nothing of it works. False when it was not open.

    Args:
        reason: A sentence the person reads in an e-mail; it is kept in the trail.
        actor: None when the product does it by itself.

    Raises:
        LastAdministrator: Nobody else could do everything.
        NobodyThere: No such account.
        PermissionDenied: The actor may not decide about this account.
    """
    return _move(user_id, [AccountState.ACTIVE], AccountState.SUSPENDED, reason, actor)


def ban(*, user_id: int, reason: str, actor: User | None) -> bool:
    """Close the account for good, as `suspend`. False when it was already, or is erased."""
    return _move(user_id, [AccountState.ACTIVE, AccountState.SUSPENDED], AccountState.BANNED, reason, actor)


def restore(*, user_id: int, reason: str, actor: User | None) -> bool:
    """Open a suspended or banned account again, as `suspend`. False when it is neither."""
    return _move(user_id, [AccountState.SUSPENDED, AccountState.BANNED], AccountState.ACTIVE, reason, actor)


def _move(
    user_id: int, from_states: list[AccountState], to: AccountState, reason: str, actor: User | None
) -> bool:
    with transaction.atomic():
        locked = administrators.lock(user_id, *([actor.pk] if actor else []))
        user = locked.people.get(user_id)
        if user is None:
            raise NobodyThere
        if actor is not None and not may_close(user, locked.people[actor.pk]):
            raise PermissionDenied
        if user.state not in from_states:
            return False
        if locked.is_last_administrator(user_id):
            raise LastAdministrator
        before, user.state = user.state, to
        user.session_epoch += 1
        user.save(update_fields=["state", "session_epoch"])
        sessions.drop_all(user_id)
        known_devices.forget_all(user_id)
        audit.record(
            ACTS[to],
            actor=actor,
            subject=user_id,
            before={"state": before},
            after={"state": str(to)},
            reason=reason,
        )
        _tell(user, reason)
    log.warning("Account's state changed", user_id=user_id, state=str(to), actor=actor.pk if actor else None)
    return True


def _tell(user: User, reason: str) -> None:
    """The epoch makes the fact a new one each time."""
    key = f"{user.pk}:{user.session_epoch}"
    if user.is_active:
        notices.tell(
            user_id=user.pk,
            template="account_restored",
            context={"url": reverse("accounts:sign-in")},
            key=f"account-restored:{key}",
        )
        return
    notices.tell(
        user_id=user.pk,
        template="account_suspended",
        context={
            "reason": reason[:TOLD_REASON],
            "final": "yes" if user.state == AccountState.BANNED else "",
            "url": reverse("landing"),
        },
        key=f"account-closed:{key}",
    )
