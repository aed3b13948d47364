"""Becoming a customer: an account is made when its address is proved, so that nothing tells whether there was one before.

Source: docs/decisions/0005-accounts.md
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import structlog
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import Document, ProofPurpose
from accounts.exceptions import EmailTaken, WrongPassword
from accounts.models import Proof, User
from accounts.services import audit, consents, earlier_mail, proof_sending, proofs

log = structlog.get_logger(__name__)

PLACE = "sign-up"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Somebody who has just become a customer, and where they were going."""

    user: User
    next_url: str


def register(*, email: str, password: str) -> User:
    """Create a customer who can sign in; commands and staff do, who know whose address it is.

    Raises:
        EmailTaken: The address has an account. The database decides, so two at once cannot both win.
    """
    return _save_new(User(email=User.objects.normalize_email(email), password=make_password(password)))


def ask(*, email: str, password: str, next_url: str = "") -> Proof:
    """Note a sign-up; costs the same and looks the same whether or not the address has an account.

    Args:
        password: Checked for strength by the caller's form; kept as its hash, sealed, until the address is proved.
        next_url: A page of ours where the visitor was going.
    """
    chosen = {"password": make_password(password), "next": next_url}
    with transaction.atomic():
        proof = proofs.open_request(
            ProofPurpose.SIGN_UP, email=User.objects.normalize_email(email), payload=chosen
        )
        proof_sending.enqueue(proof)
    log.info("Sign-up begun", proof=str(proof.pk))
    return proof


def open_by_code(*, proof_id: uuid.UUID, code: str) -> NewAccount:
    """Make the account with the code of the e-mail, in the browser that signed up.

    Raises:
        WrongCode, ProofOver: As `proofs.redeem_code`.
        EmailTaken: Another sign-up for this address was proved first.
    """
    made: list[NewAccount] = []
    proofs.redeem_code(
        proof_id, ProofPurpose.SIGN_UP, code, then=lambda proof: made.append(_open_account(proof))
    )
    return made[0]


def open_by_link(*, token: str, password: str | None) -> NewAccount:
    """Make the account with the link of the e-mail.

    Args:
        password: The one chosen at sign-up, which proves that whoever reads the e-mail has also signed up. None where the
            browser itself proves that.

    Raises:
        WrongPassword: Another one was chosen; the link stays good.
        ProofOver: The link is used, too old or not ours.
        EmailTaken: Another sign-up for this address was proved first.
    """
    found = proofs.find_token(ProofPurpose.SIGN_UP, token)
    if found is None:
        raise proofs.ProofOver
    if password is not None and not check_password(password, proofs.payload_of(found)["password"]):
        raise WrongPassword
    with transaction.atomic():
        return _open_account(proofs.redeem_token(ProofPurpose.SIGN_UP, token))


def _open_account(proof: Proof) -> NewAccount:
    chosen = proofs.payload_of(proof)
    now = timezone.now()
    user = _save_new(
        User(email=proof.email, password=chosen["password"], email_verified_at=now, password_changed_at=now)
    )
    earlier_mail.adopt(user)
    for document in (Document.TERMS, Document.PRIVACY):
        consents.note(user, document, True, PLACE)
    audit.record(AuditAction.SIGNED_UP, actor=user, subject=user)
    return NewAccount(user, chosen["next"])


def _save_new(user: User) -> User:
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if "user_email_once" not in str(error):
            raise
        raise EmailTaken from error
    log.info("Customer registered", user_id=user.pk)
    return user
