"""System checks of the settings that money depends on; namaskah/checks.py says what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from billing.currencies import CHARGE_CURRENCIES, charge_currency
from namaskah.checks import TAG, is_local

KEY_PREFIXES = ("sk_test_", "sk_live_")
KEY_LENGTH = 24


@register(TAG)
def check_paystack_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The secret key also signs webhooks, so a blank or cut-off one would let anybody credit wallets."""
    errors: list[CheckMessage] = []
    for name in ("PAYSTACK_SECRET_KEY", "PAYSTACK_PREVIOUS_SECRET_KEY"):
        key = getattr(settings, name)
        if key and (not key.startswith(KEY_PREFIXES) or len(key) < KEY_LENGTH or key != key.strip()):
            errors.append(
                Error(
                    f"{name} is not a secret key of Paystack.",
                    hint="It begins with sk_test_ or sk_live_; leave it empty to offer no top-ups.",
                    id="namaskah.E010",
                )
            )
    return errors


@register(TAG)
def check_data_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """What can charge a card is kept sealed, by a key that is not the one that signs sessions."""
    hint = 'Make one: python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
    if settings.PAYSTACK_SECRET_KEY and not settings.DATA_KEYS:
        return [Error("DATA_KEYS is not set.", hint=hint, id="namaskah.E011")]
    for key in settings.DATA_KEYS:
        try:
            Fernet(key)
        except ValueError:
            return [Error("DATA_KEYS holds something that is no key.", hint=hint, id="namaskah.E012")]
    return []


@register(TAG)
def check_charge_currency(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A currency without limits of ours, or limits that contradict each other, would refuse or take anything."""
    if settings.PAYSTACK_CURRENCY not in CHARGE_CURRENCIES:
        known = ", ".join(CHARGE_CURRENCIES)
        return [
            Error(
                f"PAYSTACK_CURRENCY is {settings.PAYSTACK_CURRENCY!r}.",
                hint=f"Known: {known}.",
                id="namaskah.E013",
            )
        ]
    try:
        limits = charge_currency()
    except (ArithmeticError, ValueError):
        limits = None
    if (
        limits is None
        or not 0 < limits.minimum <= limits.first_maximum <= limits.maximum <= limits.daily_maximum
    ):
        return [
            Error(
                "TOP_UP_MIN, FIRST_TOP_UP_MAX, TOP_UP_MAX and TOP_UP_DAILY_MAX do not rise in this order.",
                hint="They are amounts in the charge currency with at most two decimal places.",
                id="namaskah.E014",
            )
        ]
    return []


@register(TAG)
def check_paystack_address(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The secret key travels with every call."""
    address = urlsplit(settings.PAYSTACK_BASE_URL)
    if address.scheme == "https" or is_local(address.hostname or ""):
        return []
    return [
        Error(
            "PAYSTACK_BASE_URL does not begin with https://.",
            hint="Only a stand-in on this machine may be called without it.",
            id="namaskah.E015",
        )
    ]
