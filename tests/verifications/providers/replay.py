"""A vendor that says what a test tells it to: adapters run whole, only the socket is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from namaskah.lib import http

PAYLOADS = Path(__file__).parents[2] / "payloads"


def payload(name: str) -> str:
    """A recorded reply, e.g. `handler/number.txt`."""
    return (PAYLOADS / name).read_text(encoding="utf-8")


@dataclass
class Call:
    """One call an adapter made."""

    method: str
    url: str
    params: Mapping[str, str]
    data: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def action(self) -> str:
        return self.params.get("action", "") or self.data.get("action", "")


@dataclass
class Vendor:
    """Replies in the order given; the last one is repeated."""

    replies: list[http.Reply | http.HttpError] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def says(self, text: str, status: int = 200, **headers: str) -> Vendor:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.append(http.Reply(status, text, named))
        return self

    def plays(self, name: str, status: int = 200) -> Vendor:
        return self.says(payload(name), status)

    def fails(self, error: http.HttpError) -> Vendor:
        self.replies.append(error)
        return self

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> http.Reply:
        self.calls.append(Call(method, url, params or {}, data or {}, headers or {}))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, http.HttpError):
            raise reply
        return reply


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """Stands behind `namaskah.lib.http.send`."""
    replaying = Vendor()
    monkeypatch.setattr(http, "send", replaying.send)
    return replaying
