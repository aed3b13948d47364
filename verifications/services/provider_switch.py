"""Taking a provider out of use and back, with the reason in its history."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from django.db import transaction
from simple_history.utils import update_change_reason

from accounts.audit_actions import AuditAction
from accounts.models import User
from accounts.services import audit
from verifications.models import Provider
from verifications.services import catalog_summary

log = structlog.get_logger(__name__)


def switch_off(provider_ids: Iterable[int], *, reason: str, actor: User) -> list[Provider]:
    """Sell nothing more from these providers. Open orders there run on: polling and closing do not ask for the switch."""
    return _switch(provider_ids, is_enabled=False, reason=reason, actor=actor)


def switch_on(provider_ids: Iterable[int], *, reason: str, actor: User) -> list[Provider]:
    """Sell from these providers again."""
    return _switch(provider_ids, is_enabled=True, reason=reason, actor=actor)


@transaction.atomic
def _switch(provider_ids: Iterable[int], *, is_enabled: bool, reason: str, actor: User) -> list[Provider]:
    providers = list(
        Provider.objects.select_for_update(no_key=True)
        .filter(pk__in=list(provider_ids))
        .exclude(is_enabled=is_enabled)
        .order_by("pk")
    )
    for provider in providers:
        provider.is_enabled = is_enabled
        provider.disabled_reason = "" if is_enabled else reason[:200]
        provider.save(update_fields=["is_enabled", "disabled_reason", "updated_at"])
        update_change_reason(provider, reason[:100])
        audit.record(
            AuditAction.CHANGED,
            actor=actor,
            target=f"verifications.provider:{provider.pk}",
            before={"is_enabled": not is_enabled},
            after={"is_enabled": is_enabled},
            reason=reason,
        )
        log.warning("Provider switched", provider=provider.slug, is_enabled=is_enabled)
    if providers:
        transaction.on_commit(catalog_summary.refresh)
    return providers
