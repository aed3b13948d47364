"""One run per directory. The kernel drops the lock with the process that holds it, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from deploy.local.errors import LocalError


class DirectoryLock:
    """Held from `acquire` to `release`; the file says who holds it, for the person who meets it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self, *, note: str = "") -> None:
        """Take the lock or say who has it.

        Raises:
            LocalError: Another live process has it.
        """
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise LocalError(
                f"{self.path.parent} is already in use by {holder}. Stop that one first."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}{f' ({note})' if note else ''}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give it back; the file stays, removing it would let two processes lock two files of one name."""
        if self._file is not None:
            self._file.close()
            self._file = None
