"""Paystack's side of the wire in tests: an HTTP server that gives the answers it was handed, and keeps what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PAYLOADS = Path(__file__).parents[2] / "payloads" / "paystack"


def payload(name: str) -> Any:
    """A recorded answer."""
    return json.loads((PAYLOADS / f"{name}.json").read_text())


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


Answer = Callable[[BaseHTTPRequestHandler], None]


def says(document: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    return says_text(json.dumps(document), status, **{"content_type": "application/json", **headers})


def says_text(text: str, status: int = 200, **headers: str) -> Answer:
    """An answer of any text; header names with underscores."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = text.encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def resets(handler: BaseHTTPRequestHandler) -> None:
    """No answer: the connection breaks."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def stays_silent(handler: BaseHTTPRequestHandler) -> None:
    """No answer for longer than anybody waits."""
    threading.Event().wait(1.5)
    handler.close_connection = True


@dataclass
class FarSide:
    """Answers in their order; the last one again and again."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def will(self, *answers: Answer) -> None:
        self.answers[:] = answers

    def will_say(self, *names: str) -> None:
        """Answer with recorded payloads."""
        self.will(*(says(payload(name)) for name in names))

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving() -> Iterator[FarSide]:
    """A far side on a loopback port."""
    far = FarSide()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            far.asked.append(Asked(self.command, self.path, headers, body))
            with suppress(OSError):
                far.next_answer()(self)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the base class looks for these names

        def log_message(self, format: str, *args: object) -> None:
            """Silence: the tests read what arrived from `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    far.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield far
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
