"""The token bucket of a provider."""

from __future__ import annotations

import time
import uuid
from decimal import Decimal

import pytest

from namaskah.lib import shared_memory
from verifications.models import Provider
from verifications.services import rate_limit


@pytest.fixture
def provider() -> Provider:
    """One nobody else calls; two calls a second, three at once."""
    return Provider(slug=f"p-{uuid.uuid4().hex[:12]}", rate_limit_per_s=Decimal(2), burst=3)


def test_the_row_of_the_provider_says_how_fast_it_is_called(provider: Provider) -> None:
    granted = [rate_limit.wait_turn(provider, max_wait_s=0) for _ in range(4)]
    started = time.monotonic()
    assert rate_limit.wait_turn(provider, max_wait_s=2)

    assert granted == [True, True, True, False]
    assert 0.1 < time.monotonic() - started < 1


def test_another_name_is_another_bucket(provider: Provider) -> None:
    lists = f"{provider.slug}:lists"
    assert rate_limit.wait_for(lists, rate_per_s=0.1, burst=1, max_wait_s=0)

    assert not rate_limit.wait_for(lists, rate_per_s=0.1, burst=1, max_wait_s=0)
    assert rate_limit.wait_turn(provider, max_wait_s=0)


def test_the_keys_stay_those_of_earlier_versions(provider: Provider) -> None:
    rate_limit.wait_turn(provider, max_wait_s=0)

    assert shared_memory.client().exists(f"namaskah:provider:bucket:{provider.slug}")
