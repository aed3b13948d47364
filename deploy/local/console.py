"""What the person at the terminal sees: our own sentences, and each child's lines under its name."""

from __future__ import annotations

import sys
import threading
from typing import IO

COLOURS = {"web": 36, "worker": 33, "beat": 35, "sandbox": 34, "postgres": 32, "valkey": 32}
WIDTH = max(len(name) for name in COLOURS)


class Console:
    """Writes whole lines, from several threads, to one stream; a closed stream (`| head`) is no reason to stop."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._colour = self._stream.isatty()

    def say(self, text: str = "") -> None:
        """A sentence of the runner itself."""
        self._write(f"{text}\n")

    def line(self, name: str, text: str) -> None:
        """A line that a child printed."""
        label = f"{name:<{WIDTH}} |"
        if self._colour:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        self._write(f"{label} {text}\n")

    def follow(self, name: str, pipe: IO[bytes]) -> threading.Thread:
        """Pass on what a child prints until it closes its end."""

        def pump() -> None:
            with pipe:
                for raw in pipe:
                    self.line(name, raw.decode(errors="replace").rstrip())

        thread = threading.Thread(target=pump, name=f"output of {name}", daemon=True)
        thread.start()
        return thread

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                return
