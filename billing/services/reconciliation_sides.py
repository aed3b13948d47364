"""The two sides of a reconciliation: what Paystack lists, and what we have booked; and one thing they differ in.

Source: docs/providers/paystack.md, reconciliation
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from billing.enums import DifferenceKind, TransferCode
from billing.models import Transfer
from billing.paystack import client
from billing.paystack.base import DisputeFact, RefundFact, Transaction

# Whether `from` and `to` of Paystack's lists mean the start or the payment is not documented. A checkout is open for a day.
STARTED_BEFORE = dt.timedelta(days=1)
DISPUTED_BEFORE = dt.timedelta(days=45)  # from a dispute's start to its end
FRESH = dt.timedelta(minutes=15)  # a payment younger than this is still on its ordinary way to us
LOST = frozenset({"merchant-accepted", "auto-accepted"})
# What a payment does to the clearing account; all of it in the transaction that books it.
RECEIVED = (
    TransferCode.DEPOSIT_RECEIVED,
    TransferCode.SUSPENSE_IN,
    TransferCode.DEPOSIT_FEE,
    TransferCode.DEPOSIT_FEE_RECOVERED,
)
BOOKED = (TransferCode.DEPOSIT_RECEIVED, TransferCode.SUSPENSE_IN)
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not the same on both sides.

    Attributes:
        subject: What it is about, `deposit:<id>` or a name of Paystack's, `transaction:<id>`.
        at: When it happened, which says the day it belongs to.
        amount_subunits: By how much, in the subunit of `currency`.
        is_gone: The run that found it has put it right.
    """

    kind: DifferenceKind
    subject: str
    text: str
    currency: str
    at: dt.datetime
    amount_subunits: int = 0
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class FarSide:
    """What Paystack lists of a time, each thing once, by its id."""

    since: dt.datetime
    until: dt.datetime
    payments: dict[int, Transaction]
    refunds: dict[int, RefundFact]
    disputes: dict[int, DisputeFact]

    def covers(self, moment: dt.datetime | None) -> bool:
        """Whether something of this moment is part of this run."""
        return moment is not None and self.since <= moment < self.until


def read(since: dt.datetime, until: dt.datetime) -> FarSide:
    """Ask Paystack for everything of a time.

    Rows that arrive while its pages are read may push others to the next page: what comes twice counts once.

    Raises:
        PaystackError: A list could not be read to its end; nothing may be concluded from a part.
    """
    paystack = client.paystack()
    payments: dict[int, Transaction] = {}
    for status in ("success", "reversed"):  # a payment that was refunded whole leaves the successes
        for payment in paystack.transactions(since=since - STARTED_BEFORE, until=until, status=status):
            if since <= when(payment, since) < until:
                payments[payment.id] = payment
    refunds = paystack.refunds(since=since, until=until)
    disputes = paystack.disputes(since=since - DISPUTED_BEFORE, until=until)
    return FarSide(
        since,
        until,
        payments,
        {refund.id: refund for refund in refunds},
        {dispute.id: dispute for dispute in disputes},
    )


def when(payment: Transaction, otherwise: dt.datetime) -> dt.datetime:
    """The moment that decides which day a payment belongs to."""
    return payment.paid_at or payment.created_at or otherwise


def start_of(day: dt.date) -> dt.datetime:
    """Midnight UTC."""
    return dt.datetime.combine(day, dt.time.min, tzinfo=dt.UTC)


def today() -> dt.date:
    """The day in UTC, which is how days are reconciled."""
    return timezone.now().astimezone(dt.UTC).date()


def booked(references: Iterable[str]) -> set[str]:
    """Those of these references (`deposit:<id>`) whose payment stands in the ledger, credited or under review."""
    found: set[str] = set()
    for chunk in chunks(references):
        found.update(
            Transfer.objects.filter(reference__in=chunk, code__in=BOOKED)
            .order_by()
            .values_list("reference", flat=True)
        )
    return found


def chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Lists short enough for one query."""
    rows = list(values)
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
