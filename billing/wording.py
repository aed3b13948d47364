"""Amounts and rates of payments in words."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format

from namaskah.lib.money import SUBUNITS, SYMBOLS, format_subunits


def short_amount(subunits: int, currency: str) -> str:
    """`₦5,000`: a round amount without its empty decimal places."""
    if subunits % SUBUNITS:
        return format_subunits(subunits, currency)
    return _with_symbol(number_format(subunits // SUBUNITS, force_grouping=True), currency)


def rate_words(rate: Decimal, charge: str, wallet: str) -> str:
    """`$1 = ₦1,530.50`, with as many places as the rate really has, two at least."""
    exponent = rate.normalize().as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) else 0)
    units = number_format(rate, decimal_pos=places, force_grouping=True)
    return f"{_with_symbol('1', wallet)} = {_with_symbol(units, charge)}"


def _with_symbol(figure: str, currency: str) -> str:
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{figure}" if symbol else f"{figure} {currency}"
