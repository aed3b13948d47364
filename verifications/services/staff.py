"""What staff may decide about an order, through the same services that decide by themselves."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit_actions import AuditAction
from accounts.models import User
from accounts.services import audit
from verifications import locks
from verifications.enums import Closing, Outcome, Status, Step
from verifications.exceptions import InvalidState
from verifications.models import Attempt, Provider, Verification
from verifications.providers.errors import ProviderError
from verifications.services import buying, cancelling, settlement, transitions

_RETURNED = (Status.CANCELLED, Status.EXPIRED, Status.FAILED)


def cancel(verification_id: uuid.UUID, *, actor: User, reason: str) -> Verification:
    """Cancel for a customer, with the reason kept in the order's history.

    Raises:
        InvalidState: As for the customer's own cancel; a purchase in doubt is settled instead.
    """
    if Attempt.objects.filter(verification_id=verification_id, outcome=Outcome.DOUBTFUL).exists():
        raise InvalidState(_("A purchase of this order is in doubt. Settle the attempt first."))
    return cancelling.cancel(verification_id, actor_id=actor.pk, reason=reason, staff=actor)


def settle(doubtful: QuerySet[Attempt], *, actor: User) -> int:
    """Ask the providers about doubtful attempts now; returns how many are decided afterwards."""
    with transaction.atomic():  # as the intention: the providers are called next
        ids = _note_all(AuditAction.CHANGED, actor, doubtful, "Provider asked")
    for provider in Provider.objects.filter(attempts__pk__in=ids).distinct():
        try:
            settlement.settle_provider(provider)
        except ProviderError as error:
            buying.note_health(provider, error)
    return Attempt.objects.filter(pk__in=ids).exclude(outcome=Outcome.DOUBTFUL).count()


def settle_as_not_bought(doubtful: QuerySet[Attempt], *, actor: User) -> int:
    """Decide that nothing was bought and return the money; a number that turns up later is cancelled upstream."""
    decided = 0
    for attempt_id in doubtful.values_list("pk", flat=True):
        with transaction.atomic():
            verification, attempt = locks.attempt(attempt_id)
            if attempt.outcome == Outcome.DOUBTFUL:
                transitions.note(
                    verification,
                    Step.STAFF,
                    actor_id=actor.pk,
                    attempt=str(attempt_id),
                    decision="not bought",
                )
                _note(AuditAction.MONEY_ACT, actor, attempt_id, verification.user_id, "Decided: not bought")
                settlement.settle_as_not_bought(verification, attempt)
                decided += 1
    return decided


@transaction.atomic
def close_again(attempts: QuerySet[Attempt], *, actor: User) -> int:
    """Let the sweep try once more to close orders it had given up on."""
    now = timezone.now()
    given_up = attempts.filter(
        closing=Closing.ABANDONED, verification__status__in=[Status.COMPLETED, *_RETURNED]
    )
    _note_all(AuditAction.CHANGED, actor, given_up, "Closed again at the provider")
    finished = given_up.filter(verification__status=Status.COMPLETED).update(
        closing=Closing.FINISH_DUE, closing_due_at=now, closing_tries=0
    )
    return finished + given_up.filter(verification__status__in=_RETURNED).update(
        closing=Closing.CANCEL_DUE, closing_due_at=now, closing_tries=0
    )


def _note_all(action: AuditAction, actor: User, attempts: QuerySet[Attempt], act: str) -> list[uuid.UUID]:
    """An entry in the audit trail for each attempt; returns their ids."""
    rows = list(attempts.values_list("pk", "verification__user_id"))
    for attempt_id, customer_id in rows:
        _note(action, actor, attempt_id, customer_id, act)
    return [attempt_id for attempt_id, _customer_id in rows]


def _note(action: AuditAction, actor: User, attempt_id: uuid.UUID, customer_id: int, act: str) -> None:
    audit.record(
        action,
        actor=actor,
        subject=customer_id,
        target=f"verifications.attempt:{attempt_id}",
        after={"act": act},
    )
