"""Provider rows for the three sellers that the sandbox plays."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from verifications.models import Provider
from verifications.services import catalog_sync, codes_sync
from verifications.services.catalog_sync import Refreshed

CREDENTIAL_VARIABLE = "SANDBOX_API_KEY"


@dataclass(frozen=True, slots=True)
class Seller:
    """One seller of the sandbox and the row that reaches it."""

    slug: str
    name: str
    adapter: str
    path: str
    priority: int
    dialect: dict[str, Any] = field(default_factory=dict)
    lifetime_s: int = 1200
    cancel_lock_s: int = 120


SELLERS = (
    Seller(
        "sandbox-handler",
        "Sandbox: handler dialect",
        "handler",
        "/stubs/handler_api.php",
        10,
        {"has_history": True, "utc_offset_h": 0, "full_text": "call"},
    ),
    Seller(
        "sandbox-hero",
        "Sandbox: HeroSMS",
        "handler",
        "/hero/stubs/handler_api.php",
        20,
        {
            "error_mode": "mixed",
            "has_v2": True,
            "has_history": True,
            "close_actions": True,
            "utc_offset_h": 0,
        },
    ),
    Seller("sandbox-fivesim", "Sandbox: 5SIM", "fivesim", "/v1", 30, lifetime_s=900, cancel_lock_s=60),
)


def ensure_providers() -> list[Provider]:
    """Create or correct the three rows and seed their codes. The switch and the limits of an existing row are the staff's."""
    providers = []
    for seller in SELLERS:
        reach = {
            "adapter": seller.adapter,
            "base_url": settings.SANDBOX_URL.rstrip("/") + seller.path,
            "credential_variable": CREDENTIAL_VARIABLE,
            "dialect": seller.dialect,
        }
        provider, created = Provider.objects.get_or_create(
            slug=seller.slug,
            defaults={
                **reach,
                "name": seller.name,
                "priority": seller.priority,
                "lifetime_s": seller.lifetime_s,
                "cancel_lock_s": seller.cancel_lock_s,
                "rate_limit_per_s": Decimal(1000),
                "burst": 1000,
                "is_enabled": True,
            },
        )
        if not created and any(getattr(provider, name) != value for name, value in reach.items()):
            for name, value in reach.items():
                setattr(provider, name, value)
            provider.save(update_fields=[*reach, "updated_at"])
        codes_sync.seed_codes(provider)
        providers.append(provider)
    return providers


def refresh_due(providers: list[Provider]) -> dict[str, Refreshed]:
    """Read the price lists of those whose last reading is older than a refresh interval, side by side."""
    oldest = timezone.now() - dt.timedelta(seconds=settings.OFFER_REFRESH_S)
    due = [
        provider
        for provider in providers
        if provider.is_enabled
        and (provider.offers_refreshed_at is None or provider.offers_refreshed_at < oldest)
    ]
    if not due:
        return {}
    with ThreadPoolExecutor(len(due)) as pool:
        results = pool.map(_refresh, [provider.pk for provider in due])
        return {provider.slug: result for provider, result in zip(due, results, strict=True)}


def _refresh(provider_id: int) -> Refreshed:
    try:
        return catalog_sync.refresh_provider(provider_id)
    finally:
        connection.close()
