"""Months of a customer's account: which there are, what stood in it when they began and ended, and what moved between.

A month is a range of the account's sequence. `created_at` is when a movement's transaction began, so two movements around
midnight may stand in one order in the sequence and in the other by time; cutting at one place keeps the closing balance of each
month the opening balance of the next. Places are found by halving the account's sequence, some thirty looks at each of its two
indexes, so an account of a million transfers needs no index by time.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import Case, Count, F, Q, QuerySet, Sum, When
from django.utils import timezone

from billing.enums import TransferCode, TransferKind
from billing.models import Account, Transfer
from billing.selectors.figures import ZERO

CHUNK_ROWS = 2000
# Longer than any transaction lasts: what began before a moment has its place in the sequence by then.
SLACK = "10 minutes"
# What changes the balance. A hold and its release only set money aside for a while.
MOVES_BALANCE = Q(kind__in=[TransferKind.POSTED, TransferKind.POST_PENDING])
# The account's transfer at an end of one of its two indexes.
ONE_OF_EACH = """(
    (SELECT * FROM billing_transfer WHERE debit_account_id = %(account)s AND {where} ORDER BY sequence {order} LIMIT 1)
    UNION ALL
    (SELECT * FROM billing_transfer WHERE credit_account_id = %(account)s AND {where} ORDER BY sequence {order} LIMIT 1)
    ORDER BY sequence {order} LIMIT 1
)"""
MARKS = f"""
WITH RECURSIVE halving (at, low, high) AS (
    SELECT at, 0::bigint, coalesce((SELECT sequence FROM {ONE_OF_EACH.format(where="true", order="DESC")} AS last), 0) + 1
    FROM unnest(%(times)s::timestamptz[]) AS at
  UNION ALL
    SELECT at,
        CASE WHEN found.created_at < at + %(slack)s::text::interval THEN greatest(found.sequence, middle) ELSE low END,
        CASE WHEN found.created_at < at + %(slack)s::text::interval THEN high ELSE middle END
    FROM halving
    CROSS JOIN LATERAL (SELECT (low + high) / 2 AS middle) AS half
    LEFT JOIN LATERAL {ONE_OF_EACH.format(where="sequence >= middle", order="ASC")} AS found ON true
    WHERE high - low > 1
)
SELECT at, mark.sequence, mark.balance_after, mark.available_after
FROM halving
LEFT JOIN LATERAL {ONE_OF_EACH.format(where="sequence <= low AND created_at < at", order="DESC")} AS mark ON true
WHERE high - low <= 1
ORDER BY at
"""  # noqa: S608  # put together from our own text alone


@dataclass(frozen=True, slots=True)
class Mark:
    """The account at a moment: its last transfer before it, and the figures then."""

    at: dt.datetime
    sequence: int
    balance: Decimal
    available: Decimal

    @property
    def held(self) -> Decimal:
        return self.balance - self.available


@dataclass(frozen=True, slots=True)
class Month:
    """A month (UTC) of one account, from its first moment to the first of the next one."""

    day: dt.date
    account_id: int
    currency: str
    opening: Mark
    closing: Mark

    @property
    def name(self) -> str:
        """As in addresses: `2026-11`."""
        return f"{self.day:%Y-%m}"

    @property
    def is_over(self) -> bool:
        return self.closing.at <= timezone.now()


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """All movements of one kind in a month; `amount` is what they did to the balance."""

    code: str
    what: str
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One movement. `amount` is what it did to the balance."""

    sequence: int
    id: uuid.UUID
    at: dt.datetime
    what: str
    memo: str
    reference: str
    amount: Decimal
    balance_after: Decimal


def months(user_id: int) -> list[Month]:
    """The months in which anything happened in a customer's account, newest first. Three queries."""
    account = Account.objects.filter(user_id=user_id).first()
    first = _first_moment(account) if account else None
    if account is None or first is None:
        return []
    days = list(_days(first, timezone.now()))
    marks = _marks(account.pk, [_midnight(day) for day in days])
    pairs = zip(days, marks, marks[1:], strict=False)
    found = [Month(day, account.pk, account.currency, opening, closing) for day, opening, closing in pairs]
    return [month for month in reversed(found) if month.closing.sequence > month.opening.sequence]


