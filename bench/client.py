"""A small HTTP/1.1 client on asyncio streams. It shares two cores with what it measures, so it does as little as it can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import quote_plus

Headers = Mapping[str, str]
READ_LIMIT = 4 * 1024 * 1024


class BadAnswer(Exception):
    """The server closed the connection or did not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Connection:
    """One keep-alive connection to 127.0.0.1; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop it; the next request opens a new one."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def request(
        self, method: str, path: str, *, headers: Headers | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request and read its whole answer.

        Raises:
            BadAnswer: The connection broke; it is closed.
        """
        started = time.perf_counter()
        try:
            reader = await self.send(method, path, headers=headers, body=body)
            status, answer_headers = await read_head(reader)
            content = b"" if status in {204, 304} else await _read_body(reader, answer_headers)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            self.close()
            raise BadAnswer(f"{method} {path}: {type(error).__name__}") from error
        if answer_headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, answer_headers, content, time.perf_counter() - started)

    async def send(
        self, method: str, path: str, *, headers: Headers | None = None, body: bytes = b""
    ) -> asyncio.StreamReader:
        """Send one request and leave the answer to the caller, who may follow a stream that does not end."""
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()  # uvicorn ends a connection that was idle for five seconds
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1", self._port, limit=READ_LIMIT
            )
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write("\r\n".join([*lines, "\r\n"]).encode() + body)
        await self._writer.drain()
        return self._reader


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {}
    for line in head[1:-2]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(head[0].split(" ", 2)[1]), headers


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """One chunk of a chunked body; empty at its end."""
    size = int(await reader.readuntil(b"\r\n"), 16)
    chunk = await reader.readexactly(size + 2)
    return chunk[:size]


async def _read_body(reader: asyncio.StreamReader, headers: Headers) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunks = []
        while chunk := await read_chunk(reader):
            chunks.append(chunk)
        return b"".join(chunks)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read()


def form(fields: Mapping[str, str]) -> bytes:
    """A form body."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items()).encode()
