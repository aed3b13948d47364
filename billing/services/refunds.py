"""Sending the unspent part of a deposit back to where it came from: what is possible, the request, the decision.

The wallet's part is on hold from the request on, so it cannot be spent meanwhile; rounding is in favour of the books.
`refund_sending` does the rest.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from billing import locks
from billing.currencies import CHARGE_CURRENCIES
from billing.enums import DepositStatus, DisputeOutcome, RefundStatus, SystemCode, TransferCode
from billing.exceptions import (
    DepositNotRefundable,
    RefundDecided,
    RefundTooLarge,
    RefundTooSmall,
)
from billing.models import Account, Deposit, Dispute, Refund, Transfer
from billing.selectors.returns import unspent
from billing.services import ledger, refund_outcomes, refund_sending, shares
from billing.services.dispute_freezing import FAR_AWAY
from namaskah.lib.ids import ulid, uuid7
from namaskah.lib.money import format_subunits
from namaskah.lib.queueing import enqueue

log = structlog.get_logger(__name__)
SEND_TASK = "billing.send_refund"
# The task is the quick way; the sweep takes over when it was lost.
TASK_TIME = dt.timedelta(minutes=1)
AUTOMATIC_WINDOW = dt.timedelta(days=1)
STAFF_DECIDES = (RefundStatus.REQUESTED, RefundStatus.HELD)


@dataclass(frozen=True, slots=True)
class Refundable:
    """What of one deposit can go back now.

    Attributes:
        most_subunits: The largest refund possible, in the charge currency.
        wallet_amount: What that takes from the wallet.
        left_subunits: What of the deposit was not refunded before, spent or not.
    """

    deposit: Deposit
    most_subunits: int
    wallet_amount: Decimal
    left_subunits: int


def refundable(user_id: int) -> list[Refundable]:
    """The customer's deposits of which something can go back now, the newest first.

    Each is limited by the unspent money alone, so several together may be less than their sum.
    """
    budget = unspent(user_id)
    if budget <= 0:
        return []
    deposits = _refundable_deposits().filter(user=user_id).order_by("-credited_at", "-pk")
    taken = shares.refunded_by_deposit(user_id)
    found = (
        _possible(deposit, budget, deposit.credit_amount - taken.get(deposit.pk, shares.ZERO))
        for deposit in deposits
    )
    return [possible for possible in found if possible is not None]


def request(
    *, deposit_id: uuid.UUID, user: User, amount_subunits: int, form_key: uuid.UUID | None, reason: str = ""
) -> Refund:
    """Ask for money back. The wallet's part is held at once; up to `REFUND_AUTO_MAX` the refund is sent without staff.

    Args:
        amount_subunits: Of the deposit's charge currency.
        form_key: Of the rendered form; repeating it returns the first refund.
        reason: The customer's words, for staff.

    Raises:
        DepositNotRefundable: It is nobody's of this customer, too old, disputed, or nothing of it is left unspent.
        RefundTooLarge: More than can go back now.
        RefundTooSmall: Less than Paystack or the wallet can move.
    """
    try:
        with transaction.atomic():
            return _request(deposit_id, user, amount_subunits, form_key, reason)
    except IntegrityError:
        # The same form at once for another deposit: the first one counts.
        first = Refund.objects.filter(user=user, form_key=form_key).first() if form_key else None
        if first is None:
            raise
        return first


def approve(*, refund_id: uuid.UUID, actor: User, reason: str) -> Refund:
    """Let a requested refund go out; one that is out already is left as it is.

    Raises:
        RefundDecided: It was refused, or has failed.
        UnknownRefund: No refund has this id.
    """
    with transaction.atomic():
        _, refund = refund_outcomes.lock(refund_id)
        if refund.status in shares.RETURNED:
            raise RefundDecided
        if refund.status != RefundStatus.REQUESTED:
            return refund
        refund.status, refund.decided_by, refund.note = RefundStatus.HELD, actor, f"Approved: {reason}"[:300]
        refund.next_look_at = timezone.now() + TASK_TIME
        refund.save(update_fields=["status", "decided_by", "note", "next_look_at"])
        log.info("Refund approved", refund=str(refund.pk), actor=actor.pk)
        enqueue(SEND_TASK, str(refund.pk))
    return refund


def refuse(*, refund_id: uuid.UUID, actor: User, reason: str) -> Refund:
    """Give the held money back instead of sending it; one that was refused already is left as it is.

    Raises:
        RefundDecided: It was sent, or has ended otherwise.
        UnknownRefund: No refund has this id.
    """
    with transaction.atomic():
        deposit, refund = refund_outcomes.lock(refund_id)
        if refund.status == RefundStatus.REFUSED:
            return refund
        if refund.status not in STAFF_DECIDES:
            raise RefundDecided
        refund.decided_by = actor
        log.info("Refund refused", refund=str(refund.pk), actor=actor.pk)
        return refund_outcomes.give_back(
            deposit, refund, RefundStatus.REFUSED, note=f"Refused: {reason}", why=refund_outcomes.REFUSED
        )


def return_suspense(*, deposit_id: uuid.UUID, actor: User, reason: str) -> Refund:
    """Send money under review back whole; one that is on its way already is returned.

    Raises:
        DepositNotRefundable: Nothing of it is under review.
    """
    with transaction.atomic():
        deposit = locks.lock_deposit(deposit_id)
        earlier = shares.live_refunds(deposit).first()
        if earlier is not None:
            return earlier
        paid = deposit.paid_subunits
        if deposit.status != DepositStatus.NEEDS_REVIEW or deposit.credited_at is not None or not paid:
            raise DepositNotRefundable
        refund = Refund.objects.create(
            deposit=deposit,
            user=deposit.user,
            status=RefundStatus.HELD,
            charge_currency=deposit.paid_currency or deposit.charge_currency,
            amount_subunits=paid,
            wallet_amount=shares.ZERO,
            token=_token(),
            reason=reason[:500],
            asked_by=actor,
            decided_by=actor,
            next_look_at=timezone.now() + TASK_TIME,
        )
        shares.count_refund(deposit, paid)
        log.info("Money under review goes back", refund=str(refund.pk), actor=actor.pk)
        enqueue(SEND_TASK, str(refund.pk))
    return refund


def look(*, transaction_reference: str) -> None:
    """A webhook hints that a refund of this payment has news: ask about each that is under way.

    Raises:
        PaystackError: Paystack cannot be asked now.
    """
    under_way = Refund.objects.filter(deposit__reference=transaction_reference, closed_at__isnull=True)
    for refund_id in under_way.order_by("created_at").values_list("pk", flat=True):
        refund_sending.look(refund_id)


def _request(
    deposit_id: uuid.UUID, user: User, amount_subunits: int, form_key: uuid.UUID | None, reason: str
) -> Refund:
    deposit = _lock_refundable(deposit_id, user, form_key)
    if isinstance(deposit, Refund):
        return deposit
    account = ledger.customer_account(user.pk)
    locks.lock_account(account.pk)  # what is unspent must still be so when it is held
    rest = shares.left_of_credit(deposit)
    possible = _possible(deposit, unspent(user.pk), rest)
    if possible is None:
        raise DepositNotRefundable
    _check_amount(amount_subunits, possible)
    wallet_amount = _wallet_share(deposit, amount_subunits, possible.left_subunits, rest)
    if wallet_amount <= 0:
        raise RefundTooSmall(_minimum(deposit), deposit.charge_currency)
    refund_id = uuid7()
    hold = _hold(
        account, wallet_amount, refund_id, memo=format_subunits(amount_subunits, deposit.charge_currency)
    )
    return _write(
        Refund(
            id=refund_id,
            deposit=deposit,
            user=user,
            charge_currency=deposit.charge_currency,
            amount_subunits=amount_subunits,
            wallet_amount=wallet_amount,
            hold=hold,
            form_key=form_key,
            token=_token(),
            reason=reason[:500],
            asked_by=user,
        )
    )


def _write(refund: Refund) -> Refund:
    """Insert it, count it on its deposit, tell the customer, and send it when nobody has to be asked."""
    if _is_automatic(refund):
        refund.status, refund.next_look_at = RefundStatus.HELD, timezone.now() + TASK_TIME
        enqueue(SEND_TASK, str(refund.pk))
    refund.save(force_insert=True)
    shares.count_refund(refund.deposit, refund.amount_subunits)
    refund_outcomes.tell(refund, "refund_requested")
    log.info(
        "Refund asked for", refund=str(refund.pk), deposit=refund.deposit.reference, status=refund.status
    )
    return refund


def _lock_refundable(deposit_id: uuid.UUID, user: User, form_key: uuid.UUID | None) -> Deposit | Refund:
    """The customer's deposit, locked and refundable by its nature; or the refund this form has made before."""
    if not Deposit.objects.filter(pk=deposit_id, user=user).exists():
        raise DepositNotRefundable
    deposit = locks.lock_deposit(deposit_id)
    earlier = Refund.objects.filter(user=user, form_key=form_key).first() if form_key else None
    if earlier is not None:
        return earlier
    if not _refundable_deposits().filter(pk=deposit_id).exists():
        raise DepositNotRefundable
    return deposit


