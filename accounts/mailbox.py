"""The e-mails that were written into a directory instead of being sent, as `make run` does."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings

FILE_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
SEPARATOR = b"\n" + b"-" * 79 + b"\n"  # what Django's backend writes below each message
NAME = re.compile(r"(\d{8}-\d{6}-\d{1,20})-(\d{1,6})")
LATEST = 50


@dataclass(frozen=True, slots=True)
class WrittenEmail:
    """`name` finds it again: its file, and its place in it."""

    name: str
    to: str
    subject: str
    sent_at: dt.datetime | None
    text: str
    html: str
    headers: list[tuple[str, str]]


def is_open() -> bool:
    """Whether e-mails are written to files here, and so may be read by staff."""
    return settings.EMAIL_BACKEND == FILE_BACKEND


def latest(limit: int = LATEST) -> list[WrittenEmail]:
    """The newest e-mails, newest first."""
    found: list[WrittenEmail] = []
    for path in sorted(_folder().glob("*.log"), reverse=True):  # names begin with their time
        found += reversed(list(_in(path)))
        if len(found) >= limit:
            break
    return found[:limit]


def find(name: str) -> WrittenEmail | None:
    """One e-mail by its name, which is checked: it comes out of an address."""
    match = NAME.fullmatch(name)
    path = _folder() / f"{match[1]}.log" if match else None
    if path is None or not path.is_file():
        return None
    return next((email for email in _in(path) if email.name == name), None)


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)


def _in(path: Path) -> Iterator[WrittenEmail]:
    pieces = path.read_bytes().split(SEPARATOR)
    for place, piece in enumerate(piece for piece in pieces if piece.strip()):
        message = message_from_bytes(piece.lstrip(b"\n"), policy=policy.default)
        assert isinstance(message, EmailMessage)  # what this policy makes
        yield WrittenEmail(
            name=f"{path.stem}-{place}",
            to=str(message.get("To", "")),
            subject=str(message.get("Subject", "")),
            sent_at=_time(message),
            text=_part(message, "plain"),
            html=_part(message, "html"),
            headers=[(key, str(value)) for key, value in message.items()],
        )


def _time(message: EmailMessage) -> dt.datetime | None:
    date = message.get("Date")
    return parsedate_to_datetime(str(date)) if date else None


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""
