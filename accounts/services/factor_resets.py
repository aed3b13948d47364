"""Taking somebody's second factors away by staff: one member asks with a reason, another decides."""

from __future__ import annotations

import uuid

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit_actions import AuditAction
from accounts.models import FactorReset, User
from accounts.services import audit, factors, sessions
from namaskah.exceptions import DomainError

log = structlog.get_logger(__name__)


class ResetRefused(DomainError):
    """Who asks is who would be reset, or who decides is who asked."""

    code = "reset_refused"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            _("This takes two members of staff, and neither may be the person whose factors are removed.")
        )


class ResetAsked(DomainError):
    """A request for this person waits already."""

    code = "reset_asked"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("A reset for this person waits for a decision already."))


class ResetDecided(DomainError):
    """Somebody was first."""

    code = "reset_decided"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("Somebody has decided on this already."))


def ask(*, user_id: int, actor: User, reason: str) -> FactorReset:
    """Ask that somebody's second factors be taken away. Nothing changes yet.

    Raises:
        ResetRefused: Nobody asks for themselves.
        ResetAsked: One waits already. The database decides, so two at once leave one.
    """
    if actor.pk == user_id:
        raise ResetRefused
    try:
        with transaction.atomic():
            reset = FactorReset.objects.create(user_id=user_id, asked_by=actor, reason=reason)
            audit.record(
                AuditAction.FACTOR_RESET_ASKED,
                actor=actor,
                subject=user_id,
                target=f"accounts.factorreset:{reset.pk}",
                reason=reason,
            )
    except IntegrityError as error:
        if "factor_reset_one_open" not in str(error):
            raise
        raise ResetAsked from error
    return reset


def decide(*, reset_id: uuid.UUID, actor: User, approve: bool, reason: str) -> FactorReset:
    """Decide on a request; approved, the factors are gone and every session of the person ends, in the same transaction.

    Raises:
        ResetDecided: Somebody was first.
        ResetRefused: Who asked cannot decide, nor can the person themself.
    """
    with transaction.atomic():
        user_id = FactorReset.objects.values_list("user_id", flat=True).get(pk=reset_id)
        factors.lock(user_id)  # before the request's row, as everywhere
        reset = _lock(reset_id)
        if reset.decided_at is not None:
            raise ResetDecided
        if actor.pk in (reset.asked_by_id, user_id):
            raise ResetRefused
        reset.decided_by, reset.decided_at, reset.is_approved = actor, timezone.now(), approve
        reset.save(update_fields=["decided_by", "decided_at", "is_approved"])
        if approve:
            factors.remove_all(user_id=user_id, actor=actor, reason=reset.reason)
            sessions.end_all(user_id=user_id, actor=actor)
        audit.record(
            AuditAction.FACTOR_RESET_DECIDED,
            actor=actor,
            subject=user_id,
            target=f"accounts.factorreset:{reset.pk}",
            after={"is_approved": approve},
            reason=reason,
        )
    log.info("Reset of second factors decided", reset=str(reset_id), is_approved=approve)
    return reset


def _lock(reset_id: uuid.UUID) -> FactorReset:
    return FactorReset.objects.select_for_update().get(pk=reset_id)
