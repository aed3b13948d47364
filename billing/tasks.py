"""Scheduled work of billing. Each task tolerates running twice."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import structlog
from celery import shared_task
from django.utils import timezone

from billing.paystack import client
from billing.paystack.errors import PaystackError
from billing.services import (
    auto_top_up,
    dedicated_accounts,
    deposit_sweeps,
    disputes,
    exchange_rates,
    low_balances,
    reconciliation,
    refund_sending,
    saved_cards,
    settling,
    sweeps,
    webhooks,
)

log = structlog.get_logger(__name__)


@shared_task(name="billing.release_expired_holds")
def release_expired_holds() -> int:
    """Give back what was held past its expiry."""
    return sweeps.release_expired_holds(now=timezone.now())


@shared_task(name="billing.settle_deposit")
def settle_deposit(deposit_id: str) -> None:
    """Ask Paystack about one deposit that somebody has news of."""
    settling.settle(uuid.UUID(deposit_id))


@shared_task(name="billing.settle_deposits")
def settle_deposits() -> int:
    """Ask Paystack about deposits whose look is due."""
    return deposit_sweeps.sweep()


@shared_task(name="billing.tell_low_balances")
def tell_low_balances() -> int:
    """Tell customers whose wallet runs low."""
    return low_balances.sweep()


@shared_task(name="billing.send_refund")
def send_refund(refund_id: str) -> None:
    """Send one refund that is due."""
    refund_sending.send(uuid.UUID(refund_id))


@shared_task(name="billing.sweep_refunds")
def sweep_refunds() -> int:
    """Send forgotten refunds, and ask how those under way are doing."""
    return refund_sending.sweep()


@shared_task(name="billing.sweep_disputes")
def sweep_disputes() -> int:
    """Look at open disputes and raise the alarm before their deadline."""
    return disputes.sweep()


@shared_task(name="billing.find_missed_disputes")
def find_missed_disputes() -> int:
    """Find disputes that no webhook told of."""
    return disputes.find_missed()


@shared_task(name="billing.reconcile_recent")
def reconcile_recent() -> None:
    """Compare with Paystack from shortly before the last time on."""
    _reconcile(reconciliation.run_recent)


@shared_task(name="billing.reconcile_days")
def reconcile_days() -> None:
    """Compare the last days again: late payments and settlements change them."""
    _reconcile(reconciliation.run_days)


def _reconcile(run: Callable[[], object]) -> None:
    """What could not be read now is read an hour later; nothing is concluded from a part."""
    if not client.is_configured():
        return
    try:
        run()
    except PaystackError as error:
        log.warning("Not reconciled", code=error.code)


@shared_task(name="billing.deactivate_cards")
def deactivate_cards() -> int:
    """Tell Paystack of removed cards until it confirms."""
    return saved_cards.deactivate_due()


@shared_task(name="billing.top_up_automatically")
def top_up_automatically() -> int:
    """Charge for wallets below their owners' threshold, and follow charges under way."""
    return auto_top_up.sweep()


@shared_task(name="billing.look_after_bank_accounts")
def look_after_bank_accounts() -> int:
    """Find bank account numbers that were assigned, and look for late money once a day."""
    return dedicated_accounts.sweep()


@shared_task(name="billing.process_webhook")
def process_webhook(event_id: int) -> None:
    """Work on one delivery of Paystack's."""
    webhooks.process(event_id)


@shared_task(name="billing.process_webhooks")
def process_webhooks() -> int:
    """Work on deliveries whose task was lost, or that are to be tried again."""
    return webhooks.process_due()


@shared_task(name="billing.refresh_exchange_rate")
def refresh_exchange_rate() -> None:
    """Ask the source for a newer rate, once an interval."""
    exchange_rates.refresh_if_due()