def month(user_id: int, day: dt.date) -> Month | None:
    """One month, named by its first day; None when nothing happened in it. Two queries."""
    account = Account.objects.filter(user_id=user_id).first()
    if account is None:
        return None
    opening, closing = _marks(account.pk, [_midnight(day), _midnight(_next(day))])
    if closing.sequence == opening.sequence:
        return None
    return Month(day, account.pk, account.currency, opening, closing)


def totals(month: Month) -> list[MonthTotal]:
    """What moved by kind, in the order of the kinds. One query, which reads the month's rows."""
    change = Case(When(credit_account=month.account_id, then=F("amount")), default=-F("amount"))
    sides = Q(credit_account=month.account_id) | Q(debit_account=month.account_id)
    sums = (
        _within(month).filter(sides).order_by().values("code").annotate(rows=Count("pk"), total=Sum(change))
    )
    by_code = {row["code"]: row for row in sums}
    return [
        MonthTotal(code.value, str(code.label), by_code[code.value]["rows"], by_code[code.value]["total"])
        for code in TransferCode
        if code.value in by_code
    ]


def rows(month: Month, *, limit: int | None = None) -> Iterator[MonthRow]:
    """What moved, oldest first, a chunk in memory at a time."""
    labels = {code.value: str(code.label) for code in TransferCode}  # translated once, not for each row
    after, left = month.opening.sequence, limit
    while left is None or left > 0:
        size = CHUNK_ROWS if left is None else min(CHUNK_ROWS, left)
        chunk = _chunk(month, after, size)
        for transfer in chunk:
            yield _row(transfer, month.account_id, labels)
        if len(chunk) < size:
            return
        after = chunk[-1].sequence
        left = None if left is None else left - size


def _chunk(month: Month, after: int, size: int) -> list[Transfer]:
    """One walk of each index, merged: an OR over both sides would read and sort the whole month each time."""
    moved = _within(month).filter(sequence__gt=after).order_by("sequence")
    debits = moved.filter(debit_account=month.account_id)[:size]
    credits_ = moved.filter(credit_account=month.account_id)[:size]
    return list(debits.union(credits_, all=True).order_by("sequence")[:size])


def _within(month: Month) -> QuerySet[Transfer]:
    first, last = month.opening.sequence, month.closing.sequence
    return Transfer.objects.filter(MOVES_BALANCE, sequence__gt=first, sequence__lte=last)


def _row(transfer: Transfer, account_id: int, labels: dict[str, str]) -> MonthRow:
    return MonthRow(
        sequence=transfer.sequence,
        id=transfer.id,
        at=transfer.created_at,
        what=labels.get(transfer.code, transfer.code),
        memo=transfer.memo,
        reference=transfer.reference,
        amount=transfer.amount if transfer.credit_account_id == account_id else -transfer.amount,
        balance_after=transfer.balance_after or ZERO,
    )


def _marks(account_id: int, times: list[dt.datetime]) -> list[Mark]:
    with connection.cursor() as cursor:
        cursor.execute(MARKS, {"account": account_id, "times": times, "slack": SLACK})
        return [
            Mark(at, sequence or 0, balance or ZERO, available or ZERO)
            for at, sequence, balance, available in cursor.fetchall()
        ]


def _first_moment(account: Account) -> dt.datetime | None:
    sides = [Q(debit_account=account), Q(credit_account=account)]
    first, second = [Transfer.objects.filter(side).order_by("sequence")[:1] for side in sides]
    found = first.union(second, all=True).order_by("sequence")[:1]
    return next((transfer.created_at for transfer in found), None)


def _days(first: dt.datetime, last: dt.datetime) -> Iterator[dt.date]:
    """The first day of each month from one moment's to the one after another's."""
    day = first.astimezone(dt.UTC).date().replace(day=1)
    while day <= last.astimezone(dt.UTC).date():
        yield day
        day = _next(day)
    yield day


def _next(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
