"""Passwords: changing one's own, and making some up."""

from __future__ import annotations

import secrets

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import User
from accounts.services import audit, notices, proofs, sessions


def random_password() -> str:
    """24 characters, 144 bits; shown once, never kept in clear."""
    return secrets.token_urlsafe(18)


def change(request: HttpRequest, *, user: User, password: str) -> None:
    """Put a new password in force; every session but this one ends, and links sent before are worth nothing.

    Args:
        password: Checked for strength by the caller's form, which has also asked for the present one.
    """
    hashed = make_password(password)  # takes its time, so before any lock
    with transaction.atomic():
        held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        held.password, held.password_changed_at = hashed, timezone.now()
        held.save(update_fields=["password", "password_changed_at"])
        proofs.retire_all(held)
        sessions.end_all(user_id=held.pk, actor=user, except_request=request)
        audit.record(AuditAction.PASSWORD_CHANGED, actor=user, subject=user)
        notices.tell(
            user_id=held.pk,
            template="password_changed",
            context={"url": reverse("accounts:password-reset")},
            key=f"password-changed:{held.pk}:{held.password_changed_at.timestamp():.6f}",
        )
