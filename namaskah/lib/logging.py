"""Structured logs: JSON lines in production, readable lines in development; secrets and numbers never pass."""

from __future__ import annotations

import logging
import logging.config
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

FORBIDDEN_KEYS = frozenset({
    "api_key", "apikey", "authorization", "body", "code", "cookie", "cookies", "credential", "csrfmiddlewaretoken", "password",
    "secret", "sessionid", "set-cookie", "sms_code", "text", "token",
})  # fmt: skip
PHONE_KEYS = frozenset({"msisdn", "number", "phone", "phone_number", "to"})
PLAIN_KEYS = frozenset({"id", "level", "logger", "timestamp"})  # and everything that ends in `_id` or `_ms`
# `+` and 8 digits or more, however they are grouped; or 10 to 15 digits in a row that stand alone
PHONE = re.compile(r"\+\d(?:[ ().-]{0,2}\d){7,17}|(?<![\w.-])\d{10,15}(?![\w-]|\.\d)")
# The secret part of a link we sent: long and without the hyphens' places of a UUID
LINK_TOKEN = re.compile(
    r"(?<=/)(?![0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)[\w-]{40,}(?=[/?#\s]|$)"
)
# Libraries that quote what they were given: pydantic its input, PostgreSQL the row it refused
QUOTED = re.compile(
    r"input_value=.*?(?=, input_type=|\]|$)"
    r"|(?<=Failing row contains \().*(?=\))"
    r"|(?<=\)=\().*(?=\) already exists)",
    re.MULTILINE,
)
LONGEST = 20_000
HIDDEN = "[hidden]"


def mask_phone(number: str) -> str:
    """Keep the start and the last two digits: `+4477…42`."""
    return f"{number[:5]}…{number[-2:]}" if len(number) > 7 else "…"


def scrub(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Last line of defence: drop values under secret names and mask whatever reads like a phone number."""
    for key, value in event.items():
        event[key] = _scrubbed(str(key).lower(), value)
    return event


def _scrubbed(key: str, value: Any) -> Any:
    if key in FORBIDDEN_KEYS:
        return HIDDEN
    if key in PHONE_KEYS and isinstance(value, str | int):
        return mask_phone(str(value)) if len(str(value)) > 7 else value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _scrubbed(str(name).lower(), item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed(key, item) for item in value]
    text = value if isinstance(value, str) else str(value)
    if key in PLAIN_KEYS or key.endswith(("_id", "_ms")):
        return text
    return _masked(text[:LONGEST])


def scrub_text(key: str, text: str) -> str:
    """One text by the rules of the log: hidden under a secret name, else masked."""
    return HIDDEN if key in FORBIDDEN_KEYS else _masked(text)


def _masked(text: str) -> str:
    text = LINK_TOKEN.sub(HIDDEN, QUOTED.sub(HIDDEN, text))
    return PHONE.sub(lambda match: mask_phone(match.group()), text)


class Refusals(logging.Filter):
    """What Django refuses of a request (a foreign host, too many fields) is anybody's to provoke: a warning, no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything pass, these with less noise."""
        if record.name.startswith("django.security.") and record.levelno > logging.WARNING:
            record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        return True


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
# One list for good: a logger keeps the one it met at its first line.
_PROCESSORS: list[Any] = [
    structlog.stdlib.filter_by_level,
    *_SHARED,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


def logging_config(*, level: str, log_format: str) -> None:
    """Configure structlog and the standard library to write to stderr; stdout is for what a command was asked for."""
    renderer: list[Any]
    if log_format == "json":
        renderer = [structlog.processors.JSONRenderer()]
    else:
        renderer = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": _SHARED,
                    # A traceback becomes text before it is scrubbed, and is never drawn with the values of its variables.
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        scrub,
                        *renderer,
                    ],
                }
            },
            "filters": {"refusals": {"()": Refusals}},
            "handlers": {
                "stream": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stderr",
                    "formatter": "structured",
                    "filters": ["refusals"],
                }
            },
            "root": {"handlers": ["stream"], "level": level},
            "loggers": {
                # Their request lines carry whole addresses, keys included; namaskah.lib.http logs our own, redacted.
                "httpx2": {"level": "WARNING"},
                "httpcore2": {"level": "WARNING"},
                # For a variable that is missing they quote everything the page was made of, a sheet of recovery codes included;
                # and each statement with its values.
                "django.template": {"level": "INFO"},
                "django.db.backends": {"level": "INFO"},
                # Eighty lines about the font of each PDF, and the letters it lacks, which are of customers' names.
                "fontTools": {"level": "WARNING"},
                "fpdf": {"level": "ERROR"},
                "django.server": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                # uvicorn brings handlers of its own; the access line is ours (namaskah.middleware)
                "uvicorn": {"handlers": [], "propagate": True},
                "uvicorn.error": {"handlers": [], "propagate": True},
                "uvicorn.access": {"handlers": [], "propagate": True, "level": "WARNING"},
                # Three lines for every task of a schedule that ticks each second or two
                "django_structlog.celery": {"level": "WARNING"},
            },
        }
    )
