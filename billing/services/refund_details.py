"""The bank account of a customer whose refund Paystack cannot send back to where the payment came from.

A try is `sent` and committed before the call, so that there is one at a time. An answer that is lost is never asked for by
giving the details again: the refund is read back, now and by the sweep. The account number is handed on and not kept.

Source: docs/providers/paystack.md, "Refunds"
"""

from __future__ import annotations

import re
import uuid

import structlog
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.currencies import CHARGE_CURRENCIES
from billing.enums import RefundStatus
from billing.exceptions import (
    BankDetailsNotSent,
    BankDetailsNotWanted,
    BankDetailsRefused,
    BankDetailsTooOften,
    BankDetailsWrong,
    UnknownRefund,
)
from billing.models import Refund
from billing.paystack import client
from billing.paystack.base import Bank
from billing.paystack.errors import BadKey, NotReached, PaystackError, RefundNotWaiting, Throttled
from billing.services import refund_outcomes, refund_sending, shares

log = structlog.get_logger(__name__)
TRIES_A_DAY = 5
DAY_S = 24 * 3600
AWAY_S = 60  # how long nobody waits for a list that could not be had
COUNTRIES = {"NG": "nigeria", "GH": "ghana", "KE": "kenya", "ZA": "south africa"}  # as Paystack names them
NUMBERS = {"NGN": re.compile(r"[0-9]{10}")}
ANY_NUMBER = re.compile(r"[0-9]{6,20}")
NOTHING_HAPPENED = (NotReached, Throttled, BadKey)


def banks(currency: str) -> list[Bank]:
    """The banks that a refund in this currency can go to, by name; none when Paystack cannot be asked now."""
    known = CHARGE_CURRENCIES.get(currency)
    country = COUNTRIES.get(known.country) if known else None
    if country is None:
        return []
    key = f"paystack-banks:{client.mode()}:{country}"
    rows: list[tuple[int, str]] | None = cache.get(key)
    if rows is None:
        rows = _fetch(country)
        cache.set(key, rows, DAY_S if rows else AWAY_S)
    return [Bank(id=bank_id, name=name) for bank_id, name in rows]


def give(*, refund_id: uuid.UUID, user: User, bank_id: int, account_number: str) -> Refund:
    """Say which bank account a refund may go to. Of many at once one reaches Paystack.

    Args:
        bank_id: Of `banks`.
        account_number: As the customer wrote it; blanks and hyphens do not matter.

    Returns:
        The refund: on its way, or `sent` while nobody knows whether Paystack has got the details.

    Raises:
        BankDetailsNotSent: Paystack cannot be asked now; nothing has happened.
        BankDetailsNotWanted: The refund does not wait for them, or no more.
        BankDetailsRefused: Paystack did not take them, or the payment is disputed.
        BankDetailsTooOften: The tries of this day are used up.
        BankDetailsWrong: No such bank, or no account number.
        UnknownRefund: The customer has no such refund.
    """
    own = Refund.objects.filter(pk=refund_id, user=user).first()
    if own is None:
        raise UnknownRefund
    if own.status != RefundStatus.NEEDS_ATTENTION:
        raise BankDetailsNotWanted
    number = _number(account_number, own.charge_currency)
    _check_bank(bank_id, own.charge_currency)
    paystack_id = _begin(refund_id, f"Bank details given: bank {bank_id}, account ending in {number[-4:]}")
    try:
        fact = client.paystack().retry_refund(
            paystack_id, currency=own.charge_currency, account_number=number, bank_id=bank_id
        )
    except PaystackError as error:
        return _not_confirmed(refund_id, error)
    with transaction.atomic():
        refund = refund_outcomes.apply(refund_id, fact)
    log.info("Bank details of a refund taken", refund=str(refund_id), status=refund.status)
    return refund


def _number(text: str, currency: str) -> str:
    number = re.sub(r"[\s-]", "", text)
    if NUMBERS.get(currency, ANY_NUMBER).fullmatch(number):
        return number
    if currency in NUMBERS:
        raise BankDetailsWrong(_("An account number has 10 digits."), field="account_number")
    raise BankDetailsWrong(_("An account number has 6 to 20 digits."), field="account_number")


def _check_bank(bank_id: int, currency: str) -> None:
    known = banks(currency)
    if not known:
        raise BankDetailsNotSent
    if bank_id not in {bank.id for bank in known}:
        raise BankDetailsWrong(_("Choose a bank of the list."), field="bank")


def _fetch(country: str) -> list[tuple[int, str]]:
    if not client.is_available():
        return []
    try:
        return [(bank.id, bank.name) for bank in client.paystack().banks(country=country)]
    except PaystackError as error:
        log.warning("Banks not listed", country=country, error=error.code)
        return []


def _begin(refund_id: uuid.UUID, note: str) -> int:
    """Commit that the details are on their way, and return Paystack's id of the refund."""
    now = timezone.now()
    with transaction.atomic():
        deposit, refund = refund_outcomes.lock(refund_id)
        if refund.status != RefundStatus.NEEDS_ATTENTION or refund.paystack_id is None:
            raise BankDetailsNotWanted
        if shares.live_disputes(deposit).exists():
            raise BankDetailsRefused(refund_outcomes.DISPUTED)
        last = refund.details_sent_at
        tries = refund.details_tries if last is not None and last.date() == now.date() else 0
        if tries >= TRIES_A_DAY:
            raise BankDetailsTooOften(TRIES_A_DAY)
        refund.status, refund.note, refund.looks = RefundStatus.SENT, note, 0
        refund.details_sent_at, refund.details_tries = now, tries + 1
        refund.next_look_at = now + refund_outcomes.DETAILS_UNDER_WAY
        _save(refund)
    return refund.paystack_id


def _not_confirmed(refund_id: uuid.UUID, error: PaystackError) -> Refund:
    """Find out what an error of the call has left behind, and tell the customer what to do."""
    log.warning("Bank details of a refund not confirmed", refund=str(refund_id), error=error.code)
    if error.is_unknown:
        return _read_back(refund_id)
    is_untouched = isinstance(error, NOTHING_HAPPENED)
    _reopen(refund_id, f"Bank details not taken: {error.code} {error.message}", counts=not is_untouched)
    if is_untouched:
        raise BankDetailsNotSent from error
    if isinstance(error, RefundNotWaiting) and _read_back(refund_id).status != RefundStatus.NEEDS_ATTENTION:
        raise BankDetailsNotWanted from error
    raise BankDetailsRefused(
        _("The bank details were not accepted. Check the bank and the account number.")
    ) from error


def _reopen(refund_id: uuid.UUID, note: str, *, counts: bool) -> None:
    """These details are not on their way any more: others may be given."""
    with transaction.atomic():
        _, refund = refund_outcomes.lock(refund_id)
        if refund.status != RefundStatus.SENT:
            return  # a look was faster, and knows
        refund.status, refund.note = RefundStatus.NEEDS_ATTENTION, note[:300]
        refund.details_tries -= not counts
        refund.next_look_at = refund_outcomes.next_look(refund.looks)
        _save(refund)


def _read_back(refund_id: uuid.UUID) -> Refund:
    try:
        refund_sending.look(refund_id)
    except PaystackError as error:  # the sweep asks again
        log.warning("Refund not looked at", refund=str(refund_id), error=error.code)
    return Refund.objects.select_related("deposit").get(pk=refund_id)


def _save(refund: Refund) -> None:
    refund.save(update_fields=["status", "note", "looks", "details_sent_at", "details_tries", "next_look_at"])
