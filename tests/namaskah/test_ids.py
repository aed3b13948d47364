"""Identifiers: unique, in the order of their making, and of the characters they promise."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
import time_machine

from namaskah.lib.ids import ulid, uuid7

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def number(text: str) -> int:
    """The value of a ulid, read back by the alphabet of its specification."""
    value = 0
    for letter in text:
        value = value * 32 + DIGITS.index(letter)
    return value


def test_a_ulid_has_26_letters_and_digits_that_paystack_takes() -> None:
    for _ in range(200):
        assert re.fullmatch(r"[0-7][0-9a-hjkmnp-tv-z]{25}", ulid())


def test_ulids_are_unique() -> None:
    assert len({ulid() for _ in range(20_000)}) == 20_000


def test_a_ulid_begins_with_its_time() -> None:
    with time_machine.travel(datetime(2026, 11, 21, 10, 11, 12, 345_000, tzinfo=UTC), tick=False):
        made = ulid()
        milliseconds = time.time_ns() // 1_000_000

    assert number(made) >> 80 == milliseconds
    assert made[:10] == ulid_prefix(milliseconds)


def ulid_prefix(milliseconds: int) -> str:
    """The first ten characters of a ulid of that time."""
    return "".join(DIGITS[milliseconds >> shift & 31] for shift in range(45, -1, -5))


def test_the_example_of_the_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    # https://github.com/ulid/spec: 01ARYZ6S41… is 1469918176385 ms.
    monkeypatch.setattr(time, "time_ns", lambda: 1_469_918_176_385_000_000)

    assert ulid().startswith("01aryz6s41")


def test_later_ulids_and_uuids_sort_behind_earlier_ones() -> None:
    with time_machine.travel(0, tick=False) as clock:
        made = []
        for _ in range(50):
            clock.shift(0.001)
            made.append((ulid(), uuid7()))

    assert [pair[0] for pair in made] == sorted(pair[0] for pair in made)
    assert [pair[1] for pair in made] == sorted(pair[1] for pair in made)


@pytest.mark.parametrize(("noise", "tail"), [(b"\x00" * 10, "0" * 16), (b"\xff" * 10, "z" * 16)])
def test_the_rest_of_a_ulid_is_chance(monkeypatch: pytest.MonkeyPatch, noise: bytes, tail: str) -> None:
    monkeypatch.setattr("os.urandom", lambda count: noise[:count])

    assert ulid()[10:] == tail


def test_a_uuid_says_its_version_and_variant() -> None:
    made = uuid7()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert abs((made.int >> 80) - time.time_ns() // 1_000_000) < 10_000
