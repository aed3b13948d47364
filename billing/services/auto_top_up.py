"""Automatic top-up: when a wallet is below what its owner has set, charge the owner's saved card.

A sweep every 30 seconds finds what is due. A charge for a number does not trigger it as well: half a minute is soon enough for
money that is kept in reserve, and the purchase needs no further work in its transaction. Amounts come from the
stored wishes alone, never from a request.

One charge at a time for each customer: the intent is committed first, with `AutoTopUp.attempt` pointing at it, then the card
is charged, then Paystack is asked what became of it. Until that is known nothing else is charged, whatever the answer to the
charge was. Source: docs/providers/paystack.md, automatic top-up
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing import locks
from billing.currencies import ChargeCurrency, charge_currency
from billing.enums import DepositPurpose
from billing.exceptions import AutoTopUpRefused, FirstTopUpTooLarge
from billing.models import AutoTopUp, Deposit, SavedCard
from billing.paystack import client
from billing.paystack.errors import PaystackError
from billing.selectors import wallet
from billing.selectors.instruments import charged_this_month, month_of, orders_due
from billing.services import auto_top_up_outcomes as outcomes
from billing.services import crediting, deposit_limits, exchange_rates, ledger, saved_cards, settling
from billing.services.deposit_limits import OPEN
from billing.services.standing_orders import switch_off
from namaskah.exceptions import DomainError
from namaskah.lib.money import format_money, format_subunits

__all__ = ["save", "sweep", "switch_off"]
log = structlog.get_logger(__name__)

_LEASE = dt.timedelta(minutes=2)  # longer than a charge and the question after it last
_REFUSED_WAIT = dt.timedelta(hours=1)  # a limit of ours, or no fresh exchange rate
_BATCH = 20


def save(
    *,
    user: User,
    card_id: int,
    threshold: Decimal,
    amount_subunits: int,
    monthly_cap_subunits: int,
    consent: bool,
) -> AutoTopUp:
    """Switch automatic top-up on with these wishes, or change them.

    Args:
        threshold: Wallet currency; below it the card is charged.
        amount_subunits: What is charged each time, in the charge currency.
        monthly_cap_subunits: At most this in a calendar month (UTC).
        consent: The customer has ticked that we may do so.

    Raises:
        AutoTopUpRefused: Which wish cannot be kept, and why.
    """
    if not consent:
        raise AutoTopUpRefused(
            _("Tick the box to agree that we charge your card by ourselves."), field="consent"
        )
    currency = charge_currency()
    _check_amount(currency, user.pk, amount_subunits)
    _check_wishes(threshold, amount_subunits, monthly_cap_subunits)
    with transaction.atomic():
        cards = SavedCard.objects.select_for_update(of=("self",))
        card = cards.filter(pk=card_id, user=user, removed_at__isnull=True).first()
        next_try_at = _first_try(card)
        order, _made = AutoTopUp.objects.update_or_create(
            user=user,
            defaults={
                "card": card,
                "is_on": True,
                "threshold": threshold,
                "charge_currency": currency.code,
                "amount_subunits": amount_subunits,
                "monthly_cap_subunits": monthly_cap_subunits,
                "next_try_at": next_try_at,
                "stop_reason": "",
            },
        )
    log.info("Automatic top-up switched on", customer=user.pk, card=card_id)
    return order


def sweep() -> int:
    """Charge for wallets that are low, and follow charges under way to their end.

    Returns:
        How many cards were charged.
    """
    if not client.is_available():
        return 0
    now = timezone.now()
    return sum(_look_after(order) for order in orders_due(now)[:_BATCH] if _claim(order, now))


def _check_amount(currency: ChargeCurrency, user_id: int, amount: int) -> None:
    """Refuse what could not be charged now: later charges go through the same limits."""
    most = deposit_limits.largest_charge(user_id)
    if currency.minimum <= amount <= most:
        return
    if currency.first_maximum == most < amount <= currency.maximum:
        raise AutoTopUpRefused(FirstTopUpTooLarge(most, currency.code).message, field="amount")
    words = _("Choose between %(minimum)s and %(maximum)s.") % {
        "minimum": format_subunits(currency.minimum, currency.code),
        "maximum": format_subunits(most, currency.code),
    }
    raise AutoTopUpRefused(words, field="amount")


def _check_wishes(threshold: Decimal, amount: int, cap: int) -> None:
    if cap < amount:
        raise AutoTopUpRefused(
            _("The limit for a month must cover one charge at least."), field="monthly_cap"
        )
    if threshold <= 0:
        raise AutoTopUpRefused(_("Choose an amount above zero."), field="threshold")
    rate = exchange_rates.current()
    if rate is not None and threshold > (credit := crediting.worth(amount, rate.rate)):
        # Otherwise one charge would not lift the wallet above it, and the next would follow half a minute later.
        words = _("Not more than what one charge adds to your wallet, which is %(credit)s today.") % {
            "credit": format_money(credit, rate.wallet_currency)
        }
        raise AutoTopUpRefused(words, field="threshold")


def _first_try(card: SavedCard | None) -> dt.datetime:
    now = timezone.now()
    if card is None:
        raise AutoTopUpRefused(_("Choose one of your saved cards."), field="card")
    if card.is_expired:
        raise AutoTopUpRefused(_("This card has expired. Choose another one."), field="card")
    if len(outcomes.recent_declines(card, now)) >= outcomes.DECLINES_TO_STOP:
        words = _("This card was declined three times this week. Choose another one, or try again next week.")
        raise AutoTopUpRefused(words, field="card")
    return max(now, outcomes.earliest_try(card))


def _claim(order: AutoTopUp, now: dt.datetime) -> bool:
    """Whether this run looks after it; if the run dies, the next one does after the lease."""
    waiting = AutoTopUp.objects.filter(pk=order.pk, next_try_at=order.next_try_at)
    return waiting.update(next_try_at=now + _LEASE) == 1


def _look_after(order: AutoTopUp) -> bool:
    if order.attempt_id is not None:
        settling.settle(order.attempt_id)
        outcomes.conclude(order.pk)
        return False
    deposit = _begin(order.pk, order.user_id)
    if deposit is None:
        return False
    _charge(order.pk, deposit)
    return True


def _begin(order_id: int, user_id: int) -> Deposit | None:
    """Commit the intent of a charge, or find that it is not the time for one."""
    try:
        with transaction.atomic():
            # Counting the month and opening the next charge belong together: others of this customer wait here.
            locks.lock_account(ledger.customer_account(user_id).pk)
            orders = AutoTopUp.objects.select_for_update(of=("self",)).select_related("card", "user")
            order = orders.filter(pk=order_id, is_on=True, attempt__isnull=True).first()
            if order is None or order.card is None or not _is_time(order, order.card):
                return None
            deposit = settling.open_authorized(
                user=order.user, card=order.card, amount_subunits=order.amount_subunits
            )
            order.attempt = deposit
            order.save(update_fields=["attempt", "updated_at"])
            return deposit
    except DomainError as refusal:
        log.info("Automatic top-up put off", customer=user_id, code=refusal.code)
        _put_off(order_id, timezone.now() + _REFUSED_WAIT)
        return None


def _is_time(order: AutoTopUp, card: SavedCard) -> bool:
    """Under the customer's lock: low, the card usable, the month not used up, and no other charge open."""
    now = timezone.now()
    if wallet(order.user_id).available >= order.threshold or _has_open_charge(order.user_id):
        return False
    if card.removed_at is not None or order.charge_currency != charge_currency().code:
        return False
    if (earliest := outcomes.earliest_try(card)) > now:
        _put_off(order.pk, earliest)
        return False
    if _is_month_used_up(order, now):
        _put_off(order.pk, month_of(now)[1])
        return False
    return True


