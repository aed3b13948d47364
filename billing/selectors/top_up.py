"""What the top-up page says: amounts with what the wallet gets for them, the rate and its date, the limits in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from billing.currencies import ChargeCurrency
from billing.forms import MoneyField
from billing.models import ExchangeRate
from billing.services import deposit_limits, deposits
from billing.wording import rate_words, short_amount
from namaskah.lib.money import RATE_PLACES, SYMBOLS, format_money, to_subunits


@dataclass(frozen=True, slots=True)
class Preset:
    """One amount to choose: as the field takes it, as people read it, and what the wallet gets."""

    value: str
    label: str
    credit: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class TopUpPage:
    """Everything the form shows. `problem` stands in place of the form when nobody can top up now.

    Attributes:
        rate: With all its places, for the script that follows what is typed.
        credit: For the amount in the field; empty while there is none.
    """

    problem: str
    charge_code: str
    charge_symbol: str
    wallet_code: str
    wallet_symbol: str
    presets: list[Preset]
    rate: str
    rate_words: str
    rate_as_of: dt.datetime | None
    credit: str
    limits: str


def top_up_page(user_id: int, amount: str) -> TopUpPage:
    """The page for what is in the amount field now, which may be anything."""
    offer = deposits.offer()
    charge, rate = offer.currency, offer.rate
    chosen = _subunits(amount)
    is_known = deposit_limits.usage(user_id, charge.code).is_known
    maximum = charge.maximum if is_known else charge.first_maximum
    return TopUpPage(
        problem="" if offer.is_available else str(offer.reason),
        charge_code=charge.code,
        charge_symbol=SYMBOLS.get(charge.code, charge.code),
        wallet_code=rate.wallet_currency if rate else "",
        wallet_symbol=SYMBOLS.get(rate.wallet_currency, "") if rate else "",
        presets=[_preset(preset, charge, rate, chosen) for preset in charge.presets if preset <= maximum]
        if rate
        else [],
        rate=f"{rate.rate:.{RATE_PLACES}f}" if rate else "",
        rate_words=rate_words(rate.rate, rate.charge_currency, rate.wallet_currency) if rate else "",
        rate_as_of=rate.as_of if rate and rate.charge_currency != rate.wallet_currency else None,
        credit=_credit(chosen, rate) if rate and chosen else "",
        limits=_limits(charge, is_known=is_known),
    )


def _preset(subunits: int, charge: ChargeCurrency, rate: ExchangeRate, chosen: int) -> Preset:
    return Preset(
        value=f"{subunits // 100}" if subunits % 100 == 0 else f"{subunits // 100}.{subunits % 100:02d}",
        label=short_amount(subunits, charge.code),
        credit=_credit(subunits, rate),
        is_chosen=subunits == chosen,
    )


def _credit(subunits: int, rate: ExchangeRate) -> str:
    return format_money(deposits.quote(subunits, rate), rate.wallet_currency)


def _limits(charge: ChargeCurrency, *, is_known: bool) -> str:
    words = {
        "minimum": short_amount(charge.minimum, charge.code),
        "maximum": short_amount(charge.maximum, charge.code),
        "first": short_amount(charge.first_maximum, charge.code),
        "daily": short_amount(charge.daily_maximum, charge.code),
    }
    if not is_known and charge.first_maximum < charge.maximum:
        return _("From %(minimum)s to %(first)s; a day after your first top-up, up to %(maximum)s.") % words
    return _("From %(minimum)s to %(maximum)s, at most %(daily)s a day.") % words


def _subunits(text: str) -> int:
    """What is in the field, in subunits; 0 when that is no amount."""
    try:
        amount = MoneyField(max_digits=12, decimal_places=2, min_value=0, required=False).clean(text)
    except ValidationError:
        return 0
    return to_subunits(amount) if amount is not None else 0
