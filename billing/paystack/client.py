"""Calls to Paystack."""

from __future__ import annotations

from typing import Any


def paystack() -> Any:
    """The client for the key in the settings."""
    raise NotImplementedError
