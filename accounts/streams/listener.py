"""One open stream, as the hub sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress


class Listener:
    """A cursor into one user's log, and the batch read for it but not yet sent.

    The table is the buffer: nothing more is read for a listener until it has taken its last batch, so a slow reader holds one
    batch at most. One that takes nothing for long is aborted, and comes back with the id of the last event it saw.

    Create it in the task that sends the stream.
    """

    def __init__(self, *, user_id: int, session_key: str, auth_hash: str, cursor: int) -> None:
        self.user_id = user_id
        self.session_key = session_key
        self.auth_hash = auth_hash
        self.cursor = cursor
        self.is_behind = False
        self.on_ready: Callable[[], None] = lambda: None
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._taken_at = self._loop.time()

    @property
    def is_ready(self) -> bool:
        """Whether the last batch has been taken; if not, it asks for more when it has."""
        if not self._frames.empty():
            self.is_behind = True
        return self._frames.empty() and not self._is_closed

    def put(self, frame: bytes, sequence: int) -> None:
        """Queue a frame and move the cursor behind it."""
        self._frames.put_nowait(frame)
        self.cursor = sequence

    def close(self, farewell: bytes = b"") -> None:
        """End the stream after what is queued."""
        if not self._is_closed:
            self._is_closed = True
            if farewell:
                self._frames.put_nowait(farewell)
            self._frames.put_nowait(None)

    def abort(self) -> None:
        """End the stream even though its reader takes nothing."""
        self.close()
        if self._task is not None:
            self._task.cancel()

    def is_stalled(self, patience_s: float) -> bool:
        """Whether frames have waited longer than `patience_s` without the reader taking one."""
        return not self._frames.empty() and self._loop.time() - self._taken_at > patience_s

    async def take(self, patience_s: float) -> bytes | None:
        """Wait for the next frame, `None` being the end.

        Raises:
            TimeoutError: There was none within `patience_s`.
        """
        self._taken_at = self._loop.time()
        with suppress(asyncio.QueueEmpty):
            return self._frames.get_nowait()
        if self.is_behind:
            self.is_behind = False
            self.on_ready()
        async with asyncio.timeout(patience_s):
            frame = await self._frames.get()
        self._taken_at = self._loop.time()
        return frame
