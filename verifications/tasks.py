"""Celery tasks: load by id, call a service. Each may run twice and any may be lost; the sweeps among them catch up."""

from __future__ import annotations

import uuid

from celery import shared_task

from verifications.services import (
    catalog_sync,
    order_news,
    ordering,
    orphan_holds,
    polling,
    settlement,
    sweeps,
    upstream,
)


@shared_task(name="verifications.place_order")
def place_order(verification_id: str) -> None:
    """Buy the number of an order that its web process handed over."""
    ordering.place(uuid.UUID(verification_id))


@shared_task(name="verifications.poll_providers")
def poll_providers() -> None:
    """Start one cycle for each provider with anything to look at."""
    for provider_id in polling.providers_to_poll():
        poll_provider.apply_async(args=(provider_id,), expires=10)


@shared_task(name="verifications.poll_provider")
def poll_provider(provider_id: int) -> None:
    """One cycle for one provider."""
    polling.poll_provider(provider_id)


@shared_task(name="verifications.sweep_orders")
def sweep_orders() -> None:
    """Place forgotten orders and end overdue ones."""
    sweeps.sweep_orders()


@shared_task(name="verifications.settle_doubtful")
def settle_doubtful() -> None:
    """Decide purchases whose answer was lost."""
    settlement.settle_all()


@shared_task(name="verifications.close_upstream")
def close_upstream() -> None:
    """Tell providers about cancelled and finished orders."""
    upstream.close_due()


@shared_task(name="verifications.release_orphan_holds")
def release_orphan_holds() -> None:
    """Return holds that no open order stands behind."""
    orphan_holds.release_orphan_holds()


@shared_task(name="verifications.refresh_offers")
def refresh_offers() -> None:
    """Start one price list refresh for each enabled provider."""
    for provider_id in catalog_sync.providers_to_refresh():
        refresh_provider_offers.delay(provider_id)


@shared_task(name="verifications.refresh_provider_offers")
def refresh_provider_offers(provider_id: int) -> None:
    """Refresh one provider's price list."""
    catalog_sync.refresh_provider(provider_id)


@shared_task(name="verifications.check_balances")
def check_balances() -> None:
    """Read our prepaid balance at each provider."""
    catalog_sync.check_balances()


@shared_task(name="verifications.tell_orders")
def tell_orders() -> int:
    """Tell customers what became of their orders."""
    return order_news.sweep()
