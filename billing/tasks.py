"""Scheduled work of billing. Each task tolerates running twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from billing.services import sweeps


@shared_task(name="billing.release_expired_holds")
def release_expired_holds() -> int:
    """Give back what was held past its expiry."""
    return sweeps.release_expired_holds(now=timezone.now())
