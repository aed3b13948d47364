"""One port, three ways in: streams, webhooks and pages each have their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from namaskah import asgi


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/events/stream", "_streams"),
        ("/webhooks/paystack", "_webhooks"),
        ("/webhooks/providers/x/secret", "_webhooks"),
        ("/", "_pages"),
        ("/wallet/", "_pages"),
        ("/webhooks", "_pages"),
    ],
)
def test_each_path_goes_its_own_way(monkeypatch: pytest.MonkeyPatch, path: str, way: str) -> None:
    taken: list[str] = []

    def take(name: str) -> Any:
        async def handle(*_: Any) -> None:
            taken.append(name)

        return handle

    for name in ("_streams", "_webhooks", "_pages"):
        monkeypatch.setattr(asgi, name, take(name))

    asyncio.run(asgi.application({"type": "http", "path": path}, None, None))  # type: ignore[arg-type]

    assert taken == [way]
