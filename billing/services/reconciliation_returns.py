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
    RefundStatus.SENT,
    RefundStatus.PENDING,
    RefundStatus.PROCESSING,
    RefundStatus.NEEDS_ATTENTION,
    RefundStatus.PROCESSED,
)


def refund_findings(far: FarSide) -> list[Finding]:
    """Refunds that only one side has, or that ended differently.

    Those that the list lacks and Paystack has join the far side, so that its sums count them.

    Raises:
        PaystackError: A refund that the list lacks could not be asked for.
    """
    found = []
    sent = Refund.objects.filter(sent_at__gte=far.since, sent_at__lt=far.until, status__in=AT_PAYSTACK)
    sent = sent.exclude(paystack_id__in=list(far.refunds))
    for refund in sent.exclude(token__in=list(_tokens(far).values())).order_by("pk"):
        fact = _there(refund)
        if fact is not None:
            far.refunds[fact.id] = fact
            continue
        text = f"{refund.token}: {_money(refund)} is {refund.status} here, Paystack has no such refund"
        found.append(_about(refund, text, refund.sent_at or far.since))
    compared = [_refund_finding(fact, far) for fact in far.refunds.values()]
    return found + [finding for finding in compared if finding is not None]


def refunds_sent(far: FarSide) -> dict[int, dt.datetime]:
    """When each refund of the far side happened: when we sent it, else when Paystack says; both sides count it on one day."""
    tokens = _tokens(far)
    ours = Refund.objects.filter(Q(paystack_id__in=list(far.refunds)) | Q(token__in=list(tokens.values())))
    by_name: dict[object, dt.datetime | None] = {}
    for paystack_id, token, sent_at in ours.values_list("paystack_id", "token", "sent_at"):
        by_name |= {paystack_id: sent_at, token: sent_at}
    times = {
        fact.id: by_name.get(fact.id) or by_name.get(tokens.get(fact.id, "")) or fact.created_at
        for fact in far.refunds.values()
    }
    return {fact_id: at for fact_id, at in times.items() if at is not None}


def disputes_ended(far: FarSide) -> dict[int, dt.datetime]:
    """When each dispute of the far side ended: when we took note of its loss, else when Paystack says."""
    lost = Dispute.objects.filter(paystack_id__in=list(far.disputes), outcome=DisputeOutcome.LOST)
    noted = dict(lost.values_list("paystack_id", "closed_at"))
    times = {fact.id: noted.get(fact.id) or fact.resolved_at for fact in far.disputes.values()}
    return {fact_id: at for fact_id, at in times.items() if at is not None}


def _tokens(far: FarSide) -> dict[int, str]:
    """Our names of the refunds of the far side, where their notes have one."""
    found = {fact.id: TOKEN.search(fact.merchant_note) for fact in far.refunds.values()}
    return {fact_id: token.group() for fact_id, token in found.items() if token}


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
    at = refund.sent_at or at
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


def _there(refund: Refund) -> RefundFact | None:
    """Ask for one refund: a list may be cut by a clock that is not ours."""
    if refund.paystack_id is None:
        return None
    try:
        return client.paystack().fetch_refund(refund.paystack_id)
    except NotFound:
        return None


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
