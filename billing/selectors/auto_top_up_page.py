"""What the page of automatic top-up says about it: what it will do, what it has done this month, what it waits for."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.currencies import charge_currency
from billing.enums import StopReason
from billing.models import AutoTopUp
from billing.selectors.instruments import charged_this_month, month_of
from billing.services import crediting, deposit_limits, exchange_rates
from billing.services.auto_top_up_outcomes import earliest_try
from billing.wording import rate_words, short_amount
from namaskah.exceptions import DomainError
from namaskah.lib.money import SYMBOLS, format_money


@dataclass(frozen=True, slots=True)
class AutoTopUpPage:
    """Ready words.

    Attributes:
        meaning: What will happen, when it is on.
        month: What has been charged in this calendar month.
        waiting: Why nothing is charged for now, when it is on.
        stopped: Why it is off, when that was not the customer's doing.
        deposit_id: The charge under way.
    """

    is_on: bool
    charge_code: str
    charge_symbol: str
    wallet_symbol: str
    rate_words: str
    meaning: str = ""
    month: str = ""
    waiting: str = ""
    stopped: str = ""
    deposit_id: uuid.UUID | None = None


def auto_top_up_page(user_id: int, order: AutoTopUp | None) -> AutoTopUpPage:
    """The page of one customer, whose standing order is given with its card."""
    charge, rate = charge_currency(), exchange_rates.current()
    words = {
        "charge_code": charge.code,
        "charge_symbol": SYMBOLS.get(charge.code, charge.code),
        "wallet_symbol": SYMBOLS.get(settings.WALLET_CURRENCY, settings.WALLET_CURRENCY),
        "rate_words": rate_words(rate.rate, rate.charge_currency, rate.wallet_currency) if rate else "",
    }
    if order is None:
        return AutoTopUpPage(is_on=False, **words)
    charged = charged_this_month(user_id, order.charge_currency)
    return AutoTopUpPage(
        is_on=order.is_on,
        meaning=_meaning(order) if order.is_on else "",
        month=_month(order, charged) if order.is_on or charged else "",
        waiting=_waiting(order, charged) if order.is_on else "",
        stopped=_stopped(order),
        deposit_id=order.attempt_id,
        **words,
    )


def _meaning(order: AutoTopUp) -> str:
    rate = exchange_rates.current(order.charge_currency)
    credit = crediting.worth(order.amount_subunits, rate.rate) if rate else None
    values = {
        "threshold": format_money(order.threshold, settings.WALLET_CURRENCY),
        "amount": short_amount(order.amount_subunits, order.charge_currency),
        "card": order.card.label if order.card else "",
        "cap": short_amount(order.monthly_cap_subunits, order.charge_currency),
    }
    first = _(
        "When less than %(threshold)s is available, we charge %(amount)s to %(card)s, at most %(cap)s in a calendar month."
    )
    if credit is None:
        return first % values
    gets = _("At today's rate your wallet gets %(credit)s each time.") % {
        "credit": format_money(credit, settings.WALLET_CURRENCY)
    }
    return f"{first % values} {gets}"


def _month(order: AutoTopUp, charged: int) -> str:
    return _("Charged in %(month)s: %(charged)s of %(cap)s.") % {
        "month": date_format(timezone.now().astimezone(dt.UTC), "F"),
        "charged": short_amount(charged, order.charge_currency),
        "cap": short_amount(order.monthly_cap_subunits, order.charge_currency),
    }


def _waiting(order: AutoTopUp, charged: int) -> str:
    now = timezone.now()
    if order.attempt_id is not None:
        return _("A charge is under way. Nothing else is charged until we know its outcome.")
    if charged + order.amount_subunits > order.monthly_cap_subunits:
        return _("The limit of this month is reached. The next charge can come on %(day)s.") % {
            "day": date_format(month_of(now)[1], "j F")
        }
    if order.card is not None and order.card.is_expired:
        return _("This card has expired. Choose another one.")
    if order.next_try_at is not None and order.next_try_at - now > dt.timedelta(minutes=10):
        again = _("We try again on %(time)s UTC at the earliest.") % {
            "time": date_format(order.next_try_at.astimezone(dt.UTC), "j F, H:i")
        }
        return f"{_why_not_now(order)} {again}"
    return ""


def _why_not_now(order: AutoTopUp) -> str:
    """The bank's no, or the limit that a charge would meet now."""
    card = order.card
    if card is not None and card.declines and earliest_try(card) > timezone.now():
        return _("The last charge did not work.")
    try:
        exchange_rates.usable(order.charge_currency)
        deposit_limits.check(order.user_id, order.amount_subunits)
    except DomainError as refusal:
        return str(refusal.message)
    return _("The last charge could not be made.")


def _stopped(order: AutoTopUp) -> str:
    if order.is_on or order.stop_reason in ("", StopReason.CUSTOMER):
        return ""
    return _("It was switched off: %(reason)s.") % {"reason": StopReason(order.stop_reason).label}
