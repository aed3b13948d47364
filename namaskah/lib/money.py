"""Amounts in the wallet currency: `Decimal` with four places, never a float."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal

from django.utils.formats import number_format

PLACES = 4
RATE_PLACES = 6  # of an exchange rate
SUBUNITS = 100  # of every currency Paystack knows, those without coins included
UNIT = Decimal("0.0001")
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "NGN": "₦", "GHS": "GH₵", "KES": "KSh", "ZAR": "R"}


def quantize(amount: Decimal) -> Decimal:
    """Round half up to four places, the precision of the ledger."""
    return amount.quantize(UNIT, rounding=ROUND_HALF_UP)


def round_up(amount: Decimal, step: Decimal) -> Decimal:
    """Round up to a whole multiple of `step`, e.g. to cents."""
    return quantize((amount / step).to_integral_value(rounding=ROUND_CEILING) * step)


def round_down(amount: Decimal) -> Decimal:
    """Drop what is below the precision of the ledger: what we owe is never more than what we got."""
    return amount.quantize(UNIT, rounding=ROUND_DOWN)


def from_subunits(subunits: int) -> Decimal:
    """`500000` of a charge currency as `Decimal("5000.0000")`."""
    return quantize(Decimal(subunits) / SUBUNITS)


def to_subunits(amount: Decimal) -> int:
    """`Decimal("5000")` as `500000`.

    Raises:
        ValueError: A fraction of a subunit.
    """
    subunits = amount * SUBUNITS
    if subunits != subunits.to_integral_value():
        raise ValueError(f"Not a whole number of subunits: {amount}")
    return int(subunits)


def format_subunits(subunits: int, currency: str) -> str:
    """An amount of a charge currency for people, `₦5,000.00`."""
    return format_money(from_subunits(subunits), currency)


def format_amount(amount: Decimal) -> str:
    """Two places for people, up to four where the fraction of a cent is real."""
    rounded = quantize(amount)
    places = 2 if rounded == rounded.quantize(Decimal("0.01")) else PLACES
    return number_format(abs(rounded), decimal_pos=places, force_grouping=True)


def format_money(amount: Decimal, currency: str) -> str:
    """`$1,234.50`, `−$0.35`, or `12.00 XYZ` for a currency without a symbol here."""
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    symbol = SYMBOLS.get(currency)
    text = format_amount(amount)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency}"
