"""`make run` as a person meets it: one real run on free ports, from an empty directory to the last process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from deploy.local.places import temporary_directory
from deploy.local.system import command_line, process_identity, service_owner

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("run")]
OURS = (
    "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "SITE_URL", "EMAIL_URL", "SANDBOX_URL",
    "SANDBOX_API_KEY", "STATIC_ROOT", "DATABASE_POOL_SIZE", "LOG_LEVEL", "LOG_FORMAT", "DJANGO_SETTINGS_MODULE",
)  # fmt: skip


class Runner:
    """One run, its output and its addresses."""

    def __init__(self, var_dir: Path, port: int, sandbox_port: int) -> None:
        self.var_dir = var_dir
        self.port = port
        inherited = {name: value for name, value in os.environ.items() if name not in OURS}
        self.env = {
            **inherited,
            "VAR_DIR": str(var_dir),
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
        }
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    command = (sys.executable, "-m", "deploy.local", "run")

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as pipe:
            self.lines.extend(pipe)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, condition: Callable[[], object], what: str, patience_s: float = 180) -> None:
        until = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < until, f"{what} did not happen:\n{self.output}"
            assert self.process.poll() is None, f"the run ended before {what}:\n{self.output}"
            time.sleep(0.05)

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: "Ctrl-C stops everything" in self.output, "the start")

    def children(self) -> dict[str, int]:
        """Pids by name, by what their command lines say."""
        pids = [int(pid) for pid in json.loads((self.var_dir / "processes.json").read_text())]
        signs = {"web": "uvicorn", "worker": "worker", "beat": " beat ", "sandbox": "-m sandbox"}
        return {name: pid for pid in pids for name, sign in signs.items() if sign in command_line(pid)}

    def servers(self) -> list[int]:
        files = (
            self.var_dir / "postgres" / "data" / "postmaster.pid",
            self.var_dir / "valkey" / "valkey.pid",
        )
        return [int(file.read_text().split()[0]) for file in files]

    def join(self) -> int:
        """Wait for its end and for the rest of its output."""
        code = self.process.wait(30)
        self._reader.join(10)
        return code

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def page(self, path: str) -> tuple[str, str]:
        """A page's text, also of an error page, and how it was compressed."""
        answer = httpx2.get(
            f"http://127.0.0.1:{self.port}{path}", headers={"Accept-Encoding": "gzip"}, timeout=5
        )
        return answer.text, answer.headers.get("Content-Encoding", "")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the runner and wait until it, and everything it started, is gone."""
        everyone = [*self.children().values(), *self.servers()]
        self.process.send_signal(number)
        code = self.join()
        until = time.monotonic() + 10
        while any(process_identity(pid) for pid in everyone):
            assert time.monotonic() < until, f"left running: {[command_line(pid) for pid in everyone]}"
            time.sleep(0.05)
        return code


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Path, int, int]]:
    """State directory and ports, kept from one run to the next."""
    directory = temporary_directory("namaskah-run-", service_owner())
    yield directory / "var", free_port(), free_port()
    subprocess.run(["rm", "-rf", directory], check=True)


@pytest.fixture
def runner(place: tuple[Path, int, int]) -> Iterator[Runner]:
    own = Runner(*place)
    yield own
    if own.process.poll() is None:
        own.process.send_signal(signal.SIGTERM)
    own.join()


def test_first_run_prints_addresses_and_credentials_and_stops_cleanly(runner: Runner) -> None:
    runner.wait_until_ready()

    assert f"http://127.0.0.1:{runner.port}/ops/" in runner.output
    assert re.search(r"e-mail +staff@namaskah\.localhost\n +password +\S{12,}\n", runner.output)
    assert re.search(r"e-mail +demo@namaskah\.localhost\n +password +\S{12,}\n", runner.output)
    assert runner.status("/health") == 200
    runner.wait_for(lambda: runner.status("/ready") == 200, "readiness", patience_s=90)
    _customers_meet_hashed_files_and_designed_errors(runner)
    assert stat.S_IMODE((runner.var_dir / "env").stat().st_mode) == 0o600
    assert "password" not in (runner.var_dir / "first-use.json").read_text()

    started = time.monotonic()
    assert runner.end(signal.SIGINT) == 0
    assert time.monotonic() - started < 12
    assert "Traceback" not in runner.output


def _customers_meet_hashed_files_and_designed_errors(runner: Runner) -> None:
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', runner.page("/")[0])
    assert sheets
    for sheet in sheets:
        assert re.search(r"\.[0-9a-f]{12}\.css$", sheet)
        assert runner.status(sheet) == 200
    assert "gzip" in {runner.page(sheet)[1] for sheet in sheets}
    assert runner.status("/nothing") == 404
    assert "There is nothing here" in runner.page("/nothing")[0]


def test_later_run_recovers_whatever_is_killed(runner: Runner) -> None:
    runner.wait_until_ready()
    assert "password" not in runner.output

    second = subprocess.run(
        runner.command,
        cwd="/",
        env={**runner.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"already in use by process {runner.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr + second.stdout

    before = runner.children()
    assert set(before) == {"web", "worker", "beat", "sandbox"}
    for pid in (*before.values(), *runner.servers()):
        os.kill(pid, signal.SIGKILL)
    runner.wait_for(
        lambda: (
            set(runner.children()) == set(before)
            and not set(runner.children().values()) & set(before.values())
        ),
        "the restart of every process",
    )
    runner.wait_for(lambda: runner.status("/ready") == 200, "readiness after the kills")

    runner.end(signal.SIGKILL)


def test_run_after_a_killed_run_starts_with_the_same_secrets(runner: Runner) -> None:
    secrets = (runner.var_dir / "env").read_text()

    runner.wait_until_ready()

    assert (runner.var_dir / "env").read_text() == secrets
    assert runner.end() == 0


@pytest.mark.parametrize("variable", ["PORT", "SANDBOX_PORT"])
def test_busy_port_is_a_plain_sentence(place: tuple[Path, int, int], variable: str) -> None:
    var_dir, port, sandbox_port = place
    with socket.create_server(("127.0.0.1", {"PORT": port, "SANDBOX_PORT": sandbox_port}[variable])):
        runner = Runner(var_dir, port, sandbox_port)
        code = runner.join()

    assert code == 1
    assert (
        f"is already in use by another program. Stop that one or choose another port: make run {variable}="
        in runner.output
    )
    assert "Traceback" not in runner.output


def test_unusable_variable_is_a_plain_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        Runner.command, cwd=ROOT, env={**os.environ, "VAR_DIR": str(tmp_path), "PORT": "http"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr == "\nPORT is 'http'; it must be a whole number from 1 to 65535.\n"
