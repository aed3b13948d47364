"""Cards that may be charged again: kept with consent, charged, removed here at once and at Paystack until it confirms.

The charge code of a card is worth money: it is sealed in the database, opened only for a call to Paystack, and forgotten
when Paystack has confirmed that it is dead. Source: docs/providers/paystack.md, saved cards
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db import transaction as database
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import notices
from billing import locks
from billing.enums import StopReason
from billing.exceptions import UnknownCard
from billing.models import Deposit, SavedCard
from billing.paystack import client
from billing.paystack.base import Authorization, Charge, Transaction
from billing.paystack.errors import BadKey, NotReached, PaystackError, Refused
from billing.selectors.instruments import cards_of
from billing.services import ledger, standing_orders
from namaskah.lib import sealing
from namaskah.lib.queueing import enqueue

__all__ = ["cards_of", "charge", "deactivate_due", "keep", "remove", "remove_all"]
log = structlog.get_logger(__name__)

_LEASE = dt.timedelta(minutes=5)  # longer than one call and its reading of the answer last
_LONGEST_WAIT = dt.timedelta(hours=6)
_BATCH = 50


def keep(deposit: Deposit, transaction: Transaction) -> SavedCard | None:
    """Keep the card of a credited deposit if its owner asked for that and the card allows it; in the crediting transaction.

    A card that is kept already gets the newer code and the e-mail that goes with it, since Paystack may give a new code with
    each payment. Above `CARDS_PER_USER` a new card is not kept: the payment stands all the same.

    Returns:
        The card, or None when it is not kept.
    """
    paid_by = transaction.authorization
    if deposit.user_id is None or not _may_keep(deposit, transaction):
        return None
    # Two payments with one card may be credited at once; the wallet's lock makes them take turns.
    locks.lock_account(ledger.customer_account(deposit.user_id).pk)
    fingerprint = sealing.fingerprint(paid_by.signature)
    cards = SavedCard.objects.filter(user_id=deposit.user_id, removed_at__isnull=True)
    card = cards.select_for_update(of=("self",)).filter(fingerprint=fingerprint).first()
    if card is None and cards.count() >= settings.CARDS_PER_USER:
        log.info("Card not kept, the customer has enough", customer=deposit.user_id)
        return None
    if card is None:
        card = SavedCard(user_id=deposit.user_id, fingerprint=fingerprint, consented_at=deposit.created_at)
    _fill(card, paid_by)
    card.email = deposit.email
    card.customer_code = transaction.customer_code[:60]
    card.save()
    log.info("Card kept", customer=deposit.user_id, card=card.pk)
    return card


def charge(*, card: SavedCard, amount_subunits: int, currency: str, reference: str) -> Charge:
    """Charge a card at Paystack. Call it outside any transaction, after the deposit of this reference is committed.

    Raises:
        PaystackError: `is_unknown` says whether the money may have moved nevertheless.
    """
    return client.paystack().charge_authorization(
        email=card.email,
        amount=amount_subunits,
        currency=currency,
        authorization_code=_code_of(card),
        reference=reference,
    )


def remove(*, card_id: int, user: User) -> None:
    """End a customer's card: it is not charged from now on, and Paystack is told until it confirms.

    Raises:
        UnknownCard: This customer has no such card; one that is removed already is a quiet success.
    """
    with database.atomic():
        card = SavedCard.objects.select_for_update(of=("self",)).filter(pk=card_id, user=user).first()
        if card is None:
            raise UnknownCard
        _end(card)


def remove_all(*, user_id: int, reason: StopReason) -> int:
    """End every card of a customer, after a fraud claim or when the account is erased.

    Args:
        reason: Why automatic top-up stops.

    Returns:
        How many cards were ended.
    """
    with database.atomic():
        cards = list(
            SavedCard.objects.select_for_update(of=("self",))
            .filter(user_id=user_id, removed_at__isnull=True)
            .order_by("pk")
        )
        standing_orders.switch_off(user_id=user_id, reason=reason)
        for card in cards:
            _end(card)
    return len(cards)


def deactivate_due() -> int:
    """Tell Paystack that removed cards must not be charged. Doing it twice does no harm, so a lost answer is asked for again.

    Returns:
        How many are confirmed dead by this run.
    """
    now = timezone.now()
    due = SavedCard.objects.filter(deactivate_due_at__lte=now).order_by("deactivate_due_at")[:_BATCH]
    return sum(_deactivate(card) for card in due if _claim(card, now))


def _may_keep(deposit: Deposit, transaction: Transaction) -> bool:
    paid_by = transaction.authorization
    return bool(
        deposit.wants_card_saved
        and transaction.channel == "card"
        and paid_by.is_reusable
        and paid_by.signature
        and paid_by.code
    )


def _fill(card: SavedCard, paid_by: Authorization) -> None:
    card.sealed_code = sealing.seal(paid_by.code)
    card.brand = paid_by.brand[:40]
    card.last4 = paid_by.last4[-4:]
    card.exp_month = paid_by.exp_month if paid_by.exp_month in range(1, 13) else None
    card.exp_year = paid_by.exp_year if paid_by.exp_year in range(2000, 2200) else None
    card.bank = paid_by.bank[:100]
    card.country_code = paid_by.country_code if len(paid_by.country_code) == 2 else ""


def _end(card: SavedCard) -> None:
    """Once only, under the card's lock; what charges it stops in the same transaction."""
    if card.removed_at is not None:
        return
    card.removed_at = card.deactivate_due_at = timezone.now()
    card.save(update_fields=["removed_at", "deactivate_due_at"])
    standing_orders.stop_for_card(card.pk)
    notices.tell(
        user_id=card.user_id,
        template="card_removed",
        context={"card": card.label, "url": reverse("billing:cards")},
        key=f"card-removed:{card.pk}",
    )
    enqueue("billing.deactivate_cards")
    log.info("Card removed", customer=card.user_id, card=card.pk)


