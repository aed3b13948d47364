"""Accounts that staff opens for somebody: without a password, which the person sets by a link in an e-mail."""

from __future__ import annotations

import structlog
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.enums import ProofPurpose
from accounts.exceptions import EmailTaken
from accounts.models import User
from accounts.services import audit, emails, proofs

log = structlog.get_logger(__name__)


def invite(*, email: str, actor: User) -> User:
    """Open a customer's account and send them the link; it proves the address, too.

    Raises:
        EmailTaken: The address has an account.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email)
            audit.record(AuditAction.SIGNED_UP, actor=actor, subject=user)
            _write_to(user)
    except IntegrityError as error:
        if "user_email_once" not in str(error):
            raise
        raise EmailTaken from error
    log.info("Account opened by staff", user_id=user.pk, by=actor.pk)
    return user


def _write_to(user: User) -> None:
    """The link is that of a forgotten password, and a newer one takes its place; the words are our own."""
    proof = proofs.open_request(ProofPurpose.RESET_PASSWORD, email=user.email, user=user)
    link = reverse("accounts:password-reset-link", args=[proofs.arm(proof).token])
    emails.queue(
        user_id=user.pk,
        template="invitation",
        context={"url": reverse("accounts:password-reset")},
        key=f"invitation:{user.pk}",
        secrets={"link": link},
    )
