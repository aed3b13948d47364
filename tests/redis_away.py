"""A Redis that is not there, and one that is there and does not answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings as project_settings
from pytest_django import Settings

from deploy.local.services import ThrowAwayServices
from namaskah.lib import redis_pause, shared_memory


@pytest.fixture
def redis_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where Redis should be."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(shared_memory, "_away_until", 0.0)
    monkeypatch.setattr(shared_memory, "_reported_at", 0.0)
    yield
    shared_memory._away_until = 0.0


@dataclass(frozen=True)
class Hangable:
    """A Redis of one test's own, which can be held."""

    url: str
    pid: int

    def hang(self) -> None:
        """Let it answer nothing, while connections to it still open."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again, also what was asked meanwhile."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def pause(self) -> redis_pause.Pause:
        """What the product remembers of it."""
        return redis_pause.pause_of(self.url.removeprefix("unix://").split("?")[0])


@pytest.fixture(scope="session")
def _another_redis() -> Iterator[Hangable]:
    with ThrowAwayServices(postgres=False) as services:
        assert services.valkey is not None
        assert services.valkey.pid is not None
        yield Hangable(services.valkey.url(), services.valkey.pid)


@pytest.fixture
def hangable(
    _another_redis: Hangable, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hangable]:
    """The product's Redis is one that a test may hold; it goes on afterwards."""
    settings.REDIS_URL = _another_redis.url
    settings.CACHES = {"default": {**project_settings.CACHES["default"], "LOCATION": _another_redis.url}}
    monkeypatch.setattr(shared_memory, "_away_until", 0.0)
    monkeypatch.setattr(shared_memory, "_reported_at", 0.0)
    monkeypatch.setattr(_another_redis.pause, "_until", 0.0)
    yield _another_redis
    _another_redis.go_on()