def _refundable_deposits() -> QuerySet[Deposit]:
    """Credited, young enough, not disputed."""
    disputed = Dispute.objects.filter(deposit=OuterRef("pk")).exclude(outcome=DisputeOutcome.WON)
    return Deposit.objects.filter(
        ~Exists(disputed),
        status=DepositStatus.SUCCEEDED,
        credited_at__gte=timezone.now() - dt.timedelta(days=settings.REFUND_WINDOW_DAYS),
        refunded_subunits__lt=F("amount_subunits"),
    )


def _possible(deposit: Deposit, budget: Decimal, rest: Decimal) -> Refundable | None:
    """The most that `budget` lets go back of a deposit of whose credit `rest` is left; None when that is nothing."""
    left = deposit.amount_subunits - deposit.refunded_subunits
    most = left
    wallet_amount = _wallet_share(deposit, left, left, rest)
    if wallet_amount > budget:
        most = min(left, int(budget * deposit.amount_subunits / deposit.credit_amount))
        wallet_amount = _wallet_share(deposit, most, left, rest)
    if _is_too_small(deposit, most, left) or not 0 < wallet_amount <= budget:
        return None
    return Refundable(deposit, most, wallet_amount, left)


def _wallet_share(deposit: Deposit, subunits: int, left: int, rest: Decimal) -> Decimal:
    """What a refund takes from the wallet: the same share of the credit, and with the last of a deposit exactly the rest."""
    if subunits == left:
        return rest
    return min(shares.of_credit(deposit, subunits, deposit.amount_subunits), rest)


