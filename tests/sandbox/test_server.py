"""The sandbox as a process of its own, over real sockets."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from sandbox.testing import free_port, running_sandbox

ROOT = Path(__file__).parents[2]
BUY = "/stubs/handler_api.php?api_key=sandbox-1&action=getNumber&service=wa&country=6"
STATUS = "/stubs/handler_api.php?api_key=sandbox-1&action=getStatus&id=1"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture
def http(base_url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=base_url, timeout=10, trust_env=False) as client:
        client.post("/_sandbox/reset").raise_for_status()
        yield client


def sold(http: httpx2.Client) -> int:
    return int(http.get("/_sandbox/state?orders=0").json()["vendors"]["handler"]["counters"]["sold"])


def start(port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_connection_reset_is_a_protocol_error_for_clients(http: httpx2.Client) -> None:
    http.post("/_sandbox/config", json={"fault_rate": 1, "faults": ["connection_reset"]})

    with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
        http.get(BUY)

    http.post("/_sandbox/config", json={"fault_rate": 0})
    assert http.get(BUY).text.startswith("ACCESS_NUMBER:")
    assert sold(http) == 1


def test_client_gives_up_on_hanging_buy_that_was_committed(http: httpx2.Client) -> None:
    with pytest.raises(httpx2.ReadTimeout):
        http.get(BUY.replace("=wa", "=buys_then_times_out"), timeout=0.3)

    assert sold(http) == 1


def test_huge_body_can_be_cut_off_by_client(http: httpx2.Client) -> None:
    http.post("/_sandbox/config", json={"fault_rate": 1, "faults": ["huge_body"]})

    size = 0
    with http.stream("GET", STATUS) as reply:
        for chunk in reply.iter_bytes():
            size += len(chunk)
            if size > 2**20:
                break
    http.post("/_sandbox/config", json={"fault_rate": 0})

    assert http.get(STATUS).text == "NO_ACTIVATION"


def test_ten_thousand_open_orders_are_listed_quickly(http: httpx2.Client) -> None:
    http.post("/_sandbox/bulk", json={"vendor": "handler", "count": 10_000}).raise_for_status()
    path = "/stubs/handler_api.php?api_key=sandbox-1&action=getActiveActivations"
    http.get(path)

    started = time.perf_counter()
    body = http.get(path).content
    elapsed = time.perf_counter() - started

    assert len(json.loads(body)["activeActivations"]) == 10_000
    assert elapsed < 0.5


def test_code_arrives_by_the_clock_on_the_wall(http: httpx2.Client) -> None:
    http.post("/_sandbox/config", json={"delivery_s": [0.2, 0.2]})
    order_id = http.get(BUY).text.split(":")[1]
    path = STATUS.replace("id=1", f"id={order_id}")
    assert http.get(path).text == "STATUS_WAIT_CODE"

    time.sleep(0.3)

    assert re.fullmatch(r"STATUS_OK:[0-9]{6}", http.get(path).text)


def test_busy_port_is_a_sentence_and_exit_code_1() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]

        process = start(port)
        output, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert output == ""
    assert errors == f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use.\n"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stops_quickly_and_quietly_with_hanging_calls(how: signal.Signals) -> None:
    port = free_port()
    process = start(port)
    assert process.stdout is not None
    assert process.stdout.readline() == f"Sandbox on http://127.0.0.1:{port} (control API under /_sandbox/)\n"
    outcome: list[str] = []

    def hang() -> None:
        try:
            httpx2.get(
                f"http://127.0.0.1:{port}{BUY.replace('=wa', '=buys_then_times_out')}",
                timeout=30,
                trust_env=False,
            )
            outcome.append("answered")
        except httpx2.TransportError:
            outcome.append("cut off")

    thread = threading.Thread(target=hang)
    thread.start()
    deadline = time.monotonic() + 10
    state_url = f"http://127.0.0.1:{port}/_sandbox/state?orders=0"
    while time.monotonic() < deadline:
        if '"getNumber":1' in httpx2.get(state_url, trust_env=False).text:
            break
        time.sleep(0.05)

    started = time.monotonic()
    process.send_signal(how)
    output, errors = process.communicate(timeout=20)
    thread.join(10)

    assert time.monotonic() - started < 4
    assert outcome == ["cut off"]
    assert process.returncode in (0, -how)
    assert "Traceback" not in errors
    assert "sandbox-1" not in output + errors
