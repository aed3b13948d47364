"""The currencies customers may pay in, with the limits we start from. Settings override the amounts.

Minimums: Paystack's documented ones or more. Source: docs/providers/paystack.md
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from namaskah.lib.money import to_subunits


@dataclass(frozen=True, slots=True)
class ChargeCurrency:
    """Amounts in subunits.

    Attributes:
        country: Whose Paystack account takes it, ISO 3166.
        bank_transfer_minimum: Below it the channel `bank_transfer` is not offered.
        refund_minimum: Smaller refunds are not worth their cost; the last of a deposit may be less.
    """

    code: str
    country: str
    minimum: int
    maximum: int
    first_maximum: int
    daily_maximum: int
    presets: tuple[int, ...]
    bank_transfer_minimum: int = 0
    refund_minimum: int = 1


CHARGE_CURRENCIES: dict[str, ChargeCurrency] = {
    currency.code: currency
    for currency in (
        ChargeCurrency(
            "NGN", "NG", 100_000, 50_000_000, 5_000_000, 100_000_000, (200_000, 500_000, 1_000_000, 2_000_000), 10_000, 10_000
        ),
        ChargeCurrency("GHS", "GH", 1_000, 500_000, 50_000, 1_000_000, (2_000, 5_000, 10_000, 20_000), 0, 100),
        ChargeCurrency("KES", "KE", 10_000, 5_000_000, 500_000, 10_000_000, (20_000, 50_000, 100_000, 200_000), 0, 1_000),
        ChargeCurrency("ZAR", "ZA", 2_000, 800_000, 80_000, 1_600_000, (5_000, 10_000, 20_000, 50_000), 0, 500),
        ChargeCurrency("USD", "NG", 200, 50_000, 5_000, 100_000, (500, 1_000, 2_000, 5_000), 0, 100),
    )
}  # fmt: skip


def charge_currency() -> ChargeCurrency:
    """The one in `PAYSTACK_CURRENCY`, with the amounts that settings override."""
    known = CHARGE_CURRENCIES[settings.PAYSTACK_CURRENCY]
    minimum = _setting(settings.TOP_UP_MIN, known.minimum)
    maximum = _setting(settings.TOP_UP_MAX, known.maximum)
    return ChargeCurrency(
        code=known.code,
        country=known.country,
        minimum=minimum,
        maximum=maximum,
        first_maximum=min(_setting(settings.FIRST_TOP_UP_MAX, known.first_maximum), maximum),
        daily_maximum=_setting(settings.TOP_UP_DAILY_MAX, known.daily_maximum),
        presets=tuple(preset for preset in known.presets if minimum <= preset <= maximum),
        bank_transfer_minimum=known.bank_transfer_minimum,
        refund_minimum=known.refund_minimum,
    )


def _setting(text: str, default: int) -> int:
    return to_subunits(Decimal(text)) if text else default
