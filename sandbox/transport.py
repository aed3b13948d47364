"""Closing a connection in the client's face, which ASGI itself has no word for."""

import asyncio
import socket
import struct

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_open: dict[tuple[str, int], asyncio.Transport] = {}
_NO_LINGER = struct.pack("ii", 1, 0)


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, remembering which transport belongs to which client address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _open.pop(self.client, None)
        super().connection_lost(exc)


async def reset_connection(scope: Scope, receive: Receive) -> None:
    """Send a TCP reset instead of an answer and wait until the connection is gone.

    Raises:
        ConnectionResetError: There is no connection, because the application runs inside a test client.
    """
    transport = _open.get(tuple(scope["client"])) if scope["client"] else None
    if transport is None:
        raise ConnectionResetError("connection reset by the sandbox")
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Without this the kernel closes politely and some clients take it for an empty answer.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
