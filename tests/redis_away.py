"""A Redis that is not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from namaskah.lib import shared_memory


@pytest.fixture
def redis_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where Redis should be."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(shared_memory, "_away_until", 0.0)
    monkeypatch.setattr(shared_memory, "_reported_at", 0.0)
    yield
    shared_memory._away_until = 0.0
