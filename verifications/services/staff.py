"""What staff may decide about an order, through the same services that decide by themselves."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verifications import locks
from verifications.enums import Closing, Outcome, Status, Step
from verifications.exceptions import InvalidState
from verifications.models import Attempt, Provider, Verification
from verifications.providers.errors import ProviderError
from verifications.services import buying, cancelling, settlement, transitions

_RETURNED = (Status.CANCELLED, Status.EXPIRED, Status.FAILED)


def cancel(verification_id: uuid.UUID, *, actor_id: int, reason: str) -> Verification:
    """Cancel for a customer, with the reason kept in the order's history.

    Raises:
        InvalidState: As for the customer's own cancel; a purchase in doubt is settled instead.
    """
    if Attempt.objects.filter(verification_id=verification_id, outcome=Outcome.DOUBTFUL).exists():
        raise InvalidState(_("A purchase of this order is in doubt. Settle the attempt first."))
    return cancelling.cancel(verification_id, actor_id=actor_id, reason=reason)


def settle(doubtful: QuerySet[Attempt]) -> int:
    """Ask the providers about doubtful attempts now; returns how many are decided afterwards."""
    ids = list(doubtful.values_list("pk", flat=True))
    for provider in Provider.objects.filter(attempts__pk__in=ids).distinct():
        try:
            settlement.settle_provider(provider)
        except ProviderError as error:
            buying.note_health(provider, error)
    return Attempt.objects.filter(pk__in=ids).exclude(outcome=Outcome.DOUBTFUL).count()


def settle_as_not_bought(doubtful: QuerySet[Attempt], *, actor_id: int) -> int:
    """Decide that nothing was bought and return the money; a number that turns up later is cancelled upstream."""
    decided = 0
    for attempt_id in doubtful.values_list("pk", flat=True):
        with transaction.atomic():
            verification, attempt = locks.attempt(attempt_id)
            if attempt.outcome == Outcome.DOUBTFUL:
                transitions.note(
                    verification,
                    Step.STAFF,
                    actor_id=actor_id,
                    attempt=str(attempt_id),
                    decision="not bought",
                )
                settlement.settle_as_not_bought(verification, attempt)
                decided += 1
    return decided


def close_again(attempts: QuerySet[Attempt]) -> int:
    """Let the sweep try once more to close orders it had given up on."""
    now = timezone.now()
    given_up = attempts.filter(
        closing=Closing.ABANDONED, verification__status__in=[Status.COMPLETED, *_RETURNED]
    )
    finished = given_up.filter(verification__status=Status.COMPLETED).update(
        closing=Closing.FINISH_DUE, closing_due_at=now, closing_tries=0
    )
    return finished + given_up.filter(verification__status__in=_RETURNED).update(
        closing=Closing.CANCEL_DUE, closing_due_at=now, closing_tries=0
    )
