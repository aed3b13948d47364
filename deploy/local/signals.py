"""Turns Ctrl-C, SIGTERM and SIGHUP into one exception, and a later one into hurry."""

from __future__ import annotations

import signal
import time
from types import FrameType

AGAIN_AFTER_S = 1.0


class StopRequested(BaseException):
    """The person wants us to stop; not an Exception, so that nothing on the way swallows it."""


class StopSignals:
    """Raises StopRequested in the main thread at the first signal; a later one means hurry."""

    def __init__(self) -> None:
        self._armed = True
        self._first_at = 0.0
        self._hurry = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def disarm(self) -> None:
        """From now on a signal interrupts nothing."""
        self._armed = False

    def hurry(self) -> bool:
        """Whether the person asked more than once."""
        return self._hurry

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Sent to the whole group, a signal arrives twice: make passes it on as well. That is no second request.
        now = time.monotonic()
        self._first_at = self._first_at or now
        self._hurry = now - self._first_at > AGAIN_AFTER_S
        if self._armed:
            self._armed = False
            raise StopRequested
