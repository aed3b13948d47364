"""`/health` and `/ready`, each part failing for real."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from celery.signals import before_task_publish
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django import Settings

from namaskah import health, tasks

ALL_WELL = {name: {"status": "ok"} for name in ("database", "redis", "migrations", "worker", "beat")}


@pytest.fixture
def _beating() -> None:
    cache.clear()
    health._heard.clear()
    tasks.beat_heart("worker")
    tasks.beat_heart("beat")


def test_health_asks_nobody(client: Client) -> None:
    answer = client.get("/health")  # pytest-django refuses the database here

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.usefixtures("_beating")
def test_ready_when_all_five_are_well(client: Client) -> None:
    answer = client.get("/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "checks": ALL_WELL})


@pytest.mark.django_db
@pytest.mark.usefixtures("_beating")
@pytest.mark.parametrize("name", ["worker", "beat"])
@pytest.mark.parametrize("age_s", [46, None], ids=["silent for long", "never heard"])
def test_silent_worker_or_beat_is_not_ready(
    client: Client, name: str, age_s: int | None, settings: Settings
) -> None:
    assert settings.HEARTBEAT_MAX_AGE_S == 45
    if age_s is None:
        cache.delete(tasks.KEYS[name])
    else:
        cache.set(tasks.KEYS[name], time.time() - age_s)

    answer = client.get("/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "checks": {**ALL_WELL, name: {"status": "silent"}}}


@pytest.mark.django_db
@pytest.mark.usefixtures("_beating")
def test_emptied_redis_does_not_make_the_living_look_dead(client: Client) -> None:
    client.get("/ready")
    cache.clear()

    assert client.get("/ready").status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("_beating")
def test_redis_away_is_not_ready(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = client.get("/ready")

    assert (answer.status_code, answer.json()["checks"]["redis"]) == (503, {"status": "down"})
    assert answer.json()["checks"]["database"] == {"status": "ok"}


@pytest.mark.django_db
@pytest.mark.usefixtures("_beating")
def test_pending_migration_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_newest_migrations", lambda: frozenset({("accounts", "9999_next_year")}))

    answer = client.get("/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {**ALL_WELL, "migrations": {"status": "pending"}}


@pytest.mark.django_db
@pytest.mark.usefixtures("_beating")
def test_database_away_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"host": "127.0.0.1", "port": 1, "user": "nobody", "dbname": "nothing"}
    monkeypatch.setattr(connection, "get_connection_params", lambda: params)

    answer = client.get("/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        **ALL_WELL,
        "database": {"status": "down"},
        "migrations": {"status": "down"},
    }


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        yield hole.getsockname()[1]


@pytest.mark.django_db
@pytest.mark.usefixtures("_beating")
def test_silence_is_not_waited_for(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, black_hole: int
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{black_hole}/0"
    params = {"host": "127.0.0.1", "port": black_hole, "user": "nobody", "dbname": "nothing"}
    monkeypatch.setattr(connection, "get_connection_params", lambda: params)
    began = time.monotonic()

    answer = client.get("/ready")

    assert answer.status_code == 503
    assert time.monotonic() - began < 4 * health.TIMEOUT_S


def test_beat_writes_its_own_heartbeat_when_it_sends_the_task() -> None:
    cache.clear()
    tasks._follow_beat()
    try:
        before_task_publish.send(sender="another.task")
        assert cache.get(tasks.KEYS["beat"]) is None
        before_task_publish.send(sender=tasks.HEARTBEAT)
        assert time.time() - cache.get(tasks.KEYS["beat"]) < 2
        assert cache.get(tasks.KEYS["worker"]) is None
    finally:
        before_task_publish.disconnect(tasks._on_publish, sender=tasks.HEARTBEAT)


def test_worker_writes_its_heartbeat_when_it_runs_the_task() -> None:
    cache.clear()

    tasks.heartbeat()

    assert time.time() - cache.get(tasks.KEYS["worker"]) < 2
    assert cache.get(tasks.KEYS["beat"]) is None


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_real_worker_and_beat_are_heard_also_after_redis_was_emptied(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    cache.clear()
    health._heard.clear()
    assert client.get("/ready").status_code == 503

    with ExitStack() as stack:
        for command in (["worker", "-P", "threads", "-c", "2"], ["beat", "-s", str(tmp_path / "schedule")]):
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "namaskah", *command, "-l", "warning"],
                env=_environment(settings),
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        assert _checks_within(client, 40) == ALL_WELL

        cache.clear()
        health._heard.clear()
        assert _checks_within(client, 15) == ALL_WELL


def _checks_within(client: Client, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (checks := client.get("/ready").json()["checks"]) != ALL_WELL and time.monotonic() < deadline:
        time.sleep(0.5)
    return dict(checks)


def _environment(settings: Settings) -> dict[str, str]:
    params = connection.get_connection_params()
    query = {name: params[name] for name in ("host", "port", "password") if params.get(name)}
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{params['user']}@/{params['dbname']}?{urlencode(query, safe='/')}",
        "DJANGO_SETTINGS_MODULE": "namaskah.settings",
        "REDIS_URL": settings.REDIS_URL,
    }
