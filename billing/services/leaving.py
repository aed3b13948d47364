"""A customer leaves: what their erasure waits for, what Paystack has to forget first, and what becomes of a balance.

Called by `accounts.services.erasure` through the manifest, since accounts know no money.
"""

from __future__ import annotations

import structlog
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.privacy.registry import Obstacle
from billing import locks
from billing.enums import DepositStatus, DisputeOutcome, StopReason, SystemCode, TransferCode
from billing.models import DedicatedAccount, Deposit, Dispute, Refund, SavedCard
from billing.paystack import client
from billing.paystack.errors import BadKey, PaystackError, Refused
from billing.selectors import wallet
from billing.services import ledger, saved_cards
from namaskah.lib.ids import uuid7
from namaskah.lib.money import format_money

log = structlog.get_logger(__name__)


def obstacles(user_id: int, gives_up_balance: bool) -> list[Obstacle]:
    """What about a customer's money has to end before they can be forgotten."""
    found: list[Obstacle] = []
    deposits = Deposit.objects.filter(user_id=user_id)
    if deposits.filter(next_look_at__isnull=False).exists() or _under_review(user_id):
        found.append(Obstacle("deposit", _("A top-up is not finished, or may still be paid.")))
    if Refund.objects.filter(user_id=user_id, closed_at=None).exists():
        found.append(Obstacle("refund", _("A refund is on its way.")))
    if Dispute.objects.filter(user_id=user_id, outcome=DisputeOutcome.OPEN).exists():
        found.append(Obstacle("dispute", _("A payment is disputed at your bank.")))
    figures = wallet(user_id)
    if figures.held > 0:
        found.append(Obstacle("held", _("Part of your money is held.")))
    if figures.available > 0 and not gives_up_balance:
        found.append(_balance(format_money(figures.available, figures.currency)))
    return found


def prepare(user_id: int) -> bool:
    """Have Paystack forget how to charge this customer; whatever was done before is not done again.

    Returns:
        Whether everything is confirmed. The cards are asked for by their own sweep, so False means: look again.
    """
    saved_cards.remove_all(user_id=user_id, reason=StopReason.CUSTOMER)
    if not client.is_configured():
        return True  # nobody to tell
    has_cards = SavedCard.objects.filter(user_id=user_id, deactivate_due_at__isnull=False).exists()
    return _close_bank_account(user_id) and not has_cards


def give_up_balance(user_id: int) -> None:
    """Move what is left to our own account, in the caller's transaction. Nothing is left to move the second time."""
    account = ledger.customer_account(user_id)
    locks.lock_account(account.pk)  # what is available now is what moves
    amount = wallet(user_id).available
    if amount <= 0:
        return
    transfer = ledger.post(
        debit=account,
        credit=ledger.system_account(SystemCode.GIVEN_UP, account.currency),
        amount=amount,
        code=TransferCode.BALANCE_GIVEN_UP,
        key=f"balance-given-up:{user_id}:{uuid7()}",
        reference=f"user:{user_id}",
    )
    log.info("Balance given up", customer=user_id, transfer=str(transfer.id), amount=str(amount))


def _under_review(user_id: int) -> bool:
    return Deposit.objects.filter(
        user_id=user_id, status=DepositStatus.NEEDS_REVIEW, refunded_subunits__lt=F("paid_subunits")
    ).exists()


def _balance(amount: str) -> Obstacle:
    words = _("%(amount)s is left in your wallet. Ask for it back, or give it up.")
    return Obstacle(
        "balance",
        words % {"amount": amount},
        is_theirs=True,
        url=reverse("billing:refund-list"),
        amount=amount,
    )


def _close_bank_account(user_id: int) -> bool:
    account = DedicatedAccount.objects.filter(user_id=user_id, is_active=True).first()
    if account is None or account.paystack_id is None:
        return True
    try:
        client.paystack().deactivate_dedicated_account(account.paystack_id)
    except PaystackError as error:
        if not isinstance(error, Refused) or isinstance(error, BadKey):
            log.info("Bank account not closed yet", account=account.pk, code=error.code)
            return False
        # A plain no, most often because it is closed already: nothing more can be done about it from here.
        log.warning("Paystack does not close a bank account", account=account.pk, code=error.code)
    DedicatedAccount.objects.filter(pk=account.pk).update(is_active=False, next_look_at=None)
    return True
