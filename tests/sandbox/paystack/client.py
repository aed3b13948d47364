"""A merchant, its customers and its webhook receiver, around one sandbox inside the test process."""

from __future__ import annotations

import json
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from sandbox.app import create_app

KEY = "sk_test_0123456789abcdef"
CALLBACK = "https://shop.example/wallet/top-up/return/"
CANCELLED = "https://shop.example/wallet/top-up/cancelled/"


class Receiver:
    """Takes webhooks in the place of the network; `answers` are used up first, then `answer`."""

    def __init__(self) -> None:
        self.answer: int | None = 200
        self.answers: list[int | None] = []
        self.taken: list[tuple[bytes, str]] = []

    async def carry(self, url: str, body: bytes, headers: dict[str, str]) -> int | None:
        self.taken.append((body, headers["x-paystack-signature"]))
        return self.answers.pop(0) if self.answers else self.answer

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for body, _ in self.taken]

    @property
    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.taken[-1][0])
        return found


class Merchant:
    """Calls the API with the merchant's key and does what customers do."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.http = TestClient(
            create_app(carrier=self.receiver), client=("127.0.0.1", 50_000), follow_redirects=False
        )
        self._made = 0

    def call(self, method: str, path: str, *, key: str = KEY, **options: Any) -> Response:
        return self.http.request(
            method, f"/paystack/{path}", headers={"Authorization": f"Bearer {key}"}, **options
        )

    def get(self, path: str, **params: Any) -> Any:
        """`data` of a call that succeeds."""
        return self._data(self.call("GET", path, params=params))

    def post(self, path: str, **body: Any) -> Any:
        return self._data(self.call("POST", path, json=body))

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Status and message of a call that fails."""
        reply = self.call(method, path, **options)
        assert reply.json()["status"] is False
        return reply.status_code, reply.json()["message"]

    def open(self, reference: str = "", **changes: Any) -> str:
        """Initialize a payment; returns its reference."""
        self._made += 1
        body = {
            "email": "ada@example.com",
            "amount": 500_000,
            "currency": "NGN",
            "reference": reference or f"nm-t-{self._made}",
            "callback_url": CALLBACK,
            "metadata": {"intent": "x", "cancel_action": CANCELLED},
        } | changes
        return str(self.post("transaction/initialize", **body)["reference"])

    def pay(self, reference: str = "", **how: Any) -> str:
        """A payment that went as told, by default well."""
        reference = reference or self.open()
        self.control(f"payments/{reference}", **({"outcome": "success"} | how))
        return reference

    def verify(self, reference: str) -> Any:
        return self.get(f"transaction/verify/{reference}")

    def press(self, reference: str, button: str, **fields: str) -> Response:
        """Come to the checkout and press a button."""
        code = next(row for row in self.rows("transactions") if row["reference"] == reference)["access_code"]
        return self.http.post(f"/paystack/checkout/{code}", data={"action": button, **fields})

    def control(self, path: str, **payload: Any) -> Any:
        reply = self.http.post(f"/_sandbox/{path}", json=payload)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def configure(self, **payload: Any) -> None:
        self.control("config", vendor="paystack", **payload)

    def advance(self, seconds: float) -> None:
        self.control("clock", advance_s=seconds)

    def flush(self) -> None:
        self.control("paystack/flush")

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/_sandbox/state?vendor=paystack").json()["paystack"]
        return found

    def rows(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.state()[name]
        return rows

    def _data(self, reply: Response) -> Any:
        assert reply.status_code == 200, reply.text
        body = reply.json()
        assert body["status"] is True
        return body.get("data")
