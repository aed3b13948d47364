"""The stand-in as a process of its own: real sockets, real webhooks, a real clock."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from sandbox.paystack.outbox import sign
from sandbox.testing import running_sandbox

KEY = "sk_test_over_http"


class Shop(ThreadingHTTPServer):
    """The merchant's side: keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[str, str, bytes]] = []
        self.came = threading.Event()

    def wait(self) -> tuple[str, str, bytes]:
        assert self.came.wait(10), "no webhook came"
        return self.taken[-1]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Shop)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((self.path, self.headers["x-paystack-signature"], body))
        self.send_response(200)
        self.end_headers()
        self.server.came.set()

    def log_message(self, format: str, *args: object) -> None:
        """Tests need no access log."""


@pytest.fixture(scope="module")
def open_shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def base_url(open_shop: Shop) -> Iterator[str]:
    hook = f"http://127.0.0.1:{open_shop.server_port}/webhooks/paystack"
    with running_sandbox(env={"SANDBOX_PAYSTACK_WEBHOOK_URL": hook, "SANDBOX_PAYSTACK_KEY": ""}) as url:
        yield url


@pytest.fixture
def shop(open_shop: Shop) -> Shop:
    open_shop.taken.clear()
    open_shop.came.clear()
    return open_shop


@pytest.fixture
def http(base_url: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx2.Client(base_url=base_url, timeout=10, trust_env=False, headers=headers) as client:
        client.post("/_sandbox/reset").raise_for_status()
        yield client


def initialize(http: httpx2.Client) -> str:
    body = {"email": "ada@example.com", "amount": 500_000, "currency": "NGN", "reference": "nm-t-1"}
    return str(http.post("/paystack/transaction/initialize", json=body).json()["data"]["authorization_url"])


def test_customer_pays_and_shop_is_told_over_the_network(http: httpx2.Client, shop: Shop) -> None:
    url = initialize(http)
    assert url.startswith(f"{http.base_url}".rstrip("/") + "/paystack/checkout/")

    assert http.post(url, data={"action": "pay-card", "card": "visa"}).status_code == 200

    path, signature, body = shop.wait()
    assert path == "/webhooks/paystack"
    assert signature == sign(KEY, body)
    assert json.loads(body)["data"]["reference"] == "nm-t-1"


def test_planned_transfer_is_told_by_the_clock_on_the_wall(http: httpx2.Client, shop: Shop) -> None:
    http.post("/_sandbox/config", json={"vendor": "paystack", "bank_transfer_s": 0.3})
    http.post(initialize(http), data={"action": "bank-transfer"})
    assert shop.taken == []

    shop.wait()

    assert len(shop.taken) == 1


def test_lost_answers_are_lost_for_real_clients(http: httpx2.Client) -> None:
    body = {"email": "ada@example.com", "amount": 500_000, "reference": "nm-t-1"}
    for fault, error in (
        ("connection_reset", (httpx2.ReadError, httpx2.RemoteProtocolError)),
        ("timeout_before", (httpx2.ReadTimeout,)),
        ("timeout_after", (httpx2.ReadTimeout,)),
    ):
        http.post("/_sandbox/config", json={"vendor": "paystack", "fault_rate": 1, "faults": [fault]})
        made = {**body, "reference": f"nm-t-{fault.replace('_', '-')}"}
        with pytest.raises(error):
            http.post("/paystack/transaction/initialize", json=made, timeout=0.3)

    rows = http.get("/_sandbox/state?vendor=paystack").json()["paystack"]["transactions"]
    assert [row["reference"] for row in rows] == ["nm-t-timeout-after"]


def test_thousands_of_payments_are_listed_quickly(http: httpx2.Client) -> None:
    http.post("/_sandbox/paystack/bulk", json={"count": 20_000, "paid": True}).raise_for_status()

    started = time.perf_counter()
    rows = http.get("/paystack/transaction?use_cursor=true&perPage=100").json()["data"]
    elapsed = time.perf_counter() - started

    assert len(rows) == 100
    assert elapsed < 1
