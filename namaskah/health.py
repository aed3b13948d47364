"""`/health`: this process answers. `/ready`: and so does everything an order needs."""

from __future__ import annotations

import time
from functools import cache as remember

import psycopg
import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from namaskah.tasks import KEYS

log = structlog.get_logger(__name__)

OK, DOWN, PENDING, SILENT = "ok", "down", "pending", "silent"
TIMEOUT_S = 2
NOT_LIBPQ = frozenset(
    {"context", "cursor_factory", "isolation_level", "pool", "prepare_threshold", "server_side_binding"}
)
_heard: dict[str, float] = {}


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """Answer without asking anybody."""
    return JsonResponse({"status": OK})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when all five are well, else 503: without worker and beat no code would arrive, so they matter as much."""
    database, migrations = _database()
    redis = _redis()
    checks = {
        "database": database,
        "redis": redis,
        "migrations": migrations,
        "worker": _heartbeat("worker"),
        "beat": _heartbeat("beat"),
    }
    is_ready = all(status == OK for status in checks.values())
    if not is_ready:
        log.warning("Not ready", **{name: status for name, status in checks.items() if status != OK})
    response = JsonResponse(
        {
            "status": OK if is_ready else "unavailable",
            "checks": {name: {"status": status} for name, status in checks.items()},
        },
        status=200 if is_ready else 503,
    )
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log an error for each 503
    return response


def _database() -> tuple[str, str]:
    """Whether PostgreSQL answers, and whether its tables are those of this code.

    On a connection of its own, since the pool's patience is longer than ours.
    """
    params = {key: value for key, value in connection.get_connection_params().items() if key not in NOT_LIBPQ}
    try:
        with psycopg.connect(**params, connect_timeout=TIMEOUT_S, autocommit=True) as direct:
            direct.execute(f"SET statement_timeout = {TIMEOUT_S * 1000}")
            applied = {(app, name) for app, name in direct.execute("SELECT app, name FROM django_migrations")}
    except psycopg.errors.UndefinedTable:
        return OK, PENDING
    except psycopg.Error:
        return DOWN, DOWN
    return OK, OK if _newest_migrations() <= applied else PENDING


@remember
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of each app, as the code on disk has them."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _redis() -> str:
    """Whether Redis answers; if so, take note of the heartbeats in it."""
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S
        ) as redis:
            redis.ping()
    except (RedisError, OSError):
        return DOWN
    for name, key in KEYS.items():
        _heard[name] = max(cache.get(key) or 0.0, _heard.get(name, 0.0))
    return OK


def _heartbeat(name: str) -> str:
    """Whether worker or beat was heard lately. What this process has heard counts, also after Redis was emptied."""
    return OK if time.time() - _heard.get(name, 0.0) <= settings.HEARTBEAT_MAX_AGE_S else SILENT
