"""How a dispute ends: we won and the money is the customer's again, or it is gone.

Runs in the caller's transaction. Lock order: deposit, dispute, account.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import structlog
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.services import notices
from billing.enums import DepositStatus, DisputeOutcome, SystemCode, TransferCode
from billing.models import Deposit, Dispute
from billing.paystack.base import DisputeFact
from billing.services import ledger, receivables, shares
from namaskah.lib.money import format_money, format_subunits, from_subunits

log = structlog.get_logger(__name__)
OUTCOMES = {
    "declined": DisputeOutcome.WON,
    "merchant-accepted": DisputeOutcome.LOST,
    "auto-accepted": DisputeOutcome.LOST,
}


def conclude(dispute: Dispute, deposit: Deposit | None, fact: DisputeFact) -> None:
    """Close an open dispute the way Paystack says it ended; a resolution we do not know is waited out."""
    outcome = OUTCOMES.get(fact.resolution)
    if outcome is None:
        log.error("Unknown end of a dispute", dispute=dispute.paystack_id, resolution=fact.resolution[:40])
        return
    dispute.outcome, dispute.resolution = outcome, fact.resolution[:40]
    dispute.closed_at, dispute.next_look_at = fact.resolved_at or timezone.now(), None
    if outcome == DisputeOutcome.WON:
        if dispute.hold is not None:
            ledger.release(hold_id=dispute.hold.id, key=f"dispute-release:{dispute.pk}")
    elif deposit is None:
        log.error("Lost a dispute of a payment we do not know", dispute=dispute.paystack_id)
    else:
        lost = min(
            dispute.amount_subunits if fact.refund_amount is None else fact.refund_amount,
            dispute.amount_subunits,
        )
        _lose(dispute, deposit, lost)
    dispute.save()
    if dispute.shortfall and outcome == DisputeOutcome.LOST and dispute.user_id is not None:
        _owe(dispute, dispute.user_id)
    log.warning(
        "Dispute closed", dispute=dispute.paystack_id, outcome=outcome.value, customer=dispute.user_id
    )
    tell(
        dispute,
        "dispute_closed",
        outcome=outcome.value,
        shortfall=_owed_text(dispute),
    )


def tell(dispute: Dispute, template: str, **more: str) -> None:
    """Tell the customer whose payment it is about its dispute."""
    if dispute.user_id is None or dispute.deposit_id is None:
        return
    notices.tell(
        user_id=dispute.user_id,
        template=template,
        context={
            "amount": format_subunits(dispute.amount_subunits, dispute.currency),
            "held": _held_text(dispute),
            "url": reverse("billing:deposit", args=[dispute.deposit_id]),
            **more,
        },
        key=f"{template.replace('_', '-')}:{dispute.pk}",
    )


def _held_text(dispute: Dispute) -> str:
    """What is set aside for it; empty for money that never reached the wallet."""
    held = dispute.wallet_amount - dispute.shortfall
    return format_money(held, settings.WALLET_CURRENCY) if held else ""


def _lose(dispute: Dispute, deposit: Deposit, lost_subunits: int) -> None:
    """The bank took `lost_subunits`: the hold pays its share, the customer owes what the hold does not cover."""
    if deposit.status == DepositStatus.REVERSED:
        return  # the money went when Paystack reversed the payment, and the books say so already
    if deposit.credited_at is None:
        _take_suspended(dispute, deposit, lost_subunits)
        return
    _charge(dispute, deposit, lost_subunits)
    _pay_bank(dispute, lost_subunits, SystemCode.EXCHANGE)


def _take_suspended(dispute: Dispute, deposit: Deposit, lost_subunits: int) -> None:
    """The bank took money that was under review. With all of it gone there is nothing left to decide about."""
    if deposit.status != DepositStatus.NEEDS_REVIEW or deposit.paystack_id is None:
        log.error("Lost a dispute of money that is not in the books", dispute=dispute.paystack_id)
        return
    _pay_bank(dispute, lost_subunits, SystemCode.SUSPENSE)
    if shares.taken_by_banks(deposit) >= from_subunits(deposit.paid_subunits or 0):
        deposit.status, deposit.closed_at = DepositStatus.REVERSED, dispute.closed_at
        deposit.next_look_at = None
        deposit.save(update_fields=["status", "closed_at", "next_look_at"])
        log.warning("Money under review went back to the bank", deposit=str(deposit.pk))


def _owe(dispute: Dispute, user_id: int) -> None:
    """What the hold did not cover is the customer's debt, repaid at once as far as there is money now."""
    receivable, exchange = ledger.system_accounts(SystemCode.RECEIVABLES, SystemCode.EXCHANGE)
    ledger.post(
        debit=receivable,
        credit=exchange,
        amount=dispute.shortfall,
        code=TransferCode.RECEIVABLE,
        key=f"dispute-receivable:{dispute.pk}",
        reference=receivables.reference(user_id),
    )
    receivables.collect(user_id=user_id, key=f"receivable:dispute:{dispute.pk}")


def _charge(dispute: Dispute, deposit: Deposit, lost_subunits: int) -> None:
    """Charge the wallet's share of what was lost; what was frozen beyond it returns."""
    whole = deposit.paid_subunits or deposit.amount_subunits
    wanted = min(shares.of_credit(deposit, lost_subunits, whole), dispute.wallet_amount)
    held = dispute.wallet_amount - dispute.shortfall
    charged = min(wanted, held)
    if dispute.hold is not None and charged:
        ledger.capture(hold_id=dispute.hold.id, key=f"dispute-capture:{dispute.pk}", amount=charged)
    elif dispute.hold is not None:
        ledger.release(hold_id=dispute.hold.id, key=f"dispute-release:{dispute.pk}")
    dispute.wallet_amount, dispute.shortfall = wanted, wanted - charged


def _pay_bank(dispute: Dispute, lost_subunits: int, source: SystemCode) -> None:
    if not lost_subunits:
        return
    paying, clearing = ledger.system_accounts(source, SystemCode.PAYSTACK_CLEARING, currency=dispute.currency)
    ledger.post(
        debit=paying,
        credit=clearing,
        amount=from_subunits(lost_subunits),
        code=TransferCode.DISPUTE_PAID,
        key=f"dispute-paid:{dispute.pk}",
        reference=f"dispute:{dispute.pk}",
    )


def _owed_text(dispute: Dispute) -> str:
    """What the customer owes now, for people; empty when nothing."""
    if dispute.user_id is None:
        return ""
    owed = receivables.owed_by(dispute.user_id)
    return format_money(owed, settings.WALLET_CURRENCY) if owed else ""
