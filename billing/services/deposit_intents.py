"""Writing down that somebody wants to pay, before anybody is asked for anything."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.conf import settings
from django.db.transaction import atomic
from django.utils import timezone

from accounts.models import User
from billing import locks
from billing.enums import DepositPurpose, DepositStatus
from billing.exceptions import AutomaticTopUpOpen
from billing.models import Deposit, ExchangeRate, SavedCard
from billing.services import crediting, deposit_limits, deposit_looks, exchange_rates, ledger
from namaskah.lib.ids import ulid

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Intent:
    """A deposit on disk; `is_new` unless the form was sent before."""

    deposit: Deposit
    is_new: bool


def write(
    *,
    user: User,
    amount_subunits: int,
    purpose: DepositPurpose = DepositPurpose.TOP_UP,
    form_key: uuid.UUID | None = None,
    retry_of: Deposit | None = None,
    save_card: bool = False,
    card: SavedCard | None = None,
) -> Intent:
    """Commit the row of a payment to be, with its reference and its rate.

    Args:
        form_key: Of the rendered form; repeating it returns the first deposit.
        card: The one to charge, which names the e-mail address it is bound to.

    Raises:
        TopUpRefused: A limit does not allow it.
        RateTooOld: There is no rate to sell by.
    """
    rate = exchange_rates.usable()
    with atomic():
        # Held from the check of the limits until the row that they must count is written.
        locks.lock_account(ledger.customer_account(user.pk).pk)
        earlier = of_form(user.pk, form_key)
        if earlier is not None:
            return Intent(earlier, is_new=False)
        if purpose == DepositPurpose.AUTO and _has_open_charge(user.pk):
            raise AutomaticTopUpOpen
        deposit_limits.check(user.pk, amount_subunits)
        deposit = _row(user, amount_subunits, purpose, rate)
        deposit.form_key, deposit.retry_of, deposit.wants_card_saved = form_key, retry_of, save_card
        if card is not None:
            deposit.email, deposit.card_fingerprint = card.email, card.fingerprint
            deposit.card_label = card.label[:60]
        deposit.save(force_insert=True)
    log.info("Deposit begun", deposit=str(deposit.pk), customer=user.pk, purpose=purpose.value)
    return Intent(deposit, is_new=True)


def of_form(user_id: int, form_key: uuid.UUID | None) -> Deposit | None:
    """The deposit that this form has begun."""
    return Deposit.objects.filter(user=user_id, form_key=form_key).first() if form_key else None


def replace(lost: Deposit) -> Deposit:
    """Retire a deposit whose address is lost, and write a new reference in its place. The old one is watched on.

    The caller's transaction holds the lock of `lost`. The form moves along, so that sending it again finds the new one.
    """
    form_key = retire(lost)
    fresh = Deposit(
        user_id=lost.user_id,
        reference=_reference(DepositPurpose(lost.purpose)),
        purpose=lost.purpose,
        retry_of=lost,
        form_key=form_key,
        email=lost.email,
        charge_currency=lost.charge_currency,
        amount_subunits=lost.amount_subunits,
        wallet_currency=lost.wallet_currency,
        rate=lost.rate,
        rate_as_of=lost.rate_as_of,
        credit_amount=lost.credit_amount,
        wants_card_saved=lost.wants_card_saved,
        next_look_at=deposit_looks.first_look(timezone.now()),
    )
    fresh.save(force_insert=True)
    return fresh


def retire(lost: Deposit) -> uuid.UUID | None:
    """Nobody can pay it any more, though what was paid all the same is credited. Returns the form it was begun by."""
    form_key, lost.form_key = lost.form_key, None
    lost.status, lost.closed_at = DepositStatus.ABANDONED, timezone.now()
    lost.save(update_fields=["form_key", "status", "closed_at"])
    return form_key


def _row(user: User, amount_subunits: int, purpose: DepositPurpose, rate: ExchangeRate) -> Deposit:
    return Deposit(
        user=user,
        reference=_reference(purpose),
        purpose=purpose,
        email=user.email,
        charge_currency=settings.PAYSTACK_CURRENCY,
        amount_subunits=amount_subunits,
        wallet_currency=settings.WALLET_CURRENCY,
        rate=Decimal(rate.rate),
        rate_as_of=rate.as_of,
        credit_amount=crediting.worth(amount_subunits, rate.rate),
        next_look_at=deposit_looks.first_look(timezone.now()),
    )


def _reference(purpose: DepositPurpose) -> str:
    return f"nm-{purpose.value}-{ulid()}"


def _has_open_charge(user_id: int) -> bool:
    """The database would refuse the second one, with a worse word."""
    return Deposit.objects.filter(
        user=user_id, purpose=DepositPurpose.AUTO, status__in=deposit_limits.OPEN
    ).exists()