def _claim(card: SavedCard, now: dt.datetime) -> bool:
    """Whether this run asks Paystack; a run that dies leaves it to the next one after the lease."""
    waiting = SavedCard.objects.filter(pk=card.pk, deactivate_due_at=card.deactivate_due_at)
    return waiting.update(deactivate_due_at=now + _LEASE) == 1


def _deactivate(card: SavedCard) -> bool:
    try:
        if not _lives_on(card):
            client.paystack().deactivate_authorization(_code_of(card))
    except PaystackError as error:
        _ask_later(card, error)
        return False
    # Nothing is left to do with the code, so it goes.
    SavedCard.objects.filter(pk=card.pk).update(deactivate_due_at=None, sealed_code="")
    log.info("Card deactivated at Paystack", card=card.pk)
    return True


def _lives_on(card: SavedCard) -> bool:
    """Whether its owner has saved it anew under the same code, which must not be killed then."""
    again = cards_of(card.user_id).filter(fingerprint=card.fingerprint).first()
    return again is not None and _code_of(again) == _code_of(card)


def _ask_later(card: SavedCard, error: PaystackError) -> None:
    """Wait as long again as it is removed, a minute at least; a plain no needs a person as well."""
    if isinstance(error, Refused) and not isinstance(error, BadKey):
        log.error("Paystack refuses to deactivate a card", card=card.pk, code=error.code)
    now = timezone.now()
    wait = min(max(now - (card.removed_at or now), dt.timedelta(minutes=1)), _LONGEST_WAIT)
    SavedCard.objects.filter(pk=card.pk).update(deactivate_due_at=now + wait)
    log.info("Card not deactivated yet", card=card.pk, code=error.code)


def _code_of(card: SavedCard) -> str:
    try:
        return sealing.unseal(card.sealed_code)
    except sealing.CannotUnseal:
        # A key missing from DATA_KEYS is our fault: the card stays as it is until the key is back.
        log.error("Card cannot be unsealed", card=card.pk)
        raise NotReached(code="cannot_unseal") from None
