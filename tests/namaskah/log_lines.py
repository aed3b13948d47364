"""Catches what is really written to the log, as production writes it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from namaskah.lib.logging import logging_config


class Lines:
    """The lines written so far."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def raw(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        """Every line, parsed; a line that is no JSON object is an error."""
        return [dict(json.loads(line)) for line in self.raw.splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.all if line["event"] == event]


@contextmanager
def log_lines(log_format: str = "json", level: str = "INFO") -> Iterator[Lines]:
    """Log as configured for production (or development) to memory, then as the tests do."""
    lines = Lines()
    structlog.contextvars.clear_contextvars()
    root = logging.getLogger()
    before = list(root.handlers)
    logging_config(level=level, log_format=log_format)
    (handler,) = (each for each in root.handlers if each not in before)
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(lines.stream)
    try:
        yield lines
    finally:
        logging_config(level="WARNING", log_format="console")
        for each in before:
            if each not in root.handlers and type(each) is not logging.StreamHandler:
                root.addHandler(each)
