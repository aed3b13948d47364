"""The one error family of the runner."""

from __future__ import annotations


class LocalError(Exception):
    """Something a person can act on; its text is a plain sentence that is shown instead of a traceback."""