def _has_open_charge(user_id: int) -> bool:
    """An intent of before whose outcome was told to us and that is not closed yet. The database would refuse a second one."""
    return Deposit.objects.filter(user_id=user_id, purpose=DepositPurpose.AUTO, status__in=OPEN).exists()


def _is_month_used_up(order: AutoTopUp, now: dt.datetime) -> bool:
    charged = charged_this_month(order.user_id, order.charge_currency, now=now)
    if charged + order.amount_subunits <= order.monthly_cap_subunits:
        return False
    log.info("Automatic top-up has reached its month's limit", customer=order.user_id)
    return True


def _put_off(order_id: int, until: dt.datetime) -> None:
    AutoTopUp.objects.filter(pk=order_id, is_on=True).update(next_try_at=until)


def _charge(order_id: int, deposit: Deposit) -> None:
    """Charge the card of a committed intent, then read what became of it: the answer alone credits nothing."""
    order = AutoTopUp.objects.select_related("card").get(pk=order_id)
    if order.attempt_id != deposit.pk or order.card is None:
        # Switched off or the card removed since the intent was committed: it is never sent, and closes unpaid.
        outcomes.never_sent(order_id, deposit.pk)
        return
    try:
        charge = saved_cards.charge(
            card=order.card,
            amount_subunits=deposit.amount_subunits,
            currency=deposit.charge_currency,
            reference=deposit.reference,
        )
    except PaystackError as error:
        log.info("Automatic charge not answered", deposit=str(deposit.pk), code=error.code)
        outcomes.not_charged(order_id, deposit.pk, error)
    else:
        if charge.authorization_url:
            outcomes.ask_the_customer(deposit.pk, charge.authorization_url)
            return
    settling.settle(deposit.pk, force=True)
    outcomes.conclude(order_id)
