"""Members of staff."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import Role
from accounts.models import User
from accounts.services import audit, registration

log = structlog.get_logger(__name__)


@transaction.atomic
def appoint(*, email: str, password: str) -> User:
    """Create someone who may do everything in the staff console.

    Raises:
        EmailTaken: The address has an account; nobody becomes staff by accident.
    """
    user = registration.register(email=email, password=password)
    user.role_id, user.is_staff = Role.ADMINISTRATOR.value, True
    user.email_verified_at = timezone.now()
    user.save(update_fields=["role", "is_staff", "email_verified_at"])
    audit.record(AuditAction.STAFF_APPOINTED, actor=None, subject=user, after={"role": user.role_id})
    log.info("Staff appointed", user_id=user.pk)
    return user
