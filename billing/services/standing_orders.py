"""Switching automatic top-up off, whoever wants it. Apart from charging, so that whatever removes a card can call it.

Row locks here come in one order: deposit, account, card, standing order.
"""

from __future__ import annotations

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.services import notices
from billing.enums import StopReason
from billing.models import AutoTopUp

log = structlog.get_logger(__name__)


def switch_off(*, user_id: int, reason: StopReason) -> bool:
    """Make no further automatic charge to a customer; a charge under way is still followed to its end.

    Returns:
        Whether it was on.
    """
    with transaction.atomic():
        order = _locked(user_id=user_id)
        if order is None:
            return False
        _stop(order, reason)
    return True


def stop_for_card(card_id: int) -> None:
    """Switch off what charges this card; in the transaction that removes the card, after its row is locked."""
    order = _locked(card_id=card_id)
    if order is not None:
        _stop(order, StopReason.CARD_GONE)


def _locked(**where: int) -> AutoTopUp | None:
    return AutoTopUp.objects.select_for_update(of=("self",)).filter(is_on=True, **where).first()


def _stop(order: AutoTopUp, reason: StopReason) -> None:
    order.is_on = False
    order.stop_reason = reason
    if order.attempt_id is None:
        order.next_try_at = None
    if reason == StopReason.CARD_GONE:
        order.card = None
    order.save(update_fields=["is_on", "stop_reason", "next_try_at", "card", "updated_at"])
    log.info("Automatic top-up switched off", customer=order.user_id, reason=str(reason))
    if reason != StopReason.CUSTOMER:
        notices.tell(
            user_id=order.user_id,
            template="auto_top_up_stopped",
            context={"reason": str(reason.label), "url": reverse("billing:auto-top-up")},
            key=f"auto-top-up-stopped:{order.pk}:{timezone.now():%Y%m%d%H%M%S%f}",
        )
