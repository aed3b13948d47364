"""What Paystack paid out to our bank: its list, kept as rows, and posted once each.

There is no webhook for a settlement; the reconciler imports them. Source: docs/providers/paystack.md, settlements
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction

from billing.enums import SystemCode, TransferCode
from billing.models import Settlement, Transfer
from billing.paystack import client
from billing.paystack.base import SettlementFact
from billing.services import ledger
from namaskah.lib.money import from_subunits

log = structlog.get_logger(__name__)

PAID = "success"  # the other documented ones, `pending`, `processing` and `failed`, have moved nothing


def fetch(*, since: dt.datetime, until: dt.datetime) -> list[Settlement]:
    """Read Paystack's list, keep each settlement, and post those that reached our bank. Repeating changes nothing."""
    facts = list(client.paystack().settlements(since=since, until=until))
    return [keep(fact) for fact in facts]


def keep(fact: SettlementFact) -> Settlement:
    """Write down what Paystack says of one settlement; the first time that it says it is paid, post it."""
    values = {
        "status": fact.status[:30],
        "currency": fact.currency,
        "total_subunits": paid_out(fact),
        "fees_subunits": fact.total_fees,
        "processed_subunits": fact.total_processed,
        "deductions_subunits": fact.deductions,
        "settled_on": fact.settled_on,
    }
    Settlement.objects.bulk_create([Settlement(paystack_id=fact.id, **values)], ignore_conflicts=True)
    with transaction.atomic():
        settlement = _lock(fact.id)
        if (
            settlement.is_posted
        ):  # the books say what was posted: only what stands beside it may follow Paystack
            values.pop("total_subunits"), values.pop("currency")
        for name, value in values.items():
            setattr(settlement, name, value)
        if settlement.status == PAID and settlement.total_subunits > 0 and not settlement.is_posted:
            _post(settlement)
            settlement.is_posted = True
        settlement.save()
    return settlement


def paid_out(fact: SettlementFact) -> int:
    """What arrives at our bank, in subunits: processed less fees less deductions.

    Paystack's samples have `total_amount` = `total_processed` − `total_fees`, with `deductions` (refunds and disputes taken
    from the payout) null and an `effective_amount` that we do not read. Where there are deductions the two readings differ, and
    the sums tell which one this is: a `total_amount` that has not lost them yet loses them here. To be confirmed with a
    live settlement; a reading that is wrong shows as a difference of the kind `settlement`, since then nothing adds up.
    """
    if fact.deductions and fact.total_amount == fact.total_processed - fact.total_fees:
        return fact.total_amount - fact.deductions
    return fact.total_amount


def is_consistent(settlement: Settlement) -> bool:
    """Whether what was paid out is what was processed less what was taken off."""
    net = settlement.processed_subunits - settlement.fees_subunits - settlement.deductions_subunits
    return settlement.total_subunits == net


def reference(settlement: Settlement) -> str:
    """What the transfer of a settlement is about."""
    return f"settlement:{settlement.paystack_id}"


def _lock(paystack_id: int) -> Settlement:
    return Settlement.objects.select_for_update().get(paystack_id=paystack_id)


def _key(settlement: Settlement) -> str:
    return f"settlement:{settlement.paystack_id}"


def _post(settlement: Settlement) -> Transfer:
    bank, clearing = ledger.system_accounts(
        SystemCode.BANK, SystemCode.PAYSTACK_CLEARING, currency=settlement.currency
    )
    posted = ledger.post(
        debit=bank,
        credit=clearing,
        amount=from_subunits(settlement.total_subunits),
        code=TransferCode.SETTLEMENT,
        key=_key(settlement),
        reference=reference(settlement),
    )
    log.info("Settlement posted", settlement=settlement.paystack_id, transfer=str(posted.id))
    return posted
