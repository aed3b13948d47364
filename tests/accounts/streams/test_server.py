"""A real uvicorn with few threads and few connections, and more listeners than it has of either."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection

from tests.accounts.viewers import cookie_of, in_thread
from tests.factories.accounts import UserFactory, record_event

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 4


@dataclass
class Server:
    """One web process."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def threads(self) -> int:
        """How many threads it has."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    async def page(self, path: str) -> tuple[int, float]:
        """Status and seconds of a page."""
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1]), time.perf_counter() - began

    @asynccontextmanager
    async def listen(self, cookie: str) -> AsyncIterator[asyncio.StreamReader]:
        """Open a stream and read up to its greeting."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET /events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        await asyncio.wait_for(reader.readuntil(b"retry: 2000\n\n"), 30)
        yield reader
        writer.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": _database_url(),
        "DATABASE_POOL_SIZE": str(THREADS),
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "namaskah.settings",
        "LOG_FORMAT": "json",
        "REDIS_URL": settings.REDIS_URL,
        "SITE_URL": f"http://127.0.0.1:{port}",
        "WEB_THREADS": str(THREADS),
    }
    command = [sys.executable, "-m", "uvicorn", "namaskah.asgi:application", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--no-access-log", "--log-level", "warning"], env=environment
    ) as process:
        try:
            _wait_for(port)
            yield Server(process, port)
        finally:
            process.kill()


@pytest.mark.parametrize("listeners", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_listeners_hold_neither_threads_nor_connections(server: Server, listeners: int) -> None:
    users = UserFactory.create_batch(listeners)
    cookies = [cookie_of(user) for user in users]

    async def scene() -> None:
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(server.page("/accounts/sign-in/") for _ in range(2 * THREADS)))
            before = server.threads
            streams = [await stack.enter_async_context(server.listen(cookie)) for cookie in cookies]

            pages = await asyncio.gather(*(server.page("/accounts/sign-in/") for _ in range(4 * THREADS)))
            ready = await server.page("/ready")
            events = [await in_thread(record_event, user) for user in (users[0], users[-1])]

            assert {status for status, _ in pages} == {200}
            assert max(seconds for _, seconds in pages) < 3
            assert ready[1] < 3
            assert server.threads - before <= THREADS + 3  # pages', and the few that all streams share
            assert await in_thread(_connections_of_others) <= THREADS + 1  # the pool, and this test
            for stream, event in zip((streams[0], streams[-1]), events, strict=True):
                frame = await asyncio.wait_for(stream.readuntil(b"}\n\n"), 3)
                assert str(event.pk).encode() in frame

    asyncio.run(scene())


def test_server_with_listeners_stops_when_told(server: Server) -> None:
    cookie = cookie_of(UserFactory.create())

    async def scene() -> None:
        async with server.listen(cookie) as stream:
            server.process.send_signal(signal.SIGTERM)
            assert (await asyncio.wait_for(stream.read(), 3)).endswith(b"0\r\n\r\n")

    asyncio.run(scene())

    assert server.process.wait(timeout=5) in (0, -signal.SIGTERM)


def _database_url() -> str:
    params = connection.get_connection_params()
    query = {name: params[name] for name in ("host", "port", "password") if params.get(name)}
    return f"postgres://{params['user']}@/{params['dbname']}?{urlencode(query, safe='/')}"


def _connections_of_others() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server did not start")
