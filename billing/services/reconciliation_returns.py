"""Money that went the other way: refunds, disputes and settlements of both sides."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import structlog
from django.db.models import Q

from billing.enums import DifferenceKind, DisputeOutcome, RefundStatus, TransferCode
from billing.models import Dispute, Refund, Settlement, Transfer
from billing.paystack import client
from billing.paystack.base import DisputeFact, RefundFact
from billing.paystack.errors import NotFound, PaystackError
from billing.services import disputes, refund_sending, settlements
from billing.services import reconciliation_sides as sides
from billing.services.reconciliation_sides import FarSide, Finding
from namaskah.lib.money import format_money, format_subunits, from_subunits

log = structlog.get_logger(__name__)

# How a refund ended there → how it must have ended here.
ENDS: dict[str, tuple[RefundStatus, ...]] = {
    "processed": (RefundStatus.PROCESSED,),
    "failed": (RefundStatus.FAILED, RefundStatus.REFUSED),
}
TOKEN = re.compile(r"nmr-[0-9a-z]+")  # our name of a refund, wherever in the note it stands
ENDED_HERE = (RefundStatus.PROCESSED, RefundStatus.FAILED, RefundStatus.REFUSED)
AT_PAYSTACK = (
    RefundStatus.PENDING,
    RefundStatus.PROCESSING,
    RefundStatus.NEEDS_ATTENTION,
    RefundStatus.PROCESSED,
)


def refund_findings(far: FarSide) -> list[Finding]:
    """Refunds that only one side has, or that ended differently.

    Raises:
        PaystackError: A refund that the list lacks could not be asked for.
    """
    found = [finding for fact in far.refunds.values() if (finding := _refund_finding(fact, far)) is not None]
    sent = Refund.objects.filter(sent_at__gte=far.since, sent_at__lt=far.until, status__in=AT_PAYSTACK)
    for refund in sent.exclude(paystack_id__in=list(far.refunds)).order_by("pk"):
        if not _is_there(refund):
            text = f"{refund.token}: {_money(refund)} is {refund.status} here, Paystack has no such refund"
            found.append(_about(refund, text, refund.sent_at or far.since))
    return found


def dispute_findings(far: FarSide) -> list[Finding]:
    """Disputes that Paystack has and we have not, or that were lost there and not here; looked at again first.

    A lost dispute is taken from what Paystack owes us, so a difference stands under the clearing account.
    """
    found = []
    for fact in far.disputes.values():
        dispute = Dispute.objects.filter(paystack_id=fact.id).first()
        if dispute is None or (dispute.outcome == DisputeOutcome.OPEN and fact.resolution):
            dispute = _looked_at(fact) or dispute
        is_lost_here = dispute is not None and dispute.outcome == DisputeOutcome.LOST
        if (fact.resolution in sides.LOST) == is_lost_here or not far.covers(fact.resolved_at):
            continue
        amount = lost_subunits(fact)
        word = "lost there, not here" if not is_lost_here else "lost here, not there"
        text = f"dispute {fact.id} over {format_subunits(amount, fact.currency)}: {word}"
        at = fact.resolved_at or far.since
        found.append(
            Finding(DifferenceKind.CLEARING, f"dispute-there:{fact.id}", text, fact.currency, at, amount)
        )
    return found


def settlement_findings(rows: list[Settlement], far: FarSide) -> list[Finding]:
    """Settlements that do not add up in themselves, or that say something else than what was posted."""
    found = []
    for row in rows:
        if row.settled_on is None or not far.covers(sides.start_of(row.settled_on)):
            continue
        problem = _settlement_problem(row)
        if problem:
            at = sides.start_of(row.settled_on)
            found.append(
                Finding(
                    DifferenceKind.SETTLEMENT,
                    settlements.reference(row),
                    f"settlement {row.paystack_id}: {problem}",
                    row.currency,
                    at,
                    row.total_subunits,
                )
            )
    return found


def lost_subunits(fact: DisputeFact) -> int:
    """What the bank took."""
    return (fact.transaction_amount if fact.refund_amount is None else fact.refund_amount) or 0


def _refund_finding(fact: RefundFact, far: FarSide) -> Finding | None:
    at = fact.created_at or far.since
    token = TOKEN.search(fact.merchant_note)
    names = Q(paystack_id=fact.id) | Q(token=token.group()) if token else Q(paystack_id=fact.id)
    refund = Refund.objects.filter(names).first()
    if refund is None:
        money = format_subunits(fact.amount, fact.currency)
        about = fact.transaction_reference or fact.transaction_id
        text = f"refund {fact.id} of {money} for {about}: Paystack has it, nobody asked for it here"
        return Finding(DifferenceKind.REFUND, f"refund-there:{fact.id}", text, fact.currency, at, fact.amount)
    if (refund.amount_subunits, refund.charge_currency) != (fact.amount, fact.currency):
        there = format_subunits(fact.amount, fact.currency)
        return _about(refund, f"{refund.token}: {_money(refund)} here, {there} there", at)
    if fact.status in ENDS and refund.status not in ENDS[fact.status]:
        refund = _asked_again(refund.pk)
    ends_here = ENDS.get(fact.status, ())
    is_same = refund.status in ends_here if fact.status in ENDS else refund.status not in ENDED_HERE
    if is_same:
        return None
    return _about(refund, f"{refund.token}: {refund.status} here, {fact.status} there", at)


def _asked_again(refund_id: uuid.UUID) -> Refund:
    try:
        refund_sending.look(refund_id)
    except PaystackError as error:
        log.warning("Refund not looked at by reconciliation", refund=str(refund_id), reason=error.code)
    return Refund.objects.get(pk=refund_id)


def _is_there(refund: Refund) -> bool:
    """Ask for one refund: a list may be cut by a clock that is not ours."""
    if refund.paystack_id is None:
        return False
    try:
        client.paystack().fetch_refund(refund.paystack_id)
    except NotFound:
        return False
    return True


def _looked_at(fact: DisputeFact) -> Dispute | None:
    try:
        return disputes.look(fact.id)
    except PaystackError as error:
        log.warning("Dispute not looked at by reconciliation", dispute=fact.id, reason=error.code)
        return None


def _settlement_problem(row: Settlement) -> str:
    if not settlements.is_consistent(row):
        parts = (row.processed_subunits, row.fees_subunits, row.deductions_subunits, row.total_subunits)
        shown = [format_subunits(part, row.currency) for part in parts]
        return f"{shown[0]} processed less {shown[1]} fees less {shown[2]} deductions is not {shown[3]}"
    posted = Transfer.objects.filter(
        reference=settlements.reference(row), code=TransferCode.SETTLEMENT
    ).values_list("amount", flat=True)
    wanted = [from_subunits(row.total_subunits)] if row.is_posted else []
    if list(posted) != wanted:
        return f"posted {', '.join(format_money(amount, row.currency) for amount in posted) or 'nothing'}"
    return ""


def _about(refund: Refund, text: str, at: dt.datetime) -> Finding:
    return Finding(
        DifferenceKind.REFUND, f"refund:{refund.pk}", text, refund.charge_currency, at, refund.amount_subunits
    )


def _money(refund: Refund) -> str:
    return format_subunits(refund.amount_subunits, refund.charge_currency)
