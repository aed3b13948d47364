"""What a configuration that would lose or leak money is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from namaskah import checks

KEY = "dGVzdHMtb25seS1rZXktdGhhdC1zZWFscy1ub3RoaW4="


def found() -> list[str]:
    return [str(message.id) for message in run_checks(tags=[checks.TAG])]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"PAYSTACK_SECRET_KEY": ""}, []),
        ({"PAYSTACK_SECRET_KEY": "", "DATA_KEYS": []}, []),
        ({"PAYSTACK_SECRET_KEY": "   "}, ["namaskah.E010"]),
        ({"PAYSTACK_SECRET_KEY": "sk_test_"}, ["namaskah.E010"]),
        ({"PAYSTACK_SECRET_KEY": "pk_test_0123456789abcdef0123456789abcdef"}, ["namaskah.E010"]),
        ({"PAYSTACK_SECRET_KEY": "sk_live_0123456789abcdef0123456789abcdef\n"}, ["namaskah.E010"]),
        ({"PAYSTACK_PREVIOUS_SECRET_KEY": "secret"}, ["namaskah.E010"]),
        ({"DATA_KEYS": []}, ["namaskah.E011"]),
        ({"DATA_KEYS": [KEY, "short"]}, ["namaskah.E012"]),
        ({"PAYSTACK_CURRENCY": "XOF"}, ["namaskah.E013"]),
        ({"TOP_UP_MIN": "100000000"}, ["namaskah.E014"]),
        ({"TOP_UP_MIN": "0"}, ["namaskah.E014"]),
        ({"TOP_UP_MAX": "12.345"}, ["namaskah.E014"]),
        ({"TOP_UP_DAILY_MAX": "many"}, ["namaskah.E014"]),
        ({"PAYSTACK_BASE_URL": "http://api.paystack.co"}, ["namaskah.E015"]),
        ({"PAYSTACK_BASE_URL": "https://api.paystack.co"}, []),
    ],
)
def test_each_fault_is_named(settings: Settings, changes: dict[str, Any], expected: list[str]) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)

    assert found() == expected
