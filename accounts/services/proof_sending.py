"""Sending links and codes: a row waits to be sent, a task or its sweep decides what its address is told.

Pages only write the row. Whether an address has an account is asked here, where nobody waits for the answer.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import structlog
from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import ProofPurpose
from accounts.models import Proof, User
from accounts.services import audit, emails, notices, proofs
from namaskah.lib import queueing, request_facts

log = structlog.get_logger(__name__)

SEND_TASK = "accounts.send_proof"
MOST_SENDS = 5
PAUSE = dt.timedelta(seconds=60)  # between two messages of one proof
RETRY_AFTER = dt.timedelta(minutes=1)  # when one could not be sent for a reason of ours
SWEEP_ROWS = 100


def enqueue(proof: Proof) -> None:
    """Let a worker send it once the open transaction has committed."""
    queueing.enqueue(SEND_TASK, str(proof.pk))


def seconds_until_again(proof: Proof) -> int:
    """How long until another message may be asked for; 0 when it may now."""
    last = proof.sent_at or proof.created_at
    return max(0, -((timezone.now() - last - PAUSE) // dt.timedelta(seconds=1)))


def sends_left(proof: Proof) -> int:
    """How many more messages this proof may send."""
    return max(0, MOST_SENDS - proof.sends)


def send_again(proof_id: uuid.UUID) -> bool:
    """Have another message sent with a new link and code. False when it is too early, too often, or over.

    One UPDATE decides, so pressing twice sends once; it runs the same for an address that has an account already.
    """
    now = timezone.now()
    asked = Proof.objects.filter(
        pk=proof_id, used_at=None, due_at=None, sends__lt=MOST_SENDS, sent_at__lte=now - PAUSE
    )
    with transaction.atomic():
        is_asked = bool(asked.update(due_at=now))
        if is_asked:
            queueing.enqueue(SEND_TASK, str(proof_id))
    return is_asked


def send(proof_id: uuid.UUID) -> bool:
    """Send what waits; False when nothing does, or somebody else has just sent it."""
    waiting = Proof.objects.filter(pk=proof_id, due_at__isnull=False, used_at=None, purpose__in=SENDERS)
    proof = waiting.first()
    if proof is None:
        return False
    with transaction.atomic():
        owner = _locked_owner(proof.email)  # before the proof, as everywhere
        if not _claim(waiting):
            return False
        proof.refresh_from_db()
        SENDERS[proof.purpose](proof, owner)
    log.info("Proof sent", proof=str(proof_id), purpose=proof.purpose)
    return True


def send_due(*, limit: int = SWEEP_ROWS) -> int:
    """Send what no task has sent, oldest first, and return how many. One that fails waits and holds up nobody."""
    due = Proof.objects.filter(due_at__lte=timezone.now(), used_at=None, purpose__in=SENDERS)
    sent = 0
    for proof_id in list(due.order_by("due_at").values_list("pk", flat=True)[:limit]):
        try:
            sent += send(proof_id)
        except Exception:
            log.exception("Proof not sent", proof=str(proof_id))
            due.filter(pk=proof_id).update(due_at=timezone.now() + RETRY_AFTER)
    return sent


def _claim(waiting: QuerySet[Proof]) -> bool:
    """Whoever changes the row sends it; everybody else finds that it waits no longer."""
    return bool(waiting.update(due_at=None))


def _locked_owner(email: str) -> User | None:
    """Whose address it is, and held: a change of it waits until the message is written."""
    found = User.objects.alias(email_lower=Lower("email")).filter(email_lower=Lower(Value(email)))
    return found.select_for_update(no_key=True).first()


def _sign_up(proof: Proof, owner: User | None) -> None:
    if owner is not None:
        _tell_account_exists(proof, owner)
        return
    made = proofs.arm(proof)
    secrets = {"code": made.code, "link": _link("accounts:verify-email-link", made)}
    emails.queue(
        user_id=None, template="verify_sign_up", context={}, key=_key(proof), secrets=secrets, to=proof.email
    )


def _verify_email(proof: Proof, owner: User | None) -> None:
    if owner is None or owner.pk != proof.user_id:  # the address is not theirs any more
        proofs.note_sent(proof)
        return
    made = proofs.arm(proof)
    secrets = {"code": made.code, "link": _link("accounts:verify-email-link", made)}
    emails.queue(user_id=owner.pk, template="verify_email", context={}, key=_key(proof), secrets=secrets)


def _reset_password(proof: Proof, owner: User | None) -> None:
    """Where nobody has the address, or the account is closed, nothing is sent and nothing kept."""
    if owner is None or not owner.is_active:
        proof.delete()
        return
    proofs.retire(ProofPurpose.RESET_PASSWORD, user=owner)
    proof.user = owner
    proof.save(update_fields=["user"])
    made = proofs.arm(proof)
    link = _link("accounts:password-reset-link", made)
    emails.queue(
        user_id=owner.pk, template="password_reset", context={}, key=_key(proof), secrets={"link": link}
    )
    asked = proofs.payload_of(proof)
    request_facts.note(
        asked.get("address"), asked.get("user_agent", "")
    )  # of whoever asked, not of this worker
    try:
        audit.record(AuditAction.PASSWORD_RESET_ASKED, actor=None, subject=owner)
    finally:
        request_facts.forget()


def _change_email_old(proof: Proof, owner: User | None) -> None:
    if owner is None or owner.pk != proof.user_id:
        proofs.note_sent(proof)
        return
    made = proofs.arm(proof)
    notices.tell(
        user_id=owner.pk,
        template="email_change_old",
        context={"new_hint": proofs.payload_of(proof)["hint"]},
        key=_key(proof),
        secrets={"link": _link("accounts:email-change-link", made)},
    )


def _change_email_new(proof: Proof, owner: User | None) -> None:
    if owner is not None and owner.pk != proof.user_id:
        _tell_account_exists(proof, owner)
        return
    made = proofs.arm(proof)
    emails.queue(
        user_id=proof.user_id,
        template="email_change_new",
        context={},
        key=_key(proof),
        secrets={"link": _link("accounts:email-change-link", made)},
        to=proof.email,
    )


def _tell_account_exists(proof: Proof, owner: User) -> None:
    """The owner is told; who asked sees what everybody sees."""
    proofs.note_sent(proof)
    url = reverse("accounts:sign-in")
    emails.queue(user_id=owner.pk, template="account_exists", context={"url": url}, key=_key(proof))


def _link(name: str, made: proofs.Secrets) -> str:
    return reverse(name, args=[made.token])


def _key(proof: Proof) -> str:
    return f"proof:{proof.pk}:{proof.sends}"


SENDERS: dict[str, Callable[[Proof, User | None], None]] = {
    ProofPurpose.SIGN_UP: _sign_up,
    ProofPurpose.VERIFY_EMAIL: _verify_email,
    ProofPurpose.RESET_PASSWORD: _reset_password,
    ProofPurpose.CHANGE_EMAIL_OLD: _change_email_old,
    ProofPurpose.CHANGE_EMAIL_NEW: _change_email_new,
}
