"""Whether a payment may be credited: what Paystack says of it, held against what we asked for.

Source: docs/providers/paystack.md, verify
"""

from __future__ import annotations

from django.conf import settings

from billing import locks
from billing.enums import DepositPurpose, ReviewReason
from billing.models import Deposit
from billing.paystack import client
from billing.paystack.base import Transaction
from namaskah.lib.sealing import fingerprint

_LARGEST = 2**63 - 1


def is_sound(transaction: Transaction) -> bool:
    """Whether its figures are figures and its currency is one. What is not a whole number is no amount, however it reads."""
    needed: tuple[object, ...] = (transaction.id, transaction.amount)
    optional: tuple[object, ...] = (transaction.requested_amount, transaction.fees)
    figures = [*needed, *(value for value in optional if value is not None)]
    return all(_is_figure(figure) for figure in figures) and len(transaction.currency) == 3


def why_not(deposit: Deposit, transaction: Transaction) -> ReviewReason | None:
    """Why a person has to look at this payment first; None when it is as asked for.

    The caller holds the deposit's lock. With a card, payments with the same card queue here until the transaction ends.
    """
    if transaction.domain != client.mode():
        return ReviewReason.WRONG_MODE
    if transaction.currency != deposit.charge_currency:
        return ReviewReason.WRONG_CURRENCY
    if transaction.paid_for < deposit.amount_subunits or transaction.amount < transaction.paid_for:
        return ReviewReason.SHORT
    if transaction.paid_for > deposit.amount_subunits:
        return ReviewReason.OVER
    if _is_card_shared(deposit, transaction):
        return ReviewReason.SHARED_CARD
    return None


def card_fingerprint(transaction: Transaction) -> str:
    """By which the same card is known again; empty when it was no card."""
    paid_by = transaction.authorization
    return fingerprint(paid_by.signature) if paid_by.signature and transaction.channel == "card" else ""


def _is_card_shared(deposit: Deposit, transaction: Transaction) -> bool:
    """Whether more than `USERS_PER_CARD` customers have paid with it, this one included."""
    card = card_fingerprint(transaction)
    if not card or deposit.purpose == DepositPurpose.BANK:
        return False
    locks.lock_card(card)
    others = Deposit.objects.filter(card_fingerprint=card, paid_at__isnull=False).exclude(
        user=deposit.user_id
    )
    return bool(others.values("user").distinct().count() >= settings.USERS_PER_CARD)


def _is_figure(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST
