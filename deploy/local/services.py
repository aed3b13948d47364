"""PostgreSQL and Valkey together: in a directory that is kept, or thrown away when the process that asked for them ends."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType

from deploy.local.lock import DirectoryLock
from deploy.local.places import make_directory, temporary_directory
from deploy.local.postgres import Postgres
from deploy.local.system import service_owner, spawn
from deploy.local.valkey import Valkey

# Waits for its standard input to end, which happens however its parent dies, then for PostgreSQL, then removes the files.
JANITOR = """
cat >/dev/null
tries=0
while [ -e "$0/postgres/data/postmaster.pid" ] && [ $tries -lt 100 ]; do tries=$((tries+1)); sleep 0.1; done
rm -rf -- "$0"
"""


class Services:
    """The servers that the environment does not name, in one locked directory.

    Args:
        directory: Holds their data; made if missing.
        durable: False for throw-away servers.
        postgres: Whether a private PostgreSQL is wanted.
        valkey: Whether a private Valkey is wanted.
    """

    def __init__(
        self, directory: Path, *, durable: bool = True, postgres: bool = True, valkey: bool = True
    ) -> None:
        self.directory = directory.absolute()
        self.postgres = Postgres(self.directory, durable=durable) if postgres else None
        self.valkey = Valkey(self.directory, durable=durable) if valkey else None
        self._lock = DirectoryLock(self.directory / "services.lock")

    @property
    def all(self) -> list[Postgres | Valkey]:
        """The servers in the order they start."""
        return [server for server in (self.postgres, self.valkey) if server is not None]

    def start(self) -> None:
        """Start what is wanted; nothing is left running when one of them fails.

        Raises:
            LocalError: The directory is in use, or a server does not start.
        """
        make_directory(self.directory)
        self._lock.acquire()
        try:
            for server in self.all:
                server.start()
        except BaseException:
            self.stop()
            raise

    def restart_ended(self) -> list[str]:
        """Start again what has been killed; returns the names.

        Raises:
            LocalError: One of them does not start; calling again tries again.
        """
        ended = [server for server in self.all if not server.is_running()]
        for server in ended:
            server.start()
        return [server.name for server in ended]

    def urls(self) -> dict[str, str]:
        """The environment variables that lead to them."""
        urls = {}
        if self.postgres:
            urls["DATABASE_URL"] = self.postgres.url()
        if self.valkey:
            urls["REDIS_URL"] = self.valkey.url()
        return urls

    def stop(self) -> None:
        """Stop in reverse order and free the directory."""
        for server in reversed(self.all):
            server.stop()
        self._lock.release()


class ThrowAwayServices(Services):
    """Fast servers without durability in a temporary directory; after kill -9 of this process nothing of them is left."""

    def __init__(self, *, postgres: bool = True, valkey: bool = True) -> None:
        directory = temporary_directory("namaskah-throwaway-", service_owner())
        super().__init__(directory, durable=False, postgres=postgres, valkey=valkey)
        self._janitor = spawn(["/bin/sh", "-c", JANITOR, directory], stdin=subprocess.PIPE, death_signal=0)

    def __enter__(self) -> ThrowAwayServices:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the servers and remove every file of theirs."""
        super().stop()
        if self._janitor.stdin is not None and not self._janitor.stdin.closed:
            self._janitor.stdin.close()
            self._janitor.wait(30)
