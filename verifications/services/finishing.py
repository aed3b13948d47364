"""After the code: finish the order, or ask for another SMS on the same number."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verifications import locks
from verifications.enums import Closing, Status, Step
from verifications.exceptions import InvalidState, ProviderUnavailable
from verifications.models import Attempt, Provider, Verification
from verifications.providers.errors import ProviderError, Throttled
from verifications.services import buying, transitions
from verifications.services.provider_accounts import adapter_for
from verifications.services.upstream import order_ref

# While the provider is being asked, snapshots may still show the old SMS under the new round; none is applied meanwhile.
_BLACKOUT = dt.timedelta(seconds=30)


@transaction.atomic
def finish(verification_id: uuid.UUID, *, actor_id: int | None) -> Verification:
    """Complete an order that has its code; repeating it changes nothing.

    Raises:
        InvalidState: No code has come yet, or the order ended without one.
    """
    verification = locks.verification(verification_id)
    if verification.status == Status.COMPLETED:
        return verification
    if not verification.is_open or verification.received_at is None:
        raise InvalidState(_("Only an order that has received its code can be finished."))
    transitions.apply(verification, Status.COMPLETED, step=Step.COMPLETED, actor_id=actor_id)
    attempt = locks.bought_attempt(verification)
    Attempt.objects.filter(pk=attempt.pk, closing=Closing.OPEN).update(
        closing=Closing.FINISH_DUE, closing_due_at=timezone.now()
    )
    return verification


def can_ask_again(provider: Provider) -> bool:
    """Whether this provider's protocol knows another SMS; no when the row cannot be spoken to at all, say for want of a key."""
    try:
        return adapter_for(provider).capabilities.another_sms
    except ProviderError:
        return False


def request_another_sms(verification_id: uuid.UUID, *, actor_id: int) -> Verification:
    """Ask the provider for one more SMS on the same number; free of charge.

    Raises:
        InvalidState: No code has come yet, the order has ended, or this network cannot.
        ProviderUnavailable: The network did not confirm; nothing has changed.
    """
    attempt = _prepare(verification_id)
    try:
        with buying.inline_slot() as mine:
            if not mine:
                raise Throttled("Every slot for provider calls is taken.")
            adapter_for(attempt.provider).request_another(order_ref(attempt))
    except ProviderError as error:
        buying.note_health(attempt.provider, error)
        Attempt.objects.filter(pk=attempt.pk).update(applied_at=timezone.now())
        raise ProviderUnavailable from error
    return _record_another(verification_id, attempt.pk, actor_id)


@transaction.atomic
def _prepare(verification_id: uuid.UUID) -> Attempt:
    verification = locks.verification(verification_id)
    if verification.status != Status.RECEIVED:
        raise InvalidState(
            _("Another SMS can be asked for after the first code has come and before the time is up.")
        )
    attempt = locks.bought_attempt(verification)
    if not (attempt.can_resend and can_ask_again(attempt.provider)):
        raise InvalidState(_("This network cannot receive another SMS on the same number."))
    attempt.applied_at = timezone.now() + _BLACKOUT
    attempt.save(update_fields=["applied_at"])
    return attempt


@transaction.atomic
def _record_another(verification_id: uuid.UUID, attempt_id: uuid.UUID, actor_id: int) -> Verification:
    verification = locks.verification(verification_id)
    attempt = Attempt.objects.get(pk=attempt_id)
    attempt.applied_at = timezone.now()
    if verification.status == Status.RECEIVED:
        attempt.sms_round += 1
    attempt.save(update_fields=["applied_at", "sms_round"])
    if verification.status == Status.RECEIVED:
        transitions.apply(
            verification,
            Status.WAITING,
            step=Step.ANOTHER_SMS,
            actor_id=actor_id,
            changes={"another_sms_count": verification.another_sms_count + 1},
        )
    return verification
