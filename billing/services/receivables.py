"""What customers owe us after a dispute that their balance did not cover."""

from __future__ import annotations


def collect(*, user_id: int, key: str) -> None:
    """Take what is owed from what is available, in the caller's transaction; repeating the key does nothing."""
