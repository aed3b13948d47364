"""The digests that chain the audit trail: each entry's seal covers the seal before it and everything the entry says.

The keys come from `DATA_KEYS`, as everywhere the first one seals and all of them open: after a rotation the old key stays in
the list until the last entry that it sealed is removed as too old. Who holds the database alone cannot make a seal.

Source: https://www.rfc-editor.org/rfc/rfc5869 (HKDF), docs/decisions/0005-accounts.md
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.models import AuditSeal
from namaskah.lib import sealing

START = "0" * 64  # stands before the first entry
FIELDS = (
    "id",
    "created_at",
    "action",
    "actor_id",
    "actor_role",
    "subject_id",
    "target",
    "address",
    "user_agent",
    "request_id",
    "reason",
    "before",
    "after",
)


def keys() -> Sequence[bytes]:
    """The keys of the chain, the one that seals first."""
    return [_derive(key) for key in sealing.all_keys()]


def seal_of(entry: Mapping[str, Any], *, number: int, previous: str, key: bytes) -> str:
    """The seal of an entry at its place; 64 hexadecimal digits.

    Args:
        entry: Its `FIELDS`, as they were read from the database.
        previous: The seal of the entry before it, `START` for the first.
    """
    document = {name: entry[name] for name in FIELDS} | {"number": number, "previous": previous}
    return _digest("entry", document, key)


def is_sealed(entry: Mapping[str, Any], *, number: int, previous: str, seal: str) -> bool:
    """Whether one of our keys made this seal for this entry at this place."""
    return any(
        hmac.compare_digest(seal_of(entry, number=number, previous=previous, key=key), seal) for key in keys()
    )


def mac_of(seal: AuditSeal, key: bytes) -> str:
    """What proves that a row of seals was written by us."""
    names = ("created_at", "first_number", "last_number", "hash", "is_removal")
    return _digest("seal", {name: getattr(seal, name) for name in names}, key)


def is_ours(seal: AuditSeal) -> bool:
    """Whether one of our keys wrote this row of seals."""
    return any(hmac.compare_digest(mac_of(seal, key), seal.mac) for key in keys())


def _digest(kind: str, document: dict[str, Any], key: bytes) -> str:
    text = json.dumps([kind, document], sort_keys=True, separators=(",", ":"), default=_as_text)
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _as_text(value: object) -> str:
    """Times in one spelling, whatever the time zone of the connection."""
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else str(value)


@cache
def _derive(key: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"namaskah audit trail").derive(key.encode())
