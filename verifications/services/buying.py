"""One purchase call: the rate limit before it, the provider's health after it. No database transaction is open here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings

from verifications.models import Attempt, Provider
from verifications.providers.base import Bought, BuyRequest
from verifications.providers.errors import (
    Ambiguous,
    AuthFailed,
    NoBalance,
    NoStock,
    PriceTooHigh,
    ProviderError,
    Suspended,
    Throttled,
    Unreachable,
)
from verifications.services import health, rate_limit, routing
from verifications.services.provider_accounts import adapter_for

log = structlog.get_logger(__name__)

# A slow provider may hold only so many of this process's threads; the rest stay free for pages.
_slots = threading.BoundedSemaphore(settings.INLINE_BUYS)
_BUY_WAIT_S = 1.0
_ACCOUNT_FAULT_S = 300


@contextmanager
def inline_slot() -> Iterator[bool]:
    """Whether this thread may call a provider itself; if not, the worker does."""
    granted = _slots.acquire(blocking=False)
    try:
        yield granted
    finally:
        if granted:
            _slots.release()


def call(attempt: Attempt) -> tuple[Bought | ProviderError, int]:
    """Make the purchase call of a recorded attempt, once, and return its result with the latency in milliseconds."""
    provider = attempt.provider
    started = time.perf_counter()
    if (refusal := _own_refusal(provider)) is not None:
        return refusal, 0
    result: Bought | ProviderError
    try:
        result = adapter_for(provider).buy(
            BuyRequest(
                service_code=attempt.service_code,
                country_code=attempt.country_code,
                operator=attempt.operator,
                max_cost=attempt.max_cost,
                attempt_id=str(attempt.pk),
            )
        )
    except ProviderError as error:
        result = error
    except Exception as error:
        # A fault of ours after the request may have left is no proof that nothing was bought.
        log.exception("Purchase call broke", attempt=str(attempt.pk), provider=provider.slug)
        result = Ambiguous(f"{type(error).__name__} in the adapter")
    note_health(provider, result)
    if isinstance(result, NoStock | PriceTooHigh):
        routing.mark_empty(attempt.offer_id, operator=attempt.operator, max_cost=attempt.max_cost)
    return result, round((time.perf_counter() - started) * 1000)


def _own_refusal(provider: Provider) -> Throttled | None:
    """Why we do not call at all: the breaker lets only its probe through, or our own rate limit is used up."""
    if not health.allows(provider.slug):
        return Throttled("The provider's breaker is open.")
    if not rate_limit.wait_turn(provider, max_wait_s=_BUY_WAIT_S):
        return Throttled("Our own rate limit for this provider is used up.")
    return None


def note_health(provider: Provider, result: object) -> None:
    """Feed the breaker and the low-balance switch from the result of any call."""
    match result:
        case AuthFailed():
            health.trip(provider.slug, _ACCOUNT_FAULT_S, result.code)
            log.error("Provider refuses our key", provider=provider.slug)
        case Suspended():
            health.trip(provider.slug, _ACCOUNT_FAULT_S, result.code)
            log.error("Provider has suspended our account", provider=provider.slug)
        case NoBalance():
            Provider.objects.filter(pk=provider.pk, is_low_on_balance=False).update(is_low_on_balance=True)
            log.error("Provider balance is used up", provider=provider.slug)
        case Ambiguous() | Unreachable():
            health.record_failure(provider.slug, result.code)
        case _:
            health.record_success(provider.slug)
