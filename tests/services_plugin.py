"""Starts throw-away PostgreSQL and Valkey for a test session when the environment names none.

Loaded with `-p`, since pytest-django reads the settings before any conftest. The controller starts PostgreSQL, where each
xdist worker makes a database of its own; each worker starts its own Valkey, so that a test may flush it or listen to it
without hearing its neighbours.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Generator

import pytest

from deploy.local.errors import LocalError
from deploy.local.services import ThrowAwayServices

OURS = "NAMASKAH_TEST_SERVICES"  # set by the controller for its workers: the servers are ours, not the developer's

_running: list[ThrowAwayServices] = []


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Run before pytest-django's hook of this name."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        try:
            _start()
        except LocalError as error:
            raise pytest.UsageError(str(error)) from error
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop them; `atexit` is for a session that fails before it is configured."""
    _stop()


def _start() -> None:
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    ours = os.environ.get(OURS, "").split()
    needs_postgres = not is_worker and not (
        os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")
    )
    needs_valkey = (
        "valkey" in ours
        if is_worker
        else not (os.environ.get("REDIS_URL") or os.environ.get("REDIS_URL_FILE"))
    )
    if not (needs_postgres or needs_valkey):
        return
    services = ThrowAwayServices(postgres=needs_postgres, valkey=needs_valkey)
    _running.append(services)
    atexit.register(_stop)
    services.start()
    os.environ.update(services.urls())
    if not is_worker:
        os.environ[OURS] = " ".join(server.name for server in services.all)


def _stop() -> None:
    while _running:
        _running.pop().stop()
