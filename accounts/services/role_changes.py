"""Giving somebody another role. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

import structlog
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.audit_actions import AuditAction
from accounts.enums import STAFF_ROLES, AccountState, Role
from accounts.exceptions import LastAdministrator, NobodyThere, OwnRole
from accounts.models import User
from accounts.services import administrators, audit, sessions

log = structlog.get_logger(__name__)
ASSIGN = "accounts.assign_role"


def assign(*, user_id: int, role: Role, actor: User | None, reason: str) -> None:
    """Change what somebody may do, and end their sessions. Repeating it does nothing.

    Args:
        actor: Who decides; None is whoever runs the machine.

    Raises:
        OwnRole: Nobody decides about themselves.
        PermissionDenied: The actor may not, or may not any more.
        LastAdministrator: Nobody else could do everything.
        NobodyThere: No such account, or it is erased.
    """
    if actor is not None and actor.pk == user_id:
        raise OwnRole
    with transaction.atomic():
        locked = administrators.lock(user_id, *([actor.pk] if actor else []))
        if actor is not None and not locked.people[actor.pk].has_perm(ASSIGN):
            raise PermissionDenied
        user = locked.people.get(user_id)
        if user is None or user.state == AccountState.ERASED:
            raise NobodyThere
        before = str(user.role_id)
        if before == role.value:
            return
        if locked.is_last_administrator(user_id):
            raise LastAdministrator
        user.role_id, user.is_staff = role.value, role in STAFF_ROLES
        user.save(update_fields=["role", "is_staff"])
        sessions.end_all(user_id=user_id, actor=actor)
        audit.record(
            AuditAction.ROLE_CHANGED,
            actor=actor,
            subject=user_id,
            before={"role": before},
            after={"role": role.value},
            reason=reason,
        )
    log.info("Role changed", user_id=user_id, role=role.value, by=actor.pk if actor else None)
