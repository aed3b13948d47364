"""httpx2's transport with deadlines for the whole exchange.

httpx2 has time-outs per socket operation only: a server that sends one byte now and then holds the caller for ever. Here
every operation gets what is left of its phase. The phases belong to the calling thread, which is also the one that performs
every operation of its exchange.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2

MAX_CONNECTIONS = 128
MAX_IDLE = 64
# Below the five seconds after which many servers hang up: a purchase sent over a connection that is being closed would be
# in doubt for no reason.
KEEP_ALIVE_S = 4.0

_current = threading.local()
_SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Deadlines:
    """The two phases of one exchange: making the connection, then everything else."""

    def __init__(self, connect_timeout_s: float, read_timeout_s: float) -> None:
        self.connect_by = time.monotonic() + connect_timeout_s
        self.read_timeout_s = read_timeout_s
        self.answer_by: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Bind this thread's socket operations to these deadlines."""
        _current.deadlines = self
        try:
            yield
        finally:
            _current.deadlines = None

    def connecting(self) -> float:
        """Seconds left to connect."""
        return _left(self.connect_by, httpcore2.ConnectTimeout)

    def sending(self) -> float:
        """Seconds left to send; the first byte starts the second phase."""
        if self.answer_by is None:
            self.answer_by = time.monotonic() + self.read_timeout_s
        return _left(self.answer_by, httpcore2.WriteTimeout)

    def reading(self) -> float:
        """Seconds left to read."""
        return _left(self.answer_by or time.monotonic() + self.read_timeout_s, httpcore2.ReadTimeout)

    def check(self) -> None:
        """Raise when the time to read is over; bytes that arrived together are not delayed by the socket."""
        if self.answer_by is not None and time.monotonic() > self.answer_by:
            raise httpx2.ReadTimeout("the reply took too long")


def _left(until: float, late: type[httpcore2.TimeoutException]) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise late("deadline passed")
    return left


class DeadlineTransport(httpx2.HTTPTransport):
    """HTTP/1.1 with a keep-alive pool, no proxies and no redirects; the environment only says where certificates are."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        # HTTPTransport has no parameter for the network backend, and its pool is the place where one goes.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_IDLE,
            keepalive_expiry=KEEP_ALIVE_S,
            retries=0,
            network_backend=_Backend(),
        )


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _deadlines().reading())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _deadlines().sending())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _deadlines().connecting()))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try each address of the host within one deadline; the standard backend gives each the whole time-out."""
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"cannot look up {host}: {error}") from None
        failure: httpcore2.ConnectError | httpcore2.ConnectTimeout | None = None
        for *_, address in addresses:
            left = _deadlines().connecting()
            try:
                return _Stream(
                    super().connect_tcp(str(address[0]), port, left, local_address, socket_options)
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")


def _deadlines() -> Deadlines:
    current: Deadlines | None = getattr(_current, "deadlines", None)
    if current is None:
        raise RuntimeError("a socket was used outside an exchange")
    return current
