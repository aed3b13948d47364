"""What becomes of a refund, written once: bound to Paystack's, processed, or given back to the wallet.

Everything here runs in the caller's transaction. Lock order: deposit, refund, account.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import structlog
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.enums import EventType
from accounts.services import events, notices
from billing import locks
from billing.enums import RefundStatus, SystemCode, TransferCode
from billing.exceptions import UnknownRefund
from billing.models import Deposit, Refund
from billing.paystack.base import RefundFact
from billing.services import crediting, dispute_freezing, ledger, receipts, shares
from namaskah.lib.money import format_money, format_subunits, from_subunits

log = structlog.get_logger(__name__)
AT_PAYSTACK = {
    "pending": RefundStatus.PENDING,
    "processing": RefundStatus.PROCESSING,
    "needs-attention": RefundStatus.NEEDS_ATTENTION,
    "processed": RefundStatus.PROCESSED,
    "failed": RefundStatus.FAILED,
}
NOT_TAKEN = _("The payment could not be sent back to where it came from.")
DISPUTED = _("The payment is disputed with your bank, which takes the place of a refund.")
REFUSED = _("Support has decided against it. Write to us if you want to know more.")
# How long a call with bank details may be under way, and then some; until then news that it still waits may be old.
DETAILS_UNDER_WAY = dt.timedelta(minutes=2)
# Looks at what is under way: soon at first, then hourly for a day, then four times a day.
LOOKS_S = (60, 120, 300, 600, 1200, 2400)


def lock(refund_id: uuid.UUID) -> tuple[Deposit, Refund]:
    """Lock a refund behind its deposit.

    Raises:
        UnknownRefund: No refund has this id.
    """
    deposit_id = Refund.objects.filter(pk=refund_id).values_list("deposit_id", flat=True).first()
    if deposit_id is None:
        raise UnknownRefund
    deposit = locks.lock_deposit(deposit_id)
    rows = Refund.objects.select_for_update(of=("self",), no_key=True).select_related("hold")
    refund = rows.get(pk=refund_id)
    refund.deposit = deposit
    return deposit, refund


def next_look(looks: int) -> dt.datetime:
    """When to look at a refund that was looked at `looks` times."""
    seconds = LOOKS_S[looks] if looks < len(LOOKS_S) else 3600 if looks < len(LOOKS_S) + 24 else 6 * 3600
    return timezone.now() + dt.timedelta(seconds=seconds)


def apply(refund_id: uuid.UUID, fact: RefundFact) -> Refund:
    """Write what Paystack says about a refund. Saying the same again changes nothing; an unknown word is waited out."""
    deposit, refund = lock(refund_id)
    status = AT_PAYSTACK.get(fact.status)
    if not refund.is_open:
        _compare(refund, status)
        return refund
    if (fact.amount, fact.currency) != (refund.amount_subunits, refund.charge_currency):
        log.error("Refund at Paystack is of another amount", refund=str(refund.pk), paystack_id=fact.id)
        return _note(refund, "Paystack's refund is of another amount: a person decides.")
    refund.paystack_id = fact.id
    refund.looks += 1
    refund.next_look_at = next_look(refund.looks)
    if status == RefundStatus.PROCESSED:
        return _finish(deposit, refund)
    if status == RefundStatus.FAILED:
        return give_back(deposit, refund, RefundStatus.FAILED, note="Paystack: failed", why=NOT_TAKEN)
    before = refund.status
    if status is None:
        log.warning("Unknown refund status", refund=str(refund.pk), status=fact.status[:30])
    elif status != RefundStatus.NEEDS_ATTENTION or not _has_details_under_way(refund):
        refund.status = status
    refund.save(update_fields=["paystack_id", "status", "looks", "next_look_at"])
    if refund.status == RefundStatus.NEEDS_ATTENTION != before:
        tell(refund, "refund_needs_details")
    return refund


def give_back(
    deposit: Deposit, refund: Refund, status: RefundStatus, *, note: str, why: str | Promise
) -> Refund:
    """End a refund that is not made: the hold is released, and open disputes freeze what they may take of it.

    Args:
        status: `failed` or `refused`.
        note: For staff.
        why: For the customer.
    """
    _end(deposit, refund, status, note=note, why=why)
    if refund.hold is not None:
        dispute_freezing.refreeze(deposit)
    return refund


def refuse_unsent(deposit: Deposit) -> None:
    """Refuse what is not out yet of a disputed deposit: the bank takes the money back, a refund would be a second one.

    The caller freezes afterwards, once, with the dispute's row that it holds: another reading of that row would freeze
    what the caller's does not know of.
    """
    unsent = Refund.objects.select_for_update(of=("self",), no_key=True).select_related("hold")
    for refund in unsent.filter(
        deposit=deposit, status__in=[RefundStatus.REQUESTED, RefundStatus.HELD]
    ).order_by("pk"):
        _end(deposit, refund, RefundStatus.REFUSED, note="Disputed", why=DISPUTED)


def tell(refund: Refund, template: str, **more: str) -> None:
    """Tell the customer about a refund; money of nobody is told to nobody."""
    if refund.user_id is None:
        return
    notices.tell(
        user_id=refund.user_id,
        template=template,
        context={
            "amount": format_subunits(refund.amount_subunits, refund.charge_currency),
            "credit": format_money(refund.wallet_amount, refund.deposit.wallet_currency),
            "url": reverse("billing:refund", args=[refund.pk]),
            **more,
        },
        key=f"{template.replace('_', '-')}:{refund.pk}",
    )


def _end(deposit: Deposit, refund: Refund, status: RefundStatus, *, note: str, why: str | Promise) -> None:
    refund.status, refund.closed_at, refund.next_look_at = status, timezone.now(), None
    refund.note = note[:300]
    refund.save(
        update_fields=["status", "closed_at", "next_look_at", "note", "paystack_id", "looks", "decided_by"]
    )
    shares.count_refund(deposit, -refund.amount_subunits)
    if refund.hold is not None:
        ledger.release(hold_id=refund.hold.id, key=f"refund-release:{refund.pk}")
        tell(refund, "refund_failed", reason=str(why))
    log.info("Refund not made", refund=str(refund.pk), status=status.value)


def _has_details_under_way(refund: Refund) -> bool:
    """Whether bank details were sent to Paystack a moment ago and nobody knows yet whether they have arrived."""
    given_at = refund.details_sent_at
    is_recent = given_at is not None and given_at > timezone.now() - DETAILS_UNDER_WAY
    return refund.status == RefundStatus.SENT and is_recent


def _finish(deposit: Deposit, refund: Refund) -> Refund:
    """The money has left: the hold is charged, Paystack owes us less, the customer gets a receipt."""
    refund.status, refund.closed_at, refund.next_look_at = RefundStatus.PROCESSED, timezone.now(), None
    refund.note = ""
    refund.save(update_fields=["status", "closed_at", "next_look_at", "note", "paystack_id", "looks"])
    if refund.hold is None:
        crediting.return_from_suspense(deposit, refund)
    else:
        ledger.capture(hold_id=refund.hold.id, key=f"refund-capture:{refund.pk}")
        exchange, clearing = ledger.system_accounts(
            SystemCode.EXCHANGE, SystemCode.PAYSTACK_CLEARING, currency=refund.charge_currency
        )
        ledger.post(
            debit=exchange,
            credit=clearing,
            amount=from_subunits(refund.amount_subunits),
            code=TransferCode.REFUND_PAID,
            key=f"refund-paid:{refund.pk}",
            reference=f"refund:{refund.pk}",
        )
    if refund.user_id is not None:
        receipts.issue_for_refund(refund)
        tell(refund, "refund_processed")
    log.info("Refund processed", refund=str(refund.pk), deposit=deposit.reference)
    if refund.user_id is not None:
        events.record(
            user_id=refund.user_id, type=EventType.REFUND_PROCESSED, subject=f"refund:{refund.pk}", data=_data(refund)
        )  # fmt: skip
    return refund


def _data(refund: Refund) -> dict[str, Any]:
    return {
        "refund": str(refund.pk),
        "deposit": str(refund.deposit_id),
        "reference": refund.deposit.reference,
        "amount": str(from_subunits(refund.amount_subunits)),
        "currency": refund.charge_currency,
        "status": str(refund.status),
    }


def _compare(refund: Refund, status: RefundStatus | None) -> None:
    """A refund that has ended here must not end otherwise there."""
    if status in (RefundStatus.PROCESSED, RefundStatus.FAILED) and status != refund.status:
        log.error(
            "Refund ended otherwise at Paystack",
            refund=str(refund.pk),
            here=refund.status,
            there=status.value,
        )


def _note(refund: Refund, note: str) -> Refund:
    refund.note, refund.looks = note, refund.looks + 1
    refund.next_look_at = next_look(refund.looks)
    refund.save(update_fields=["note", "looks", "next_look_at"])
    return refund
