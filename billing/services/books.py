"""Recomputes every balance and invariant from the transfers, in SQL, and names each difference.

Every rule is also a constraint or a trigger; this finds what got past them: a restored backup, a disabled trigger, a hand in
the database. All checks read one snapshot, so a busy ledger shows no false difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction

from billing.services.books_checks import CHECKS
from billing.services.books_checks_deposits import DEPOSIT_CHECKS
from billing.services.books_checks_holds import HOLD_CHECKS
from billing.services.books_checks_reconciliation import RECONCILIATION_CHECKS

ALL_CHECKS = (*CHECKS, *DEPOSIT_CHECKS, *HOLD_CHECKS, *RECONCILIATION_CHECKS)
SHOWN_PER_CHECK = 20
TOTALS = """
SELECT (SELECT count(*) FROM billing_account WHERE kind = 'customer'), count(*),
    coalesce(sum(amount) FILTER (WHERE kind IN ('posted', 'post_pending') AND debit_account_id IN (
        SELECT id FROM billing_account WHERE currency = %s)), 0),
    (SELECT coalesce(sum(credits_posted - debits_posted), 0) FROM billing_account WHERE kind = 'customer'),
    (SELECT coalesce(sum(debits_pending), 0) FROM billing_account WHERE kind = 'customer')
FROM billing_transfer
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is wrong: the check that found it, and a sentence that names it."""

    check: str
    text: str


@dataclass(frozen=True, slots=True)
class BooksReport:
    """What `verify` saw; sums are in the wallet currency.

    Attributes:
        posted: All money ever moved, holds not counted.
        owned: What customers own by their accounts, `held` included.
        differences: At most `SHOWN_PER_CHECK` of each check.
        found: How many there are in all, by check; only checks that found some.
    """

    customers: int
    transfers: int
    posted: Decimal
    owned: Decimal
    held: Decimal
    differences: list[Difference]
    found: dict[str, int]

    @property
    def is_clean(self) -> bool:
        return not self.found


def verify() -> BooksReport:
    """Check the whole ledger. Reads only; the cost grows with the number of transfers."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(TOTALS, [settings.WALLET_CURRENCY])
        customers, transfers, posted, owned, held = cursor.fetchone()
        differences: list[Difference] = []
        found: dict[str, int] = {}
        for check in ALL_CHECKS:
            # Constants only. The window counts all before the limit cuts.
            cursor.execute(f"SELECT count(*) OVER (), text FROM ({check.sql}) AS d LIMIT {SHOWN_PER_CHECK}")  # noqa: S608
            for count, text in cursor.fetchall():
                found[check.name] = count
                differences.append(Difference(check.name, text))
    return BooksReport(customers, transfers, posted, owned, held, differences, found)
