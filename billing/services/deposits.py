"""Starting a top-up: the intent is committed, Paystack opens a checkout, its address is committed.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db.transaction import atomic
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import User
from billing import locks
from billing.currencies import ChargeCurrency, charge_currency
from billing.enums import DepositStatus
from billing.exceptions import (
    ChargeCurrencyRefused,
    PayerEmailRefused,
    PaymentRefused,
    RateTooOld,
    TopUpAmountRefused,
    TopUpRefused,
    TopUpsBusy,
    TopUpsPaused,
    TopUpUnanswered,
)
from billing.models import Deposit, ExchangeRate
from billing.paystack import client
from billing.paystack.base import Checkout
from billing.paystack.errors import (
    AmountRefused,
    BadKey,
    CurrencyNotSupported,
    DuplicateReference,
    EmailRefused,
    NotReached,
    PaystackError,
    Throttled,
)
from billing.services import crediting, deposit_intents, exchange_rates, settling

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TopUpOffer:
    """What can be topped up now. `reason` is the sentence for the customer when nothing can."""

    currency: ChargeCurrency
    rate: ExchangeRate | None
    is_available: bool
    reason: str | Promise


def offer() -> TopUpOffer:
    """The currency with its limits and presets, the rate in force, and whether top-ups are possible."""
    currency, rate = charge_currency(), exchange_rates.current()
    if not client.is_available():
        return TopUpOffer(currency, rate, is_available=False, reason=TopUpsPaused().message)
    if rate is None or exchange_rates.is_stale(rate):
        return TopUpOffer(currency, rate, is_available=False, reason=RateTooOld().message)
    return TopUpOffer(currency, rate, is_available=True, reason="")


def quote(amount_subunits: int, rate: ExchangeRate) -> Decimal:
    """What the wallet gets for an amount, rounded down to four places of the wallet currency."""
    return crediting.worth(amount_subunits, rate.rate)


def start(
    *, user: User, amount_subunits: int, form_key: uuid.UUID | None, save_card: bool = False
) -> Deposit:
    """Begin a top-up and open its checkout.

    Args:
        amount_subunits: Of the charge currency.
        form_key: Of the rendered form; sending it again returns the first deposit, whose address may still be on its way.
        save_card: The customer has agreed that the card is kept.

    Raises:
        TopUpRefused: A limit, or Paystack, says no. Nothing was charged.
        RateTooOld: There is no rate to sell by.
    """
    return _begin(user, amount_subunits, form_key, save_card=save_card)


def retry(*, deposit: Deposit, form_key: uuid.UUID | None) -> Deposit:
    """Begin again what was declined or not finished, under a new reference linked to the old one.

    A deposit that is open or settled is returned as it is: there is nothing to try again.

    Raises:
        TopUpRefused: As `start`.
        RateTooOld: As `start`.
    """
    if deposit.status not in (DepositStatus.FAILED, DepositStatus.ABANDONED) or deposit.user is None:
        return deposit
    if deposit.charge_currency != settings.PAYSTACK_CURRENCY:
        raise ChargeCurrencyRefused(deposit.charge_currency)
    return _begin(
        deposit.user,
        deposit.amount_subunits,
        form_key,
        save_card=deposit.wants_card_saved,
        retry_of=deposit,
    )


def _begin(
    user: User,
    amount_subunits: int,
    form_key: uuid.UUID | None,
    *,
    save_card: bool,
    retry_of: Deposit | None = None,
) -> Deposit:
    earlier = deposit_intents.of_form(user.pk, form_key)
    if earlier is not None:
        return earlier
    if not client.is_available():
        raise TopUpsPaused
    intent = deposit_intents.write(
        user=user,
        amount_subunits=amount_subunits,
        form_key=form_key,
        retry_of=retry_of,
        save_card=save_card,
    )
    return _open(intent.deposit) if intent.is_new else intent.deposit


def _open(deposit: Deposit, *, is_second: bool = False) -> Deposit:
    """Have Paystack open the checkout of a committed deposit. Runs outside any transaction."""
    try:
        checkout = client.paystack().initialize(
            email=deposit.email,
            amount=deposit.amount_subunits,
            currency=deposit.charge_currency,
            reference=deposit.reference,
            callback_url=settings.SITE_URL + reverse("billing:top-up-return"),
            cancel_url=settings.SITE_URL + reverse("billing:top-up-cancelled"),
            channels=_channels(deposit.amount_subunits),
            metadata={"intent": deposit.reference.rpartition("-")[2]},
        )
    except DuplicateReference:
        return _find_out(deposit, is_second=is_second)
    except PaystackError as error:
        if error.is_unknown:
            return _find_out(deposit, is_second=is_second)
        _fail(deposit, error)
        raise _refusal(deposit, error) from error
    if not _is_ours(deposit, checkout):
        log.error("Checkout does not fit its deposit", deposit=str(deposit.pk))
        return _find_out(deposit, is_second=is_second)
    return _opened(deposit, checkout)


def _find_out(deposit: Deposit, *, is_second: bool) -> Deposit:
    """The answer was lost. What Paystack knows, nobody can pay any more: once, a new reference takes its place.

    What Paystack does not know stays for the sweep, since the call may still arrive there.

    Raises:
        TopUpUnanswered: There is no page to pay on.
    """
    try:
        transaction = client.paystack().verify(deposit.reference)
    except PaystackError as error:
        log.warning("Checkout not opened", deposit=str(deposit.pk), code=error.code)
        raise TopUpUnanswered from error
    known = settling.apply(deposit.pk, transaction)
    if not known.is_open:
        return known
    with atomic():
        lost = locks.lock_deposit(deposit.pk)
        if not lost.is_open:
            return lost
        if is_second:
            deposit_intents.retire(lost)
        fresh = None if is_second else deposit_intents.replace(lost)
    log.warning("Checkout lost", deposit=str(deposit.pk), is_replaced=fresh is not None)
    if fresh is None:
        raise TopUpUnanswered
    return _open(fresh, is_second=True)


def _opened(deposit: Deposit, checkout: Checkout) -> Deposit:
    """Keep the address. A sweep may have given the deposit up meanwhile, which the address makes undone."""
    with atomic():
        deposit = locks.lock_deposit(deposit.pk)
        if deposit.status in (DepositStatus.CREATED, DepositStatus.PENDING, DepositStatus.ABANDONED):
            deposit.status, deposit.closed_at = DepositStatus.PENDING, None
        deposit.access_code, deposit.authorization_url = checkout.access_code, checkout.authorization_url
        deposit.save(update_fields=["status", "closed_at", "access_code", "authorization_url"])
    log.info("Checkout opened", deposit=str(deposit.pk), customer=deposit.user_id)
    return deposit


def _fail(deposit: Deposit, error: PaystackError) -> None:
    """Paystack did not take it, so there is nothing to watch."""
    log.warning("Checkout refused", deposit=str(deposit.pk), code=error.code)
    Deposit.objects.filter(pk=deposit.pk, status=DepositStatus.CREATED).update(
        status=DepositStatus.FAILED, closed_at=timezone.now(), next_look_at=None
    )


def _refusal(deposit: Deposit, error: PaystackError) -> TopUpRefused:
    """Paystack's no as a sentence for the customer."""
    match error:
        case BadKey():
            log.error("Paystack refuses our key")
            return TopUpsPaused()
        case CurrencyNotSupported():
            log.error("Paystack does not take our currency", currency=deposit.charge_currency)
            return ChargeCurrencyRefused(deposit.charge_currency)
        case EmailRefused():
            return PayerEmailRefused()
        case AmountRefused():
            return TopUpAmountRefused(deposit.amount_subunits, deposit.charge_currency)
        case Throttled():
            return TopUpsBusy()
        case NotReached():
            return TopUpsPaused()
    return PaymentRefused()


def _is_ours(deposit: Deposit, checkout: Checkout) -> bool:
    """Customers are sent to pages of Paystack's only, and only for their own reference."""
    parts = urlsplit(checkout.authorization_url)
    is_known = f"{parts.scheme}://{parts.netloc}" in settings.PAYSTACK_CHECKOUT_ORIGINS
    return checkout.reference == deposit.reference and bool(checkout.access_code) and is_known


def _channels(amount_subunits: int) -> list[str]:
    """The ways to pay that take this amount."""
    smallest = charge_currency().bank_transfer_minimum
    return [
        channel
        for channel in settings.PAYSTACK_CHANNELS
        if channel != "bank_transfer" or amount_subunits >= smallest
    ]
