"""A browser's side of `/events/stream`, against the ASGI application in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, ParamSpec, Self, TypeVar

from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.streams import reads
from namaskah.asgi import application

P = ParamSpec("P")
R = TypeVar("R")


def cookie_of(user: User) -> str:
    """Sign in and give the session's cookie."""
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Use the database from a test's event loop, leaving no connection behind."""
    return await reads.in_thread(reads.newcomers, function, *args, **kwargs)


class Viewer:
    """One open stream, as an async context manager."""

    def __init__(
        self,
        cookie: str = "",
        *,
        query: str = "",
        method: str = "GET",
        host: str = "testserver",
        **headers: str,
    ) -> None:
        fields = {"host": host, "cookie": cookie, **headers}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": "/events/stream",
            "raw_path": b"/events/stream",
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self._application = ApplicationCommunicator(application, scope)
        self.status = 0
        self.headers: dict[str, str] = {}
        self.raw: list[str] = []

    async def __aenter__(self) -> Self:
        await self._application.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await self._application.receive_output(5)
        self.status = start["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        if self.status == 200:
            await self.chunk()  # the listener has joined once it is greeted
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._application.send_input({"type": "http.disconnect"})
        await self._application.wait(5)

    async def chunk(self, timeout: float = 3) -> str | None:
        """The next piece of the body, `None` at its end."""
        message = await self._application.receive_output(timeout)
        if not message.get("body") and not message.get("more_body"):
            return None
        self.raw.append(message["body"].decode())
        return self.raw[-1]

    async def event(self, timeout: float = 3) -> dict[str, Any]:
        """The next event's data; heartbeats and hints are passed over."""
        async with asyncio.timeout(timeout):
            while (chunk := await self.chunk(timeout)) is not None:
                if chunk.startswith("id:"):
                    return dict(json.loads(chunk.split("data: ", 1)[1]))
        raise AssertionError("the stream ended")

    async def end(self, timeout: float = 3) -> list[str]:
        """Wait for the server to end the stream; gives what came before."""
        chunks: list[str] = []
        while (chunk := await self.chunk(timeout)) is not None:
            chunks.append(chunk)
        return chunks

    async def is_silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        return bool(await self._application.receive_nothing(seconds))
