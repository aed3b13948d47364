"""The one HTTP seam: every call to a vendor goes through `send`: bounded in time and size, no redirects, logged redacted."""

from __future__ import annotations

import atexit
import json as jsonlib
import os
import threading
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpcore2
import httpx2
import structlog

from namaskah.lib.http_redaction import redact
from namaskah.lib.http_wire import Deadlines, DeadlineTransport

log = structlog.get_logger(__name__)

_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": "namaskah-sms/1"}
_NOT_MADE = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)


class HttpError(Exception):
    """No usable reply. The text is already redacted."""


class ConnectionNotMade(HttpError):
    """The request never left: nothing can have happened at the other side."""


class NoAnswer(HttpError):
    """The request may have arrived and had its effect; the reply is missing, late, broken or too big."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply as it came: redirects and errors are the caller's to judge. Header names are in lower case."""

    status: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    elapsed_s: float = 0.0

    def json(self) -> Any:
        """Parse the text; numbers with a fraction become `Decimal`.

        Raises:
            ValueError: The text is not JSON, or nested beyond reason.
        """
        try:
            return jsonlib.loads(self.text, parse_float=Decimal, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("JSON is nested too deeply") from None


def send(
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    json: Any = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    connect_timeout_s: float,
    read_timeout_s: float,
    max_bytes: int = 2_000_000,
    secrets: Iterable[str] = (),
) -> Reply:
    """Make one call, once.

    Args:
        data: Sent as a form; `json` as a JSON document, `content` as it is.
        connect_timeout_s: Bounds waiting for a free connection, TCP and TLS together (the name look-up is the system's).
        read_timeout_s: Bounds everything after: sending, waiting and reading to the last byte.
        max_bytes: Largest body taken, after decompression.
        secrets: Strings that must not reach a log line or an exception, wherever they appear.

    Raises:
        ConnectionNotMade: No connection, so no effect.
        NoAnswer: Anything after that; the call may have had its effect.
    """
    started = time.monotonic()
    hidden = tuple(secrets)
    try:
        request = httpx2.Request(
            method,
            url,
            params=params,
            data=data,
            json=json,
            content=content,
            headers={**_HEADERS, **(headers or {})},
            extensions={
                "timeout": {
                    "connect": connect_timeout_s,
                    "pool": connect_timeout_s,
                    "read": None,
                    "write": None,
                }
            },
        )
        status, reply_headers, body = _exchange(
            request, Deadlines(connect_timeout_s, read_timeout_s), max_bytes
        )
    except _NOT_MADE as error:
        raise _failure(ConnectionNotMade, method, url, error, started, hidden) from None
    except (httpx2.HTTPError, httpcore2.ConnectionNotAvailable, zlib.error, _Unusable) as error:
        raise _failure(NoAnswer, method, url, error, started, hidden) from None
    elapsed = time.monotonic() - started
    write = log.debug if status < 400 else log.info
    write(
        "HTTP call",
        method=method,
        host=request.url.netloc.decode("ascii"),
        path=redact(request.url.path, hidden),
        status=status,
        ms=round(elapsed * 1000),
        bytes=len(body),
    )
    return Reply(status, body.decode("utf-8-sig", "replace"), reply_headers, elapsed)


class _Unusable(Exception):
    """A reply that is there but cannot be taken."""


def _exchange(
    request: httpx2.Request, deadlines: Deadlines, max_bytes: int
) -> tuple[int, dict[str, str], bytes]:
    # The transport is called without httpx2's client on top: a client would keep one account's cookies and send them for the
    # next one, and costs half as much again per call.
    with deadlines.running():
        response = _transport().handle_request(request)
        try:
            chunks, size = [], 0
            for chunk in response.stream:  # type: ignore[union-attr]  # sync and async streams share the attribute
                size += len(chunk)
                if size > max_bytes:
                    raise _Unusable(f"reply is larger than {max_bytes} bytes")
                deadlines.check()
                chunks.append(chunk)
        finally:
            response.close()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return (
        response.status_code,
        headers,
        _decoded(b"".join(chunks), headers.get("content-encoding", ""), max_bytes),
    )


def _decoded(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Undo gzip without letting a small body unfold into a large one."""
    if not body or encoding.strip().lower() in {"", "identity"}:
        return body
    if encoding.strip().lower() not in {"gzip", "x-gzip"}:
        raise _Unusable(f"content encoding {encoding[:20]!r} was not asked for")
    decoder = zlib.decompressobj(wbits=31)
    plain = decoder.decompress(body, max_bytes + 1)
    if len(plain) > max_bytes:
        raise _Unusable(f"reply unfolds to more than {max_bytes} bytes")
    if not decoder.eof:
        raise _Unusable("compressed reply is cut short")
    return plain


def _failure(
    kind: type[HttpError], method: str, url: str, error: Exception, started: float, secrets: tuple[str, ...]
) -> HttpError:
    """Log a call without a reply and make its exception; the cause is dropped because it may carry the address with its key."""
    reason = redact(f"{type(error).__name__}: {error}", secrets)
    try:
        parts = httpx2.URL(url)
        host, path = parts.netloc.decode("ascii"), redact(parts.path, secrets)
    except httpx2.InvalidURL:
        host, path = "", ""
    log.info(
        "HTTP call failed",
        method=method,
        host=host,
        path=path,
        outcome=kind.__name__,
        reason=reason,
        ms=round((time.monotonic() - started) * 1000),
    )
    return kind(f"{method} {host}{path}: {reason}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_lock = threading.Lock()
_shared: DeadlineTransport | None = None
_inherited: list[DeadlineTransport] = []


def _transport() -> DeadlineTransport:
    """This process's transport, made at the first call."""
    global _shared
    if _shared is None:
        with _lock:
            if _shared is None:
                _shared = DeadlineTransport()
    return _shared


def close() -> None:
    """Give the idle connections back; the next call makes new ones."""
    global _shared
    with _lock:
        closing, _shared = _shared, None
    if closing is not None:
        closing.close()


def _after_fork() -> None:
    """A child must not talk over its parent's connections; it keeps them unused, since closing TLS would end the parent's."""
    global _shared, _lock
    _lock = threading.Lock()
    if _shared is not None:
        _inherited.append(_shared)
        _shared = None


os.register_at_fork(after_in_child=_after_fork)
atexit.register(close)
