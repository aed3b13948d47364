"""What part of a credited deposit an amount stands for, and how much of the credit other returns stand on already.

Callers hold the deposit's lock: what was taken a moment ago is then still what is taken.
"""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db.models import F, QuerySet, Sum

from billing.enums import DepositStatus, DisputeOutcome, RefundStatus, TransferCode
from billing.models import Deposit, Dispute, Refund, Transfer
from namaskah.lib.money import UNIT, round_up

ZERO = Decimal("0.0000")
RETURNED = (RefundStatus.FAILED, RefundStatus.REFUSED)  # the customer has the money again


def of_credit(deposit: Deposit, subunits: int, whole: int) -> Decimal:
    """The share of the credit for `subunits` out of `whole`, rounded up: splitting never gains a customer anything."""
    if subunits >= whole:
        return deposit.credit_amount
    return round_up(deposit.credit_amount * subunits / whole, UNIT)


def live_refunds(deposit: Deposit) -> QuerySet[Refund]:
    """Refunds of this deposit whose money is on its way or gone."""
    return Refund.objects.filter(deposit=deposit).exclude(status__in=RETURNED)


def refunded_by_deposit(user_id: int) -> dict[uuid.UUID, Decimal]:
    """What the refunds of each of a customer's deposits take of the wallet, in one query."""
    live = Refund.objects.filter(user=user_id).exclude(status__in=RETURNED)
    return dict(live.values_list("deposit").annotate(sum=Sum("wallet_amount")))


def live_disputes(deposit: Deposit) -> QuerySet[Dispute]:
    """Disputes of this deposit that are open or lost."""
    return Dispute.objects.filter(deposit=deposit).exclude(outcome=DisputeOutcome.WON)


def taken_by_banks(deposit: Deposit) -> Decimal:
    """What lost disputes of a deposit took, in its charge currency and by the ledger: it may be less than was disputed."""
    disputes = [f"dispute:{pk}" for pk in deposit.disputes.values_list("pk", flat=True)]
    paid = Transfer.objects.filter(code=TransferCode.DISPUTE_PAID, reference__in=disputes)
    taken: Decimal = paid.aggregate(sum=Sum("amount", default=ZERO))["sum"]
    return taken


def count_refund(deposit: Deposit, subunits: int) -> None:
    """Add to what is refunded of a deposit, or take off with a minus. The database refuses more than the whole."""
    Deposit.objects.filter(pk=deposit.pk).update(refunded_subunits=F("refunded_subunits") + subunits)
    deposit.refunded_subunits += subunits


def left_of_credit(deposit: Deposit, *, but_for: Dispute | None = None) -> Decimal:
    """The credit less what refunds and disputes took of it; `but_for` is a dispute that does not count.

    Of a deposit that was reversed nothing is left: the wallet has paid for all of it.
    """
    if deposit.status == DepositStatus.REVERSED:
        return ZERO
    disputes = live_disputes(deposit)
    if but_for is not None:
        disputes = disputes.exclude(pk=but_for.pk)
    refunded = live_refunds(deposit).aggregate(sum=Sum("wallet_amount", default=ZERO))["sum"]
    disputed = disputes.aggregate(sum=Sum("wallet_amount", default=ZERO))["sum"]
    left: Decimal = deposit.credit_amount - refunded - disputed
    return max(left, ZERO)
