"""The sandbox's own time, which tests may move forward."""

import time
from datetime import UTC, datetime


class Clock:
    """Wall-clock time plus whatever was added by hand; it never runs backwards by itself."""

    def __init__(self) -> None:
        # Anchored once and counted monotonically, so a corrected system clock cannot undo a deadline.
        self._anchor = time.time() - time.monotonic()
        self._advanced_s = 0.0

    @property
    def advanced_s(self) -> float:
        """Seconds by which this clock is ahead of the machine's."""
        return self._advanced_s

    def now(self) -> float:
        """Unix time in seconds."""
        return self._anchor + time.monotonic() + self._advanced_s

    def advance(self, seconds: float) -> None:
        """Move forward; deadlines, deliveries and cancel locks follow."""
        self._advanced_s += seconds

    def reset(self) -> None:
        """Return to the machine's time."""
        self._advanced_s = 0.0


def rfc3339(at: float, timespec: str = "seconds") -> str:
    """`2026-01-02T03:04:05Z`, or with microseconds as 5SIM writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def zoneless(at: float) -> str:
    """`2026-01-02 03:04:05`: the classic dialect gives local time without a zone; ours is UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
