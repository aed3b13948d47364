"""Scheduled work of billing. Each task tolerates running twice."""

from __future__ import annotations

import uuid

from celery import shared_task
from django.utils import timezone

from billing.services import disputes, reconciliation, refund_sending, sweeps


@shared_task(name="billing.release_expired_holds")
def release_expired_holds() -> int:
    """Give back what was held past its expiry."""
    return sweeps.release_expired_holds(now=timezone.now())


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
    reconciliation.run_recent()


@shared_task(name="billing.reconcile_days")
def reconcile_days() -> None:
    """Compare the last days again: late payments and settlements change them."""
    reconciliation.run_days()
