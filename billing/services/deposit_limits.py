"""How much, how often and with how many cards a customer may pay in. Settings and `currencies.py` hold the figures.

What is begun counts like what is paid, so the caller holds the customer's wallet lock from the check until the new deposit is
written: two starts at once could each see the room that only one of them has.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.currencies import ChargeCurrency, charge_currency
from billing.enums import DepositStatus
from billing.exceptions import (
    DailyTopUpLimit,
    FirstTopUpTooLarge,
    TooManyCards,
    TooManyDeclines,
    TooManyOpenTopUps,
    TopUpTooLarge,
    TopUpTooSmall,
)
from billing.models import Deposit
from namaskah.lib.money import format_subunits

OPEN = (DepositStatus.CREATED, DepositStatus.PENDING, DepositStatus.PROCESSING)
_WITH_MONEY = (DepositStatus.SUCCEEDED, DepositStatus.NEEDS_REVIEW, DepositStatus.REVERSED)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
CARDS_WINDOW = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a customer has used of the limits.

    Attributes:
        day_subunits: Paid in the last 24 hours, or begun in them and still open.
        open: Checkouts begun in the last hour and still open; an older one is hardly paid any more.
        declines: Payments that a bank has refused in the last hour.
        cards: Different cards tried in 30 days.
        is_known: Has paid more than a day ago.
    """

    day_subunits: int
    open: int
    declines: int
    cards: int
    is_known: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as staff reads it."""

    what: str | Promise
    used: str
    allowed: str
    is_reached: bool

    def __str__(self) -> str:
        if not self.used:
            return f"{self.what}: {self.allowed}"
        return gettext("%(what)s: %(used)s of %(allowed)s") % {
            "what": self.what,
            "used": self.used,
            "allowed": self.allowed,
        }


def check(user_id: int, amount_subunits: int) -> None:
    """Refuse a top-up that no limit allows.

    Raises:
        TopUpRefused: Its kind names the limit, its sentence the figure.
    """
    currency = charge_currency()
    if amount_subunits < currency.minimum:
        raise TopUpTooSmall(currency.minimum, currency.code)
    if amount_subunits > currency.maximum:
        raise TopUpTooLarge(currency.maximum, currency.code)
    used = usage(user_id, currency.code)
    if not used.is_known and amount_subunits > currency.first_maximum:
        raise FirstTopUpTooLarge(currency.first_maximum, currency.code)
    if used.day_subunits + amount_subunits > currency.daily_maximum:
        left = max(currency.daily_maximum - used.day_subunits, 0)
        raise DailyTopUpLimit(currency.daily_maximum, left, currency.code)
    if used.open >= settings.TOP_UP_OPEN_MAX:
        raise TooManyOpenTopUps(settings.TOP_UP_OPEN_MAX)
    if used.declines >= settings.DECLINES_PER_HOUR:
        raise TooManyDeclines(settings.DECLINES_PER_HOUR)
    if used.cards > settings.CARDS_PER_USER:
        raise TooManyCards(settings.CARDS_PER_USER)


def largest_charge(user_id: int) -> int:
    """The largest single payment of this customer, whatever else was paid today."""
    currency = charge_currency()
    most = currency.maximum if _is_known(user_id) else currency.first_maximum
    return min(most, currency.daily_maximum)


def usage(user_id: int, currency: str) -> Usage:
    """Count what a customer has used. Two queries, bounded by the customer's last 30 days."""
    now = timezone.now()
    recent = Deposit.objects.filter(user=user_id, created_at__gte=now - CARDS_WINDOW)
    is_open = Q(status__in=OPEN)
    counts = recent.aggregate(
        day=Sum(
            "amount_subunits",
            filter=Q(charge_currency=currency)
            & (is_open & Q(created_at__gte=now - DAY) | Q(status__in=_WITH_MONEY, paid_at__gte=now - DAY)),
            default=0,
        ),
        open=Count("pk", filter=is_open & Q(created_at__gte=now - HOUR)),
        # Only a bank's refusal has an id of Paystack's, and what a person has closed was none.
        declines=Count(
            "pk",
            filter=Q(
                status=DepositStatus.FAILED,
                paystack_id__isnull=False,
                reviewed_at__isnull=True,
                closed_at__gte=now - HOUR,
            ),
        ),
        cards=Count("card_fingerprint", filter=~Q(card_fingerprint=""), distinct=True),
    )
    return Usage(counts["day"], counts["open"], counts["declines"], counts["cards"], _is_known(user_id))


def limits_of(user: User) -> list[Limit]:
    """What a customer has used of each limit, for staff."""
    currency = charge_currency()
    used = usage(user.pk, currency.code)
    return [
        _largest(currency, is_known=used.is_known),
        Limit(
            _("Paid or begun in 24 hours"),
            format_subunits(used.day_subunits, currency.code),
            format_subunits(currency.daily_maximum, currency.code),
            used.day_subunits >= currency.daily_maximum,
        ),
        _count(_("Open checkouts of the last hour"), used.open, settings.TOP_UP_OPEN_MAX),
        _count(_("Declined in an hour"), used.declines, settings.DECLINES_PER_HOUR),
        _count(_("Different cards in 30 days"), used.cards, settings.CARDS_PER_USER),
    ]


def _is_known(user_id: int) -> bool:
    return Deposit.objects.filter(user=user_id, credited_at__lt=timezone.now() - DAY).exists()


def _largest(currency: ChargeCurrency, *, is_known: bool) -> Limit:
    most = currency.maximum if is_known else currency.first_maximum
    what = _("Largest top-up") if is_known else _("Largest top-up of somebody new")
    return Limit(what, "", format_subunits(most, currency.code), is_reached=False)


def _count(what: str | Promise, used: int, allowed: int) -> Limit:
    return Limit(what, str(used), str(allowed), used >= allowed)
