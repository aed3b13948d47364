"""A customer or a member of staff takes an order back."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit_actions import AuditAction
from accounts.models import User
from accounts.services import audit
from verifications import locks
from verifications.enums import Closing, Status, Step
from verifications.exceptions import InvalidState
from verifications.models import Attempt, Verification
from verifications.services import buying, transitions, upstream


def cancel(
    verification_id: uuid.UUID, *, actor_id: int, reason: str = "", staff: User | None = None
) -> Verification:
    """Accept a cancel, carry it out at the provider now if its lock allows, and return the order as it stands then.

    The request is committed first. Until the provider confirms, the order waits with its number hidden; an SMS that arrives
    before wins. Repeating a cancel returns the first outcome.

    Args:
        staff: The member of staff who does it for the customer; the audit trail says so.

    Raises:
        InvalidState: There is no number yet, a code has come, or the order has ended another way.
    """
    attempt_id, due_now = _request(verification_id, actor_id=actor_id, reason=reason, staff=staff)
    if due_now and attempt_id is not None:
        with buying.inline_slot() as mine:
            if mine:  # otherwise the sweep closes it within seconds
                upstream.close(attempt_id)
    return Verification.objects.select_related("service", "country").get(pk=verification_id)


@transaction.atomic
def _request(
    verification_id: uuid.UUID, *, actor_id: int, reason: str, staff: User | None
) -> tuple[uuid.UUID | None, bool]:
    verification = locks.verification(verification_id)
    if verification.status == Status.CANCELLED:
        return None, False
    if verification.received_at is not None:
        raise InvalidState(_("The code has already arrived, so this order cannot be cancelled."))
    if verification.status == Status.ORDERING:
        raise InvalidState(_("The number is still being assigned. You can cancel as soon as it is."))
    if verification.status != Status.WAITING:
        raise InvalidState
    now = timezone.now()
    attempt = locks.bought_attempt(verification)
    if verification.cancel_requested_at is None:
        verification.cancel_requested_at = now
        verification.save(update_fields=["cancel_requested_at"])
        due_at = max(now, attempt.cancel_not_before or now)
        Attempt.objects.filter(pk=attempt.pk).update(closing=Closing.CANCEL_DUE, closing_due_at=due_at)
        detail = {"reason": reason} if reason else {}
        transitions.note(verification, Step.CANCEL_REQUESTED, actor_id=actor_id, **detail)
        if staff is not None:
            audit.record(
                AuditAction.MONEY_ACT,
                actor=staff,
                subject=verification.user_id,
                target=f"verifications.verification:{verification.pk}",
                after={"act": "Asked for a cancel with refund", "price": str(verification.price)},
                reason=reason,
            )
        attempt.closing_due_at = due_at
    return attempt.pk, attempt.closing_due_at is not None and attempt.closing_due_at <= now
