"""Another e-mail address for an account: in force when the old and the new one have both said yes, each by a link of its own.

Both links are proofs, and both are retired together, under the lock of the person. So a used one beside an open one has been
said yes to.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import ProofPurpose
from accounts.exceptions import EmailTaken
from accounts.models import Proof, User
from accounts.services import audit, earlier_mail, emails, notices, proof_sending, proofs

log = structlog.get_logger(__name__)

OLD, NEW = ProofPurpose.CHANGE_EMAIL_OLD, ProofPurpose.CHANGE_EMAIL_NEW


@dataclass(frozen=True, slots=True)
class Change:
    """A change that waits: what the new address will be, and who has not said yes yet."""

    old: Proof
    new: Proof

    @property
    def waits_for(self) -> list[Proof]:
        """Whose link has not been used."""
        return [proof for proof in (self.old, self.new) if proof.used_at is None]


def pending(user: User) -> Change | None:
    """The change somebody has begun, if it can still come to its end."""
    change = _newest(user)
    if change is None or not change.waits_for:
        return None
    now = timezone.now()
    return change if min(change.old.expires_at, change.new.expires_at) > now else None


def ask(*, user: User, email: str) -> None:
    """Begin a change: a link to each of the two addresses; one begun before is over.

    That the new address has an account is not said here: its owner is told instead of asked (`proof_sending`).
    """
    wanted = User.objects.normalize_email(email)
    with transaction.atomic():
        held = _hold(user)
        _retire(held)
        for purpose, address in ((OLD, held.email), (NEW, wanted)):
            proof = proofs.open_request(purpose, email=address, user=held, payload={"hint": hint_of(wanted)})
            proof_sending.enqueue(proof)
        audit.record(AuditAction.EMAIL_CHANGE_ASKED, actor=user, subject=user)
    log.info("Change of address begun", user_id=user.pk)


def send_again(user: User) -> bool:
    """Send the links that have not been used once more. False when it is too early or too often."""
    change = pending(user)
    sent = [proof_sending.send_again(proof.pk) for proof in change.waits_for] if change is not None else []
    return any(sent)


def cancel(user: User) -> bool:
    """Leave everything as it is; both links are worth nothing any more. False when nothing was begun."""
    with transaction.atomic():
        held = _hold(user)
        if pending(held) is None:
            return False
        _retire(held)
    log.info("Change of address taken back", user_id=user.pk)
    return True


def find(token: str) -> Proof | None:
    """The proof behind a link, if the link would work now."""
    return proofs.find_token(OLD, token) or proofs.find_token(NEW, token)


def confirm(token: str) -> tuple[User, bool]:
    """Say yes for one of the two addresses; with the second yes the change is in force.

    Returns:
        The person, and whether the address has changed.

    Raises:
        ProofOver: The link is used, taken back, too old or not ours, or the account is closed.
        EmailTaken: Somebody else has got the new address meanwhile; the change is over.
    """
    found = find(token)
    if found is None or found.user is None:
        raise proofs.ProofOver
    try:
        with transaction.atomic():
            user = _hold(found.user)
            proof = proofs.redeem_token(ProofPurpose(found.purpose), token)
            if not user.is_active:
                raise proofs.ProofOver
            change = _newest(user)
            if change is None or change.waits_for:
                log.info("Change of address confirmed by one side", user_id=user.pk, purpose=proof.purpose)
                return user, False
            _apply(user, change)
    except IntegrityError as error:
        if "user_email_once" not in str(error):
            raise
        cancel(found.user)
        raise EmailTaken from error
    log.info("Address changed", user_id=user.pk)
    return user, True


def hint_of(email: str) -> str:
    """An address that its owner knows again and nobody else can use: `a…@example.com`."""
    name, _at, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _apply(user: User, change: Change) -> None:
    before = user.email
    user.email, user.email_verified_at = change.new.email, timezone.now()
    user.save(update_fields=["email", "email_verified_at"])
    earlier_mail.adopt(user)
    proofs.retire_all(user)  # whatever else was sent went to the old address
    audit.record(AuditAction.EMAIL_CHANGED, actor=user, subject=user)
    told = {"support": settings.SUPPORT_EMAIL, "url": reverse("settings:email")}
    key = f"email-changed:{change.new.pk}"
    notices.tell(user_id=user.pk, template="email_changed", context=told, key=key)
    emails.queue(user_id=user.pk, template="email_changed", context=told, key=f"{key}:old", to=before)


def _newest(user: User) -> Change | None:
    proofs_of = Proof.objects.filter(user=user, purpose__in=[OLD, NEW]).order_by("created_at", "pk")
    newest = {proof.purpose: proof for proof in proofs_of}
    return Change(newest[OLD], newest[NEW]) if len(newest) == 2 else None


def _retire(user: User) -> None:
    for purpose in (OLD, NEW):
        proofs.retire(purpose, user=user)


def _hold(user: User) -> User:
    """The person under lock: two yeses at once come one after the other, and neither comes between a taking back."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)
