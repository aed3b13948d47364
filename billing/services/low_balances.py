"""Telling customers once that their wallet runs low: after a charge, and again only after money has come in.

A sweep reads the charges made since its last run, so that an order pays nothing for it. What it has read is remembered in the
cache; a lost cache makes it read some charges again, and the key of the notice keeps that from being told twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.transaction import atomic
from django.urls import reverse

from accounts.enums import EventType
from accounts.services import events, notices
from namaskah.lib.money import format_money

log = structlog.get_logger(__name__)

_READ_UNTIL = "low_balances:read_until"
_DAY_S = 86_400
# A transfer that is being committed becomes visible behind later ones: each run reads the newest of the last one again.
_AGAIN = 2_000

LATEST = "SELECT coalesce(max(sequence), 0) FROM billing_transfer"
# The last money that came in names the fact: below the limit since then. A walk of one index entry for each customer.
LOW = """
SELECT a.user_id, a.credits_posted - a.debits_posted - a.debits_pending, a.currency,
    (SELECT max(c.sequence) FROM billing_transfer c WHERE c.credit_account_id = a.id)
FROM billing_account a
WHERE a.kind = 'customer' AND a.credits_posted - a.debits_posted - a.debits_pending < %(limit)s AND a.id IN (
    SELECT t.debit_account_id FROM billing_transfer t
    WHERE t.sequence > %(after)s AND t.sequence <= %(until)s AND t.kind IN ('post_pending', 'posted')
)
"""


@dataclass(frozen=True, slots=True)
class LowWallet:
    """A customer who was charged and has little left; `since` is the transfer that last brought money."""

    user_id: int
    available: Decimal
    currency: str
    since: int | None


def sweep() -> int:
    """Tell who has fallen below `WALLET_LOW_BELOW`. Safe to run twice and at once.

    Returns:
        How many were told by this run.
    """
    with connection.cursor() as cursor:
        cursor.execute(LATEST)
        until = cursor.fetchone()[0]
    after = cache.get(_READ_UNTIL, until) - _AGAIN
    told = sum(_tell(wallet) for wallet in _low_wallets(after, until))
    cache.set(_READ_UNTIL, until, timeout=_DAY_S)
    return told


def _low_wallets(after: int, until: int) -> list[LowWallet]:
    values: dict[str, int | Decimal] = {"after": after, "until": until, "limit": settings.WALLET_LOW_BELOW}
    with connection.cursor() as cursor:
        cursor.execute(LOW, values)
        return [LowWallet(*row) for row in cursor.fetchall()]


def _tell(wallet: LowWallet) -> bool:
    with atomic():
        is_told = notices.tell(
            user_id=wallet.user_id,
            template="wallet_low",
            context={
                "balance": format_money(wallet.available, wallet.currency),
                "url": reverse("billing:top-up"),
            },
            key=f"wallet-low:{wallet.user_id}:{wallet.since}",
        )
        if not is_told:
            return False
        log.info("Low balance told", customer=wallet.user_id)
        events.record(
            user_id=wallet.user_id,
            type=EventType.WALLET_LOW,
            subject=f"wallet:{wallet.user_id}",
            data={"available": str(wallet.available), "currency": wallet.currency},
        )
    return True
