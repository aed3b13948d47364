"""How fast each provider may be called: a token bucket of its own, shared by all processes."""

from __future__ import annotations

from namaskah.lib import token_bucket
from verifications.models import Provider

_AREA = "provider"


def wait_turn(provider: Provider, *, max_wait_s: float) -> bool:
    """Wait for a provider's next token by the limits of its row; False when `max_wait_s` is not enough."""
    return wait_for(
        provider.slug,
        rate_per_s=float(provider.rate_limit_per_s),
        burst=provider.burst,
        max_wait_s=max_wait_s,
    )


def wait_for(provider_slug: str, *, rate_per_s: float, burst: float, max_wait_s: float) -> bool:
    """Wait for a token of a named bucket; False when `max_wait_s` is not enough."""
    return token_bucket.wait_for(
        _AREA, provider_slug, rate_per_s=rate_per_s, burst=burst, max_wait_s=max_wait_s
    )
