"""Amounts: exact, rounded one way and on purpose, written for people."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namaskah.lib import money

SUBUNITS = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("subunits", "amount"),
    [
        (500_000, "5000.0000"),
        (1, "0.0100"),
        (0, "0.0000"),
        (-35, "-0.3500"),
        (10**15 + 1, "10000000000000.0100"),
    ],
)
def test_subunits_are_hundredths(subunits: int, amount: str) -> None:
    assert str(money.from_subunits(subunits)) == amount
    assert money.to_subunits(Decimal(amount)) == subunits


@given(SUBUNITS)
def test_an_amount_survives_the_way_there_and_back(subunits: int) -> None:
    assert money.to_subunits(money.from_subunits(subunits)) == subunits


@pytest.mark.parametrize("amount", ["0.001", "0.0001", "-12.345", "5000.00000001"])
def test_a_fraction_of_a_subunit_is_refused_and_not_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match="whole number of subunits"):
        money.to_subunits(Decimal(amount))


def test_a_whole_number_of_subunits_may_be_written_in_any_way() -> None:
    assert [money.to_subunits(Decimal(text)) for text in ("5000", "5000.00", "5E+3", "5000.0000")] == [
        500_000
    ] * 4


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("3.26999", "3.2699"),
        ("3.2699", "3.2699"),
        ("0.00009999", "0.0000"),
        ("0.99999999999999999999", "0.9999"),
        ("-0.00019", "-0.0001"),
        ("3", "3.0000"),
    ],
)
def test_rounding_down_drops_what_the_ledger_cannot_hold(amount: str, rounded: str) -> None:
    assert str(money.round_down(Decimal(amount))) == rounded


@given(st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=12))
def test_rounding_down_never_gives_more_and_takes_less_than_a_unit(amount: Decimal) -> None:
    rounded = money.round_down(amount)

    assert rounded <= amount < rounded + money.UNIT
    assert rounded == money.round_down(rounded)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.00005", "0.0001"), ("0.00004999", "0.0000"), ("-0.00005", "-0.0001"), ("1.23455", "1.2346")],
)
def test_quantizing_rounds_half_up(amount: str, rounded: str) -> None:
    assert str(money.quantize(Decimal(amount))) == rounded


@pytest.mark.parametrize(
    ("amount", "step", "rounded"),
    [
        ("0.3501", "0.01", "0.3600"),
        ("0.35", "0.01", "0.3500"),
        ("1.01", "0.5", "1.5000"),
        ("0", "0.01", "0.0000"),
    ],
)
def test_rounding_up_goes_to_the_next_step(amount: str, step: str, rounded: str) -> None:
    assert str(money.round_up(Decimal(amount), Decimal(step))) == rounded


@pytest.mark.parametrize(
    ("subunits", "currency", "text"),
    [
        (500_000, "NGN", "₦5,000.00"),
        (123_456_789, "NGN", "₦1,234,567.89"),
        (1, "USD", "$0.01"),
        (0, "KES", "KSh0.00"),
        (2_050, "GHS", "GH₵20.50"),
        (10_000, "ZAR", "R100.00"),
        (-35, "USD", "\N{MINUS SIGN}$0.35"),
        (150_000, "XOF", "1,500.00 XOF"),
        (-150_000, "XOF", "\N{MINUS SIGN}1,500.00 XOF"),
    ],
)
def test_subunits_are_written_for_people(subunits: int, currency: str, text: str) -> None:
    assert money.format_subunits(subunits, currency) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("3.27", "$3.27"), ("3.2699", "$3.2699"), ("0.35", "$0.35"), ("0.0001", "$0.0001"), ("12", "$12.00")],
)
def test_fractions_of_a_cent_show_where_they_are_real(amount: str, text: str) -> None:
    assert money.format_money(Decimal(amount), "USD") == text
