"""A second member of staff for money actions above `APPROVAL_ABOVE`: one asks, another decides, and deciding carries it out.

The request's row is locked before anything else of the act; the database refuses a decision by the one who asked.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.enums import ApprovalKind
from billing.models import Approval
from billing.services import ledger, refunds, reviews, staff_log
from namaskah.exceptions import DomainError

log = structlog.get_logger(__name__)


class AlreadyAsked(DomainError):
    """A request about the same thing waits for its decision."""

    code = "already_asked"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("A request about this waits for a second member of staff already."))


class AlreadyDecided(DomainError):
    """Somebody was first."""

    code = "invalid_state"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This request has been decided already."))


class NeedsAnother(DomainError):
    """Nobody approves what they asked for themselves."""

    code = "needs_another"
    status = 403

    def __init__(self) -> None:
        super().__init__(_("You asked for this yourself. Another member of staff has to decide."))


def needs_second(amount: Decimal) -> bool:
    """Whether moving this much, in either direction, takes two members of staff. Wallet currency."""
    return abs(amount) > settings.APPROVAL_ABOVE


def ask(*, kind: ApprovalKind, subject: str, amount: Decimal, reason: str, actor: User) -> Approval:
    """Ask another member of staff to approve an act; nothing moves yet.

    Args:
        subject: What it is about, `user:<id>`, `deposit:<id>` or `refund:<id>`.
        amount: Wallet currency, signed for an adjustment.
        reason: Kept with the act.

    Raises:
        AlreadyAsked: A request about this is open.
        ValueError: No reason.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("A request needs a reason.")
    try:
        with transaction.atomic():
            approval = Approval.objects.create(
                kind=kind, subject=subject, amount=amount, reason=reason[:500], asked_by=actor
            )
            what = f"Asked for {kind} of {amount} about {subject}"
            staff_log.note(actor, approval, what, reason, before={})
    except IntegrityError as error:
        if "approval_asked_once" not in str(error):
            raise
        raise AlreadyAsked from error
    log.info("Approval asked for", approval=str(approval.pk), kind=str(kind), subject=subject, actor=actor.pk)
    return approval


def decide(*, approval_id: uuid.UUID, actor: User, approve: bool) -> Approval:
    """Decide a request; an approved one is carried out in the same transaction. Deciding the same again is left as it is.

    Raises:
        AlreadyDecided: Somebody decided before.
        DomainError: The act is not possible now; the request stays open.
        NeedsAnother: The one who asked decides.
    """
    with transaction.atomic():
        approval = _lock(approval_id)
        if approval.decided_at is not None:
            if (approval.decided_by_id, approval.is_approved) == (actor.pk, approve):
                return approval
            raise AlreadyDecided
        if approval.asked_by_id == actor.pk:
            raise NeedsAnother
        before = staff_log.state_of(approval)
        approval.outcome = HANDLERS[ApprovalKind(approval.kind)](approval, actor)[:300] if approve else ""
        approval.decided_by, approval.decided_at, approval.is_approved = actor, timezone.now(), approve
        approval.save(update_fields=["outcome", "decided_by", "decided_at", "is_approved"])
        word = "Approved" if approve else "Refused"
        what = f"{word} {approval.kind} of {approval.amount} about {approval.subject}"
        staff_log.note(actor, approval, what, before=before)
    log.info("Approval decided", approval=str(approval.pk), is_approved=approve, actor=actor.pk)
    return approval


def _lock(approval_id: uuid.UUID) -> Approval:
    return Approval.objects.select_for_update(of=("self",)).get(pk=approval_id)


def _key(approval: Approval) -> str:
    return f"approval:{approval.pk}"


def _reason(approval: Approval) -> str:
    """The reason, with the one who asked: the ledger knows only who carried it out."""
    return f"{approval.reason[:440]} (asked for by staff {approval.asked_by_id})"


def _subject_id(approval: Approval) -> str:
    return approval.subject.partition(":")[2]


def _adjust(approval: Approval, actor: User) -> str:
    transfer = ledger.adjust(
        user=User.objects.get(pk=int(_subject_id(approval))),
        amount=approval.amount,
        reason=_reason(approval),
        actor=actor,
        key=_key(approval),
    )
    return f"transfer {transfer.sequence}"


def _credit_review(approval: Approval, actor: User) -> str:
    deposit = reviews.credit(
        deposit_id=uuid.UUID(_subject_id(approval)), actor=actor, reason=_reason(approval)
    )
    return f"deposit {deposit.status}"


def _refund(approval: Approval, actor: User) -> str:
    """A customer's request, or money under review that goes back whole; a task sends it after the commit."""
    row_id, reason = uuid.UUID(_subject_id(approval)), _reason(approval)
    if approval.subject.startswith("deposit:"):
        refund = reviews.send_back(deposit_id=row_id, actor=actor, reason=reason)
    else:
        refund = refunds.approve(refund_id=row_id, actor=actor, reason=reason)
    return f"refund {refund.status}"


HANDLERS: dict[ApprovalKind, Callable[[Approval, User], str]] = {
    ApprovalKind.ADJUSTMENT: _adjust,
    ApprovalKind.REVIEW_CREDIT: _credit_review,
    ApprovalKind.REFUND: _refund,
}
