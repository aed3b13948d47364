"""The file that remembers who was erased, outside the database: a restored backup knows them again, and has to forget.

One line for each erasure: when, the number of the account, when that was opened (numbers come again after a restore, times do
not), and a fingerprint of the address, which answers "was I erased?" without keeping the address.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings

from namaskah.lib import sealing

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Erased:
    """One line."""

    at: dt.datetime
    user_id: int
    joined_at: dt.datetime
    fingerprint: str


def fingerprint_of(address: str) -> str:
    """The same for every spelling of case."""
    return sealing.fingerprint(f"erased:{address.lower()}")


def write(entry: Erased) -> None:
    """Append one line and return when it is on disk.

    Raises:
        OSError: It is not, so the erasure must not be called done.
    """
    path = Path(settings.ERASURE_LOG)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    words = [entry.at.isoformat(), str(entry.user_id), entry.joined_at.isoformat(), entry.fingerprint]
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # In front, so that a line which a crash has cut short does not swallow this one. One write is one piece.
        os.write(handle, f"\n{' '.join(words)}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    if is_new:
        _sync_folder(path.parent)


def read() -> Iterator[Erased]:
    """Every line that is whole, the oldest first."""
    path = Path(settings.ERASURE_LOG)
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if entry := _parse(line):
                yield entry


def _parse(line: str) -> Erased | None:
    if not line.strip():
        return None
    try:
        at, user_id, joined_at, fingerprint = line.split()
        return Erased(
            dt.datetime.fromisoformat(at), int(user_id), dt.datetime.fromisoformat(joined_at), fingerprint
        )
    except ValueError:
        log.warning("A line of the erasure log is cut short")
        return None


def _sync_folder(folder: Path) -> None:
    """A new file is only safe when its name is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
