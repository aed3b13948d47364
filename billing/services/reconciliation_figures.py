"""A day's sums on both sides, in subunits, as they are kept with the day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from billing.enums import DisputeOutcome, RefundStatus, TransferCode
from billing.models import Deposit, Dispute, Refund, Settlement, Transfer
from billing.services import reconciliation_clearing as clearing
from billing.services import reconciliation_payments as payments
from billing.services import reconciliation_returns as returns
from billing.services import reconciliation_sides as sides
from billing.services import settlements
from billing.services.reconciliation_sides import FarSide
from namaskah.lib.money import to_subunits

# Nothing that happens after a day may change these: a closed day is held to them.
FIXED = ("payments", "paid", "fees")
NOT_MADE = (RefundStatus.FAILED, RefundStatus.REFUSED)


def of_day(day: dt.date, currency: str, far: FarSide) -> dict[str, Any]:
    """Both sides of one day in one currency."""
    return {"ours": ours(day, currency, far.until), "theirs": theirs(day, currency, far)}


def ours(day: dt.date, currency: str, so_far: dt.datetime) -> dict[str, int]:
    """What our rows and our ledger say. Payments by their time, refunds by when they were sent, disputes by their end.

    Args:
        so_far: A day that is not over is compared until then.
    """
    since = sides.start_of(day)
    until = min(sides.start_of(day + dt.timedelta(days=1)), so_far)
    of_day = Deposit.objects.filter(
        paid_at__gte=since, paid_at__lt=until, paid_currency=currency, status__in=payments.CLAIMS_MONEY
    )
    paid = of_day.aggregate(
        payments=Count("pk"),
        paid=Sum("paid_subunits", default=0),
        fees=Sum("fees_subunits", default=0, filter=Q(fees_subunits__gt=0)),
    )
    refunds = Refund.objects.filter(sent_at__gte=since, sent_at__lt=until, charge_currency=currency)
    lost = Dispute.objects.filter(
        closed_at__gte=since, closed_at__lt=until, currency=currency, outcome=DisputeOutcome.LOST
    )
    account = clearing.account_of(currency)
    return {
        **paid,
        "refunds": refunds.exclude(status__in=NOT_MADE).aggregate(sum=Sum("amount_subunits", default=0))[
            "sum"
        ],
        "disputes": _lost_here(lost),
        "settled": _posted(day, currency),
        "clearing": to_subunits(clearing.movement(account, since, until)),
        "owed": to_subunits(clearing.movement(account, until=until)),
    }


def theirs(day: dt.date, currency: str, far: FarSide) -> dict[str, int]:
    """What Paystack's lists add up to, by the times that decide on our side, too."""
    since = sides.start_of(day)
    until = min(sides.start_of(day + dt.timedelta(days=1)), far.until)
    sent, ended = returns.refunds_sent(far), returns.disputes_ended(far)
    paid = [
        payment
        for payment in far.payments.values()
        if payment.currency == currency and since <= sides.when(payment, far.since) < until
    ]
    refunds = [
        fact.amount
        for fact in far.refunds.values()
        if fact.currency == currency
        and fact.status != "failed"
        and fact.id in sent
        and since <= sent[fact.id] < until
    ]
    lost = [
        returns.lost_subunits(fact)
        for fact in far.disputes.values()
        if fact.currency == currency
        and fact.resolution in sides.LOST
        and fact.id in ended
        and since <= ended[fact.id] < until
    ]
    settled = Settlement.objects.filter(settled_on=day, currency=currency, status=settlements.PAID)
    return {
        "payments": len(paid),
        "paid": sum(payment.amount for payment in paid),
        "fees": sum(max(payment.fees or 0, 0) for payment in paid),
        "refunds": sum(refunds),
        "disputes": sum(lost),
        "settled": settled.aggregate(sum=Sum("total_subunits", default=0))["sum"],
    }


def currencies(day: dt.date, far: FarSide) -> set[str]:
    """Those that either side has something in."""
    since, until = sides.start_of(day), sides.start_of(day + dt.timedelta(days=1))
    of_day = Deposit.objects.filter(paid_at__gte=since, paid_at__lt=until, status__in=payments.CLAIMS_MONEY)
    here = set(of_day.order_by().values_list("paid_currency", flat=True).distinct())
    there = {
        payment.currency
        for payment in far.payments.values()
        if since <= sides.when(payment, far.since) < until
    }
    paid_out = Settlement.objects.filter(settled_on=day).values_list("currency", flat=True)
    return {currency for currency in here | there | set(paid_out) if currency}


def _lost_here(lost: QuerySet[Dispute]) -> int:
    """What was lost by our books: the bank may take less than it disputed, and the transfer is our record of how much."""
    amounts = {f"dispute:{pk}": amount for pk, amount in lost.values_list("pk", "amount_subunits")}
    for chunk in sides.chunks(amounts):
        taken = Transfer.objects.filter(reference__in=chunk, code=TransferCode.DISPUTE_PAID)
        amounts |= {name: to_subunits(amount) for name, amount in taken.values_list("reference", "amount")}
    return sum(amounts.values())


def _posted(day: dt.date, currency: str) -> int:
    """What the ledger has of the day's settlements."""
    names = [
        settlements.reference(row)
        for row in Settlement.objects.filter(settled_on=day, currency=currency).only("paystack_id")
    ]
    posted = Transfer.objects.filter(reference__in=names, code=TransferCode.SETTLEMENT)
    return sum(to_subunits(amount) for amount in posted.values_list("amount", flat=True))
