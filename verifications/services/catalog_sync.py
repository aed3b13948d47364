"""Price lists and balances from the providers. Every call is made with no transaction open."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.db.models import Q
from django.utils import timezone

from verifications.models import Provider, ProviderCountryCode
from verifications.providers.base import SmsProvider
from verifications.providers.errors import (
    AuthFailed,
    NoBalance,
    NotSupported,
    ProviderError,
    Suspended,
    Throttled,
)
from verifications.services import catalog_summary, codes_sync, offer_store, rate_limit
from verifications.services.provider_accounts import adapter_for

log = structlog.get_logger(__name__)

_CLAIM = dt.timedelta(minutes=3)  # longer than any single call and its storing
_RENEW = dt.timedelta(seconds=30)
_TOKEN_WAIT_S = 20.0
_ERRORS_IN_A_ROW = 5
_HOPELESS = (AuthFailed, Suspended, NotSupported, Throttled)
_RECOVERED = Decimal("1.2")  # of the threshold: a balance around it must not flap the switch


@dataclass(slots=True)
class Refreshed:
    """The result of one provider's refresh."""

    lists: int = 0
    offers: int = 0
    changed: int = 0
    errors: int = 0
    was_busy: bool = False


def providers_to_refresh() -> list[int]:
    """Providers in use; one that is low on balance is still read, so that its prices are there when it is topped up."""
    return list(Provider.objects.filter(is_enabled=True).values_list("pk", flat=True))


def refresh_provider(provider_id: int) -> Refreshed:
    """Read all price lists of one provider and store what changed. A second call while one runs does nothing."""
    if not _claim(provider_id):
        return Refreshed(was_busy=True)
    provider = Provider.objects.get(pk=provider_id)
    result = Refreshed()
    try:
        adapter = adapter_for(provider)
        _refresh_codes(provider, adapter)
        _read_lists(provider, adapter, result)
    except ProviderError as error:
        result.errors += 1
        log.warning("Price lists not read", provider=provider.slug, reason=error.code)
    finally:
        done = {"offers_refreshed_at": timezone.now()} if result.lists else {}
        Provider.objects.filter(pk=provider_id).update(refresh_claimed_until=None, **done)
    catalog_summary.refresh()
    log.info(
        "Price lists read",
        provider=provider.slug,
        lists=result.lists,
        offers=result.offers,
        changed=result.changed,
        errors=result.errors,
    )
    return result


def price_lists(provider: Provider) -> list[ProviderCountryCode]:
    """The lists worth reading: mapped, and named by the provider itself if it names any."""
    lists = provider.country_codes.filter(country__is_active=True).order_by("country__rank", "pk")
    if provider.country_codes.filter(seen_at__isnull=False).exists():
        lists = lists.filter(seen_at__isnull=False)
    return list(lists)


def check_balances() -> None:
    """Read our prepaid balance at each provider in use and set its low-balance switch."""
    in_use = Provider.objects.filter(is_enabled=True)
    before = set(in_use.filter(is_low_on_balance=True).values_list("pk", flat=True))
    for provider in in_use:
        check_balance(provider)
    if before != set(in_use.filter(is_low_on_balance=True).values_list("pk", flat=True)):
        catalog_summary.refresh()


def check_balance(provider: Provider) -> Decimal | None:
    """Read one balance, in the provider's currency; None when it could not be read, which moves no switch."""
    try:
        _wait(provider, share=1)
        amount = adapter_for(provider).balance().amount
    except NoBalance:
        amount = Decimal(0)
    except ProviderError as error:
        log.warning("Balance not read", provider=provider.slug, reason=error.code)
        return None
    Provider.objects.filter(pk=provider.pk).update(balance=amount, balance_checked_at=timezone.now())
    is_low = _is_low(provider, amount)
    switched = Provider.objects.filter(pk=provider.pk).exclude(is_low_on_balance=is_low)
    if switched.update(is_low_on_balance=is_low):
        log.warning("Balance switch turned", provider=provider.slug, balance=str(amount), is_low=is_low)
    return amount


def _is_low(provider: Provider, amount: Decimal) -> bool:
    """Low below the threshold, and once low until there is clearly more: a balance around it must not flap."""
    limit = provider.low_balance_threshold
    return amount <= 0 or amount < (limit * _RECOVERED if provider.is_low_on_balance else limit)


def _refresh_codes(provider: Provider, adapter: SmsProvider) -> None:
    if not provider.country_codes.exists():
        codes_sync.seed_codes(provider)
    unmapped = codes_sync.refresh_codes(provider, adapter)
    if unmapped:
        log.info("Codes without a mapping", provider=provider.slug, count=unmapped)


def _read_lists(provider: Provider, adapter: SmsProvider, result: Refreshed) -> None:
    """Read list after list. One that fails keeps its offers and its age; faults that will repeat end the run."""
    services = dict(provider.service_codes.filter(service__is_active=True).values_list("code", "service_id"))
    in_a_row = 0
    renewed_at = timezone.now()
    for price_list in price_lists(provider):
        if timezone.now() - renewed_at > _RENEW:
            renewed_at = timezone.now()
            Provider.objects.filter(pk=provider.pk).update(refresh_claimed_until=renewed_at + _CLAIM)
        try:
            _wait(provider, share=2)
            seen_at = timezone.now()
            rows = list(adapter.offers(price_list.code))
        except ProviderError as error:
            result.errors += 1
            in_a_row += 1
            log.warning(
                "Price list not read", provider=provider.slug, country=price_list.code, reason=error.code
            )
            if isinstance(error, _HOPELESS) or in_a_row == _ERRORS_IN_A_ROW:
                return
            continue
        in_a_row = 0
        stored = offer_store.store_list(
            price_list, rows, services=services, rate=provider.rate, seen_at=seen_at
        )
        result.lists += 1
        result.offers += stored.total
        result.changed += stored.inserted + stored.updated + stored.dropped


def _wait(provider: Provider, *, share: int) -> None:
    """Wait for the provider's rate limit; a share of 2 takes at most half of it and leaves the rest to orders."""
    rate = float(provider.rate_limit_per_s)
    if share > 1 and not rate_limit.wait_for(
        f"{provider.slug}:lists",
        rate_per_s=rate / share,
        burst=max(1, provider.burst // share),
        max_wait_s=_TOKEN_WAIT_S,
    ):
        raise Throttled("Our own rate limit for price lists is used up.")
    if not rate_limit.wait_for(
        provider.slug, rate_per_s=rate, burst=provider.burst, max_wait_s=_TOKEN_WAIT_S
    ):
        raise Throttled("Our own rate limit for this provider is used up.")


def _claim(provider_id: int) -> bool:
    """Whether this run may refresh; one row update, so it holds behind a connection pooler as well."""
    now = timezone.now()
    free = Q(refresh_claimed_until__isnull=True) | Q(refresh_claimed_until__lt=now)
    return bool(Provider.objects.filter(free, pk=provider_id).update(refresh_claimed_until=now + _CLAIM))
