"""What pages and services read of refunds and disputes."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import Max, QuerySet

from billing.enums import DisputeOutcome, TransferCode
from billing.models import Account, Dispute, Refund, Transfer
from billing.selectors.figures import ZERO

PAGE_ROWS = 25
FRAUD = "fraud"
# A customer's own money counts as spent before credit from support. So what is left of the credit falls to the lowest
# balance that came after it: the running sum of credit, less by how far the balance ever was below it.
SUPPORT_CREDIT = """
WITH moves AS (
    SELECT sequence, balance_after,
        CASE code WHEN 'staff_credit' THEN amount WHEN 'staff_debit' THEN -amount ELSE 0 END AS given
    FROM billing_transfer
    WHERE (debit_account_id = %(account)s OR credit_account_id = %(account)s) AND sequence >= %(first)s
), running AS (
    SELECT balance_after - sum(given) OVER (ORDER BY sequence) AS beyond FROM moves
)
SELECT greatest(0, (SELECT sum(given) FROM moves) + least(0, (SELECT min(beyond) FROM running)))
"""


@dataclass(frozen=True, slots=True)
class RefundPage:
    """Refunds, the newest first. `older` is the id to page from, None at the end."""

    rows: list[Refund]
    older: uuid.UUID | None


def unspent(user_id: int) -> Decimal:
    """What the customer paid in and has not spent: the available balance without credit from support."""
    account = Account.objects.filter(user_id=user_id).first()
    return ZERO if account is None else max(account.available - support_credit(account), ZERO)


def support_credit(account: Account) -> Decimal:
    """What is left in a wallet of credit from support."""
    given = Transfer.objects.filter(credit_account=account, code=TransferCode.STAFF_CREDIT)
    first = given.order_by("sequence").values_list("sequence", flat=True).first()
    if first is None:
        return ZERO
    with connection.cursor() as cursor:
        cursor.execute(SUPPORT_CREDIT, {"account": account.pk, "first": first})
        left: Decimal = cursor.fetchone()[0]
    return left


def refunds_of(user_id: int) -> QuerySet[Refund]:
    """A customer's refunds with their deposits."""
    return Refund.objects.filter(user_id=user_id).select_related("deposit")


def refund_page(user_id: int, before: uuid.UUID | None = None) -> RefundPage:
    """One page of a customer's refunds. Ids are in order of time."""
    refunds = refunds_of(user_id).order_by("-id")
    if before is not None:
        refunds = refunds.filter(pk__lt=before)
    rows = list(refunds[: PAGE_ROWS + 1])
    return RefundPage(rows[:PAGE_ROWS], rows[PAGE_ROWS - 1].pk if len(rows) > PAGE_ROWS else None)


def fraud_disputes(user_id: int) -> int:
    """How many disputes of a customer, open or lost, claim fraud. Several of them close the account."""
    return _fraud_disputes(user_id).count()


def newest_fraud_dispute_at(user_id: int) -> dt.datetime | None:
    """When the last of them was opened."""
    newest: dt.datetime | None = _fraud_disputes(user_id).aggregate(newest=Max("opened_at"))["newest"]
    return newest


def _fraud_disputes(user_id: int) -> QuerySet[Dispute]:
    disputes = Dispute.objects.filter(user_id=user_id, category__icontains=FRAUD)
    return disputes.exclude(outcome=DisputeOutcome.WON)
