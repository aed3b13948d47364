"""Saved cards, standing orders and bank account numbers."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from billing.models import AutoTopUp, DedicatedAccount, SavedCard
from namaskah.lib import sealing
from tests.factories.billing import make_customer

_numbers = itertools.count(1)


def make_card(user: User | None = None, *, code: str = "", signature: str = "", **fields: Any) -> SavedCard:
    """A card that can be charged."""
    user, number = user or make_customer(), next(_numbers)
    values: dict[str, Any] = {
        "user": user, "fingerprint": sealing.fingerprint(signature or f"SIG_{number}"),
        "sealed_code": sealing.seal(code or f"AUTH_{number}"), "email": user.email, "customer_code": "CUS_test",
        "brand": "visa", "last4": f"{number % 10_000:04d}", "exp_month": 12, "exp_year": 2040, "bank": "TEST BANK",
    }  # fmt: skip
    return SavedCard.objects.create(**(values | fields))


def make_standing_order(card: SavedCard, **fields: Any) -> AutoTopUp:
    """Below $5 charge ₦5,000, at most ₦20,000 a month; due now."""
    values: dict[str, Any] = {
        "user": card.user, "card": card, "is_on": True, "threshold": Decimal(5), "charge_currency": "NGN",
        "amount_subunits": 500_000, "monthly_cap_subunits": 2_000_000,
        "next_try_at": timezone.now() - dt.timedelta(seconds=1),
    }  # fmt: skip
    return AutoTopUp.objects.create(**(values | fields))


def make_bank_account(user: User | None = None, **fields: Any) -> DedicatedAccount:
    """A number in use."""
    user, number = user or make_customer(), next(_numbers)
    values: dict[str, Any] = {
        "user": user, "email": user.email, "customer_code": f"CUS_{user.email}", "paystack_id": 7_000_000 + number,
        "account_number": f"{9_900_000_000 + number}", "account_name": "NAMASKAH / ADA OBI", "bank_name": "Wema Bank",
        "bank_slug": "wema-bank", "is_active": True, "next_look_at": timezone.now() + dt.timedelta(days=1),
    }  # fmt: skip
    return DedicatedAccount.objects.create(**(values | fields))
