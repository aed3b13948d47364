import random

import phonenumbers
import pytest

from sandbox import texts
from sandbox.catalogue import Catalogue, fivesim_catalogue, handler_catalogue
from sandbox.phones import PhoneBook

CATALOGUES = [
    handler_catalogue("handler", hero=False),
    handler_catalogue("hero", hero=True),
    fivesim_catalogue("fivesim"),
]


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda catalogue: catalogue.vendor)
def test_numbers_of_every_country_are_valid(catalogue: Catalogue) -> None:
    book = PhoneBook(random.Random(7))

    for place in catalogue.countries.values():
        for number in [book.number(place.iso2, place.dial), book.worn_out(place.iso2, place.dial)]:
            assert number.isdigit()
            assert phonenumbers.is_valid_number(phonenumbers.parse(f"+{number}")), (place, number)


def test_american_numbers_are_fictional_and_do_not_repeat_early() -> None:
    book = PhoneBook(random.Random(7))

    numbers = [book.number("US", "1") for _ in range(2000)]

    assert all(number[4:9] == "55501" for number in numbers)
    assert len(set(numbers)) == 2000


def test_prices_differ_by_vendor_and_stay_the_same() -> None:
    classic, hero, _ = CATALOGUES
    again = handler_catalogue("handler", hero=False)
    pairs = [(service, country) for service in classic.services for country in ("6", "16", "187")]

    assert all(classic.price(*pair) == again.price(*pair) for pair in pairs)
    assert sum(classic.price(*pair) != hero.price(*pair) for pair in pairs) > len(pairs) / 2


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda catalogue: catalogue.vendor)
@pytest.mark.parametrize("style", [None, "leading_zero_code", "odd_text"])
def test_every_service_writes_a_readable_code(catalogue: Catalogue, style: str | None) -> None:
    rng = random.Random(7)

    for service in catalogue.services:
        sender, text, code = texts.compose(
            rng, catalogue.text_service(service), catalogue.service_name(service), style
        )
        assert sender
        assert code is not None
        assert code.isdigit()
        assert code in text.replace("-", "").replace(" ", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("G-482913 is your Google verification code.", "482913"),
        ("Your WhatsApp code: 482-913", "482913"),
        ("482 913 is your Instagram code", "482913"),
        ("0042", "0042"),
        ("Hello", None),
    ],
)
def test_vendor_reads_codes(text: str, code: str | None) -> None:
    assert texts.read_code(text) == code
