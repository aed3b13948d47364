"""What follows from an automatic charge: the next one, a pause, a new card, or the end of automatic top-up.

A decline pauses the card for a day and three in a week end automatic top-up: Paystack itself slows down cards that are tried
again and again. Source: docs/providers/paystack.md, automatic top-up
"""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.services import notices
from billing import locks
from billing.enums import DepositStatus, StopReason
from billing.models import AutoTopUp, Deposit, SavedCard
from billing.paystack import error_mapping
from billing.paystack.errors import (
    BadKey,
    BadRequest,
    CardUnusable,
    CurrencyNotSupported,
    DuplicateReference,
    PaystackError,
    SuspectedFraud,
    Throttled,
)
from billing.services import saved_cards, standing_orders
from namaskah.lib.money import format_subunits

log = structlog.get_logger(__name__)

DECLINES_TO_STOP = 3
DECLINE_WINDOW = dt.timedelta(days=7)
DECLINE_WAIT = dt.timedelta(hours=24)
_REVIEW_WAIT = dt.timedelta(hours=24)
_OURS_WAIT = dt.timedelta(hours=1)  # something is wrong on our side, and staff has been told
_NEVER_SENT_WAIT = dt.timedelta(minutes=20)  # until then its deposit is closed as one that Paystack never got
_SOONEST_LOOK, _LATEST_LOOK = dt.timedelta(minutes=1), dt.timedelta(minutes=10)
_UNPAID = (DepositStatus.FAILED, DepositStatus.ABANDONED)


def recent_declines(card: SavedCard, now: dt.datetime) -> list[dt.datetime]:
    """When automatic charges of a card failed within the last week."""
    return [at for at in card.declines if now - at < DECLINE_WINDOW]


def earliest_try(card: SavedCard) -> dt.datetime:
    """Before this a declined card is not charged again."""
    return max(card.declines) + DECLINE_WAIT if card.declines else card.created_at


def conclude(order_id: int) -> None:
    """Draw the consequences once the charge under way has come to an end; until then, say when to look again."""
    with transaction.atomic():
        order, card = _lock(order_id)
        if order.attempt is None:
            return
        deposit, now = order.attempt, timezone.now()
        if deposit.is_open:
            age = now - deposit.created_at
            order.next_try_at = now + min(max(age / 2, _SOONEST_LOOK), _LATEST_LOOK)
            order.save(update_fields=["next_try_at", "updated_at"])
        elif deposit.status in _UNPAID and error_mapping.is_dead_card(deposit.gateway_response):
            _forget(order, card)
        elif deposit.status in _UNPAID and _was_declined(deposit):
            _decline(order, card, deposit, reason=deposit.gateway_response)
        elif deposit.status in _UNPAID:
            _clear(order, next_try_at=now + _SOONEST_LOOK)
        elif deposit.status == DepositStatus.NEEDS_REVIEW:
            _clear(order, next_try_at=now + _REVIEW_WAIT)
        else:
            _clear(order, next_try_at=now)


def not_charged(order_id: int, deposit_id: uuid.UUID, error: PaystackError) -> None:
    """Draw the consequences of a charge that Paystack did not take; of an unknown outcome there are none yet."""
    if error.is_unknown or isinstance(error, DuplicateReference):
        return
    with transaction.atomic():
        order, card = _lock(order_id)
        if order.attempt is None or order.attempt.pk != deposit_id:
            return
        deposit, now = order.attempt, timezone.now()
        if isinstance(error, CardUnusable):
            _forget(order, card)
        elif isinstance(error, SuspectedFraud):
            log.error("Paystack suspects fraud", customer=order.user_id, deposit=str(deposit_id))
            _clear(order, next_try_at=now)
            standing_orders.switch_off(user_id=order.user_id, reason=StopReason.FRAUD)
        elif isinstance(error, BadKey | BadRequest | CurrencyNotSupported):
            log.error("Automatic charge refused because of us", code=error.code)
            _clear(order, next_try_at=now + _OURS_WAIT)
        elif error.can_retry:
            _clear(order, next_try_at=now + _rest(error))
        else:
            _decline(order, card, deposit)


