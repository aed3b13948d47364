"""Holds without an open order go back; holds of open orders stay."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from billing.enums import TransferCode
from billing.models import Transfer
from billing.services import books, ledger
from tests.shop import Shop
from verifications.services.orphan_holds import release_orphan_holds

NOW = dt.timedelta(0)


def _hold(shop: Shop, key: str) -> Transfer:
    with transaction.atomic():
        return ledger.hold(
            account=ledger.customer_account(shop.user.pk),
            amount=Decimal("1.00"),
            code=TransferCode.VERIFICATION_HOLD,
            key=key,
            reference="verification:none",
            expires_at=timezone.now() + dt.timedelta(days=1),
        )


def test_hold_without_an_order_is_released_once(shop: Shop) -> None:
    shop.order()
    _hold(shop, "lost")

    first, second = release_orphan_holds(NOW), release_orphan_holds(NOW)

    assert (first, second) == (1, 0)
    assert shop.figures == (Decimal("9.65"), Decimal("0.35"))
    assert books.verify().is_clean


def test_young_hold_may_still_get_its_order(shop: Shop) -> None:
    _hold(shop, "young")

    assert release_orphan_holds() == 0
