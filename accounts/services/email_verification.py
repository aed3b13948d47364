"""Confirming the address of an account that was made without proof of it: by staff, or before proof was asked for."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import ProofPurpose
from accounts.models import Proof, User
from accounts.services import audit, proof_sending, proofs

PURPOSE = ProofPurpose.VERIFY_EMAIL


def open_proof(user: User) -> Proof | None:
    """What was last sent to somebody and would still work."""
    mine = Proof.objects.filter(
        purpose=PURPOSE, user=user, email=user.email, used_at=None, expires_at__gt=timezone.now()
    )
    return mine.order_by("-created_at").first()


def ask(user: User) -> bool:
    """Send a link and a code, or another one. False when it is too early, or too often for today."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two presses at once make one proof
        known = open_proof(user)
        if known is not None:
            return proof_sending.send_again(known.pk)
        proof = proofs.open_request(PURPOSE, email=user.email, user=user)
        proof_sending.enqueue(proof)
    return True


def confirm_by_code(*, user: User, code: str) -> None:
    """Confirm with the code of the e-mail.

    Raises:
        WrongCode, ProofOver: As `proofs.redeem_code`.
    """
    proof = open_proof(user)
    if proof is None:
        raise proofs.ProofOver
    proofs.redeem_code(proof.pk, PURPOSE, code, then=_confirm)


def confirm_by_link(token: str) -> User:
    """Confirm with the link of the e-mail, in whatever browser.

    Raises:
        ProofOver: It is used, too old, not ours, or the account has another address by now.
    """
    with transaction.atomic():
        return _confirm(proofs.redeem_token(PURPOSE, token))


def _confirm(proof: Proof) -> User:
    user = proof.user  # whose row is locked with the proof
    if user is None or user.email != proof.email:
        raise proofs.ProofOver
    user.email_verified_at = timezone.now()
    user.save(update_fields=["email_verified_at"])
    audit.record(AuditAction.EMAIL_VERIFIED, actor=user, subject=user)
    return user