def never_sent(order_id: int, deposit_id: uuid.UUID) -> None:
    """Forget an intent for which no call was made."""
    with transaction.atomic():
        order, _card = _lock(order_id)
        if order.attempt is not None and order.attempt.pk == deposit_id:
            _clear(order, next_try_at=timezone.now() + _NEVER_SENT_WAIT)


def ask_the_customer(deposit_id: uuid.UUID, url: str) -> None:
    """Their bank wants to hear from them: send them the page, and leave the charge open until they have been there."""
    with transaction.atomic():
        deposit = locks.lock_deposit(deposit_id)
        if not deposit.is_open or deposit.user_id is None:
            return
        deposit.status = DepositStatus.PENDING
        deposit.authorization_url = url
        deposit.save(update_fields=["status", "authorization_url"])
        notices.tell(
            user_id=deposit.user_id,
            template="payment_needs_you",
            context={"amount": format_subunits(deposit.amount_subunits, deposit.charge_currency), "url": url},
            key=f"payment-needs-you:{deposit.pk}",
        )
    log.info("Automatic charge needs its customer", deposit=str(deposit_id))


def _lock(order_id: int) -> tuple[AutoTopUp, SavedCard | None]:
    """The card that the charge under way was made with, then the standing order: the order of locks of this subject."""
    seen = AutoTopUp.objects.select_related("attempt").get(pk=order_id)
    cards = SavedCard.objects.select_for_update(of=("self",)).select_related("user")
    fingerprint = seen.attempt.card_fingerprint if seen.attempt else ""
    where = {"user_id": seen.user_id, "fingerprint": fingerprint} if fingerprint else {"pk": seen.card_id}
    card = cards.filter(**where).order_by("-pk").first()
    order = AutoTopUp.objects.select_for_update(of=("self",)).select_related("attempt").get(pk=order_id)
    return order, card


def _rest(error: PaystackError) -> dt.timedelta:
    """How long to leave it after a charge that was not carried out; a card that must rest says how long itself."""
    asked_s = error.retry_after_s or 0 if isinstance(error, Throttled) else 0
    return max(dt.timedelta(seconds=asked_s), _NEVER_SENT_WAIT)


def _was_declined(deposit: Deposit) -> bool:
    """Whether a bank had a say in it, or the customer who was asked to come; else the charge never reached Paystack."""
    return bool(deposit.paystack_id or deposit.gateway_response or deposit.authorization_url)


def _clear(order: AutoTopUp, *, next_try_at: dt.datetime) -> None:
    order.attempt = None
    order.next_try_at = next_try_at if order.is_on else None
    order.save(update_fields=["attempt", "next_try_at", "updated_at"])


def _forget(order: AutoTopUp, card: SavedCard | None) -> None:
    """The card is dead: whoever was using it is told, and nobody tries it again."""
    _clear(order, next_try_at=timezone.now())
    if card is not None and card.removed_at is None:
        saved_cards.remove(card_id=card.pk, user=card.user)


def _decline(order: AutoTopUp, card: SavedCard | None, deposit: Deposit, *, reason: str = "") -> None:
    now = timezone.now()
    _clear(order, next_try_at=now + DECLINE_WAIT)
    if card is None:
        return
    card.declines = [*recent_declines(card, now), now]
    card.declined_at = now
    card.save(update_fields=["declines", "declined_at"])
    log.info("Automatic charge declined", customer=order.user_id, card=card.pk, declines=len(card.declines))
    if len(card.declines) >= DECLINES_TO_STOP:
        standing_orders.switch_off(user_id=order.user_id, reason=StopReason.DECLINES)
        return
    context = {
        "amount": format_subunits(deposit.amount_subunits, deposit.charge_currency),
        "card": card.label,
        "url": reverse("billing:auto-top-up"),
    }
    notices.tell(
        user_id=order.user_id,
        template="auto_top_up_failed",
        context=context | ({"reason": reason} if reason else {}),
        key=f"deposit-failed:{deposit.pk}",
    )
