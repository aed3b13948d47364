"""Supervision of the product's processes, with small stand-ins."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.console import Console
from deploy.local.errors import LocalError
from deploy.local.network import require_free
from deploy.local.processes import Program, Supervisor, end_leftovers
from deploy.local.system import process_identity

SLEEPER = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)")
POLITE = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, lambda *_: exit(print('bye', flush=1))); print('here', flush=1); time.sleep(60)",
)
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)",
)


class Output(io.StringIO):
    """A console's stream that is no terminal."""


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
def supervisor(tmp_path: Path, output: Output) -> Iterator[Supervisor]:
    own = Supervisor(
        console=Console(output), env=os.environ, cwd=tmp_path, record=tmp_path / "processes.json"
    )
    yield own
    own.stop(hurry=lambda: True)


def wait_for(condition: Callable[[], object], patience_s: float = 10) -> None:
    """Fail unless the condition comes true in time."""
    until = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def recorded_pids(tmp_path: Path) -> list[int]:
    return [int(pid) for pid in json.loads((tmp_path / "processes.json").read_text())]


def test_output_carries_the_name_of_its_process(supervisor: Supervisor, output: Output) -> None:
    supervisor.start(Program("web", SLEEPER))

    wait_for(output.getvalue)

    assert output.getvalue() == "web      | here\n"


def test_killed_process_is_started_again(supervisor: Supervisor, output: Output, tmp_path: Path) -> None:
    supervisor.start(Program("worker", SLEEPER))
    [first] = recorded_pids(tmp_path)
    wait_for(output.getvalue)
    os.kill(first, signal.SIGKILL)

    def is_back() -> bool:
        supervisor.check()
        return output.getvalue().count("here") == 2

    wait_for(is_back)

    assert recorded_pids(tmp_path) != [first]
    assert "ended (SIGKILL); starting it again in 0.5 s" in output.getvalue()
    assert supervisor.deaths("worker") == 1


def test_pauses_grow_while_a_process_keeps_ending(tmp_path: Path, output: Output) -> None:
    now = [0.0]
    own = Supervisor(
        console=Console(output),
        env=os.environ,
        cwd=tmp_path,
        record=tmp_path / "p.json",
        clock=lambda: now[0],
    )
    own.start(Program("beat", (sys.executable, "-c", "raise SystemExit(3)")))

    for deaths in range(1, 8):
        while own.deaths("beat") < deaths:
            own.check()
            time.sleep(0.02)
        now[0] += 10
    own.stop(hurry=lambda: True)

    pauses = [line.split(" in ")[1] for line in output.getvalue().splitlines()]
    assert pauses == ["0.5 s", "1 s", "2 s", "4 s", "8 s", "10 s", "10 s"]


def test_stop_asks_in_order_of_rank_and_kills_who_ignores_it(
    tmp_path: Path, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.processes.STOP_PATIENCE_S", 1.0)
    own = Supervisor(console=Console(output), env=os.environ, cwd=tmp_path, record=tmp_path / "p.json")
    for name, rank in (("sandbox", 2), ("worker", 1), ("web", 0)):
        own.start(Program(name, POLITE, stop_rank=rank))
    own.start(Program("beat", STUBBORN, stop_rank=3))
    wait_for(lambda: output.getvalue().count("here") == 4)

    started = time.monotonic()
    own.stop()

    assert [line.split()[0] for line in output.getvalue().splitlines() if line.endswith("bye")] == [
        "web",
        "worker",
        "sandbox",
    ]
    assert "beat     | did not end in time and is killed" in output.getvalue()
    assert 1 <= time.monotonic() - started < 3
    assert not (tmp_path / "p.json").exists()


def test_what_a_killed_runner_left_is_ended(tmp_path: Path) -> None:
    orphan = subprocess.Popen(SLEEPER, start_new_session=True, stdout=subprocess.DEVNULL)
    record = tmp_path / "processes.json"
    stranger = os.getppid()
    record.write_text(
        json.dumps({str(orphan.pid): process_identity(orphan.pid), str(stranger): "started at another time"})
    )

    ended = end_leftovers(record)

    assert ended == 1
    assert orphan.wait(5) == -signal.SIGKILL
    assert process_identity(stranger)
    assert end_leftovers(record) == 0


def test_busy_port_is_named_with_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(LocalError, match=rf"Port {port} is already in use.*make run SANDBOX_PORT="):
            require_free("127.0.0.1", port, "SANDBOX_PORT")

    require_free("127.0.0.1", port, "SANDBOX_PORT")
