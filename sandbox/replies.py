"""Answers as plain values, and the pages that gateways put in front of them."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.types import Send

TEXT = b"text/plain; charset=utf-8"
JSON = b"application/json"
HTML = b"text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; `hang` keeps the client waiting before it is sent."""

    body: bytes = b""
    status: int = 200
    content_type: bytes = TEXT
    headers: tuple[tuple[bytes, bytes], ...] = ()
    hang: bool = False


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def quoted(text: str | None) -> str:
    """A JSON string, or null; for rows that are put together by hand because they are many."""
    return "null" if text is None else json.dumps(text, ensure_ascii=False)


async def send_reply(send: Send, reply: Reply) -> None:
    """Put an answer on the wire."""
    body = reply.body
    headers = [(b"content-length", b"%d" % len(body)), *reply.headers]
    if reply.status != 204:
        headers.append((b"content-type", reply.content_type))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


BLOCK_PAGE = Reply(
    b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head>"
    b"<body><h1>Checking your browser before accessing this site</h1></body></html>\n",
    content_type=HTML,
)
UNAVAILABLE = Reply(
    b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n"
    b"<body><center><h1>503 Service Temporarily Unavailable</h1></center></body>\r\n</html>\r\n",
    status=503,
    content_type=HTML,
)
BAD_GATEWAY = Reply(
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n",
    status=502,
    content_type=HTML,
)
ELSEWHERE = Reply(status=302, content_type=HTML, headers=((b"location", b"/elsewhere"),))
