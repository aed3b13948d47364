"""A new password for who has lost the old one: a link to the account's address, good once and for an hour."""

from __future__ import annotations

import structlog
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import ProofPurpose
from accounts.models import Proof, User
from accounts.services import audit, known_devices, notices, proof_sending, proofs, sessions, sign_in_guard
from namaskah.lib import request_facts

log = structlog.get_logger(__name__)

PURPOSE = ProofPurpose.RESET_PASSWORD


def ask(email: str) -> None:
    """Note that somebody wants a link; the same work for every address, whoever has it."""
    facts = request_facts.current()
    asker = {"address": facts.address, "user_agent": facts.user_agent}
    with transaction.atomic():
        proof = proofs.open_request(PURPOSE, email=User.objects.normalize_email(email), payload=asker)
        proof_sending.enqueue(proof)
    log.info("Password reset asked for", proof=str(proof.pk))


def find(token: str) -> Proof | None:
    """The request behind a link, if the link would work now."""
    proof = proofs.find_token(PURPOSE, token)
    return proof if proof is not None and proof.user is not None and proof.user.is_active else None


def finish(*, token: str, password: str) -> User:
    """Put the new password in force: the link, everything else that was sent, all sessions and all known browsers are over.

    The link went to the account's address, so the address is proved with it.

    Args:
        password: Checked for strength by the caller's form.

    Raises:
        ProofOver: The link is used, too old or not ours, or the account is closed or has another address by now.
    """
    hashed = make_password(password)  # takes its time, so before any lock
    with transaction.atomic():
        proof = proofs.redeem_token(PURPOSE, token)
        user = proof.user  # whose row is locked with the proof
        if user is None or not user.is_active or user.email.lower() != proof.email.lower():
            raise proofs.ProofOver
        now = timezone.now()
        user.password, user.password_changed_at = hashed, now
        user.email_verified_at = user.email_verified_at or now
        user.save(update_fields=["password", "password_changed_at", "email_verified_at"])
        proofs.retire_all(user)
        sessions.end_all(user_id=user.pk, actor=user)
        known_devices.forget_all(user.pk)
        audit.record(AuditAction.PASSWORD_RESET, actor=user, subject=user)
        notices.tell(
            user_id=user.pk,
            template="password_changed",
            context={"url": reverse("accounts:password-reset")},
            key=f"password-reset:{proof.pk}",
        )
    sign_in_guard.forget(user.email)
    return user