def _check_amount(amount_subunits: int, possible: Refundable) -> None:
    currency = possible.deposit.charge_currency
    if _is_too_small(possible.deposit, amount_subunits, possible.left_subunits):
        raise RefundTooSmall(_minimum(possible.deposit), currency)
    if amount_subunits > possible.most_subunits:
        raise RefundTooLarge(possible.most_subunits, currency)


def _is_too_small(deposit: Deposit, amount_subunits: int, left_subunits: int) -> bool:
    """Whether it is below the minimum, without being the last that is left."""
    return amount_subunits < _minimum(deposit) and amount_subunits != left_subunits


def _minimum(deposit: Deposit) -> int:
    known = CHARGE_CURRENCIES.get(deposit.charge_currency)
    return known.refund_minimum if known else 1


def _hold(account: Account, amount: Decimal, refund_id: uuid.UUID, *, memo: str) -> Transfer:
    return ledger.hold(
        account=account,
        amount=amount,
        code=TransferCode.REFUND_HOLD,
        key=f"refund-hold:{refund_id}",
        reference=f"refund:{refund_id}",
        memo=memo,
        expires_at=timezone.now() + FAR_AWAY,
        credit=ledger.system_account(SystemCode.EXCHANGE, account.currency),
    )


def _is_automatic(refund: Refund) -> bool:
    """Whether this and the customer's other refunds of a day stay below what needs staff."""
    recent = Refund.objects.filter(user=refund.user_id, created_at__gt=timezone.now() - AUTOMATIC_WINDOW)
    earlier = recent.exclude(status__in=shares.RETURNED).aggregate(
        sum=Sum("wallet_amount", default=shares.ZERO)
    )["sum"]
    return bool(earlier + refund.wallet_amount <= settings.REFUND_AUTO_MAX)


def _token() -> str:
    """How we know our own refund again in Paystack's list."""
    return f"nmr-{ulid()}"
