"""The bed a benchmark lies in: PostgreSQL and Valkey of its own, a fresh database for each, no trace of it afterwards."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

import psycopg
import redis

from deploy.local.environment import ROOT
from deploy.local.manage import manage
from deploy.local.services import ThrowAwayServices
from deploy.local.system import spawn
from sandbox.testing import free_port

TEMPLATE = "namaskah"  # the database the services come with: migrated once, copied for each benchmark
STOP_PATIENCE_S = 15.0


class Bed:
    """Servers with the durability of production (every commit reaches the disk) that are thrown away all the same."""

    def __init__(self) -> None:
        self._services = ThrowAwayServices()
        for server in self._services.all:
            server.durable = True
        self.directory = Path(tempfile.mkdtemp(prefix="namaskah-bench-"))
        self._key = secrets.token_urlsafe(64)
        self._data_key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self._paystack_key = f"sk_test_{secrets.token_hex(20)}"

    def start(self) -> None:
        """Start the servers and prepare the database that is copied."""
        self._services.start()
        env = self.environment(TEMPLATE)
        manage(env, "migrate", "--no-input", "--verbosity", "0")
        manage(env, "load_catalogue")
        manage(env, "collectstatic", "--no-input", "--verbosity", "0")

    def stop(self) -> None:
        """Stop the servers and remove every file."""
        self._services.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self, database: str) -> dict[str, str]:
        """A production-like environment: no DEBUG, JSON logs, hashed static files."""
        urls = self._services.urls()
        port, sandbox_port = free_port(), free_port()
        sandbox_url = f"http://127.0.0.1:{sandbox_port}"
        return {
            **{
                name: value
                for name, value in os.environ.items()
                if name in {"PATH", "HOME", "LANG", "TMPDIR"}
            },
            "ALLOWED_HOSTS": "127.0.0.1,testserver",
            "DATA_KEYS": self._data_key,
            "DATABASE_URL": re.sub(r"/[a-z_]+\?", f"/{database}?", urls["DATABASE_URL"]),
            "DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "namaskah.settings",
            "EMAIL_URL": "dummymail://",
            "EXCHANGE_RATE_URL": f"{sandbox_url}/rates/latest",
            "PAYSTACK_BASE_URL": f"{sandbox_url}/paystack",
            "PAYSTACK_CHECKOUT_ORIGINS": sandbox_url,
            "PAYSTACK_SECRET_KEY": self._paystack_key,
            "PAYSTACK_WEBHOOK_ADDRESSES": "127.0.0.1",
            "PORT": str(port),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            "REDIS_URL": urls["REDIS_URL"],
            "SANDBOX_API_KEY": "sandbox-bench",
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_URL": sandbox_url,
            "SECRET_KEY": self._key,
            "SITE_URL": f"http://127.0.0.1:{port}",
            "STATIC_ROOT": str(self.directory / "static"),
            "VAR_DIR": str(self.directory),
        }

    def run(self, name: str, settings: Mapping[str, str], *, quick: bool) -> str:
        """Run one benchmark in a process and a database of its own; returns its result as JSON.

        Raises:
            RuntimeError: It ended with an error, which it has printed.
        """
        database = f"bench_{name}"
        self._clean(database, create=True)
        output = self.directory / f"{name}.json"
        command = [sys.executable, "-m", "bench.child", name, str(output), *(["--quick"] if quick else [])]
        env = {**self.environment(database), **settings}
        child = spawn(command, env=env, cwd=ROOT, stdout=sys.stdout.fileno())
        try:
            if child.wait():
                raise RuntimeError(
                    f"The benchmark {name!r} ended with an error (exit code {child.returncode})."
                )
            return output.read_text()
        finally:
            _end(child)
            self._clean(database, create=False)

    def _clean(self, database: str, *, create: bool) -> None:
        url = self._services.urls()["DATABASE_URL"].replace(f"/{TEMPLATE}?", "/postgres?")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)".encode())
            if create:
                connection.execute(f"CREATE DATABASE {database} TEMPLATE {TEMPLATE}".encode())
                connection.execute("CHECKPOINT")  # the writing of the copy is not the benchmark's
        redis.Redis.from_url(self._services.urls()["REDIS_URL"]).flushall()


def _end(child: subprocess.Popen[bytes]) -> None:
    """Whatever it has started is tied to its life by the kernel."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
