"""Holds the wallet's part of a disputed payment while the dispute is open. Callers hold the deposit's lock.

The hold never exceeds what the deposit credited, less what its refunds and other disputes stand on. What the wallet does not
cover is the dispute's `shortfall`; it becomes a debt only when the dispute is lost.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import structlog
from django.utils import timezone

from billing import locks
from billing.enums import DisputeOutcome, SystemCode, TransferCode
from billing.models import Account, Deposit, Dispute, Transfer
from billing.selectors import wallet
from billing.services import ledger, shares
from namaskah.lib.money import format_subunits

log = structlog.get_logger(__name__)
FAR_AWAY = dt.timedelta(days=3650)  # a return ends by Paystack's word, never by the ledger's sweep


def refreeze(deposit: Deposit) -> None:
    """Freeze more for open disputes after something that stood before them was given back."""
    for dispute in (
        Dispute.objects.select_for_update(of=("self",), no_key=True)
        .select_related("hold")
        .filter(deposit=deposit, outcome=DisputeOutcome.OPEN)
        .order_by("pk")
    ):
        freeze(dispute, deposit)


def freeze(dispute: Dispute, deposit: Deposit) -> bool:
    """Hold what this dispute may take and does not hold yet; repeating changes nothing.

    Returns:
        Whether something was frozen by this call.
    """
    if deposit.credited_at is None or deposit.user_id is None:
        return False
    whole = deposit.paid_subunits or deposit.amount_subunits
    wanted = min(
        shares.of_credit(deposit, dispute.amount_subunits, whole),
        shares.left_of_credit(deposit, but_for=dispute),
    )
    if wanted <= dispute.wallet_amount:
        return False
    account = ledger.customer_account(deposit.user_id)
    locks.lock_account(account.pk)  # what is available must still be so when it is held
    if dispute.hold is not None:
        ledger.release(hold_id=dispute.hold.id, key=f"dispute-refreeze:{dispute.pk}:{wanted}")
    covered = min(wanted, wallet(deposit.user_id).available)
    dispute.wallet_amount, dispute.shortfall = wanted, wanted - covered
    dispute.hold = _hold(dispute, account, covered) if covered else None
    dispute.save(update_fields=["wallet_amount", "shortfall", "hold"])
    log.warning(
        "Disputed money frozen",
        dispute=dispute.paystack_id,
        customer=deposit.user_id,
        shortfall=str(dispute.shortfall),
    )
    return True


def _hold(dispute: Dispute, account: Account, amount: Decimal) -> Transfer:
    return ledger.hold(
        account=account,
        amount=amount,
        code=TransferCode.DISPUTE_HOLD,
        key=f"dispute-hold:{dispute.pk}:{dispute.wallet_amount}",
        reference=f"dispute:{dispute.pk}",
        memo=format_subunits(dispute.amount_subunits, dispute.currency),
        expires_at=timezone.now() + FAR_AWAY,
        credit=ledger.system_account(SystemCode.EXCHANGE, account.currency),
    )
