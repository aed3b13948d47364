"""Identifiers."""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a time-ordered UUID (RFC 9562 version 7), so that new rows land at the end of an index."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def uuid7_floor(moment: dt.datetime) -> uuid.UUID:
    """Below it are the ids that `uuid7` made before this time, so a primary key finds what is old."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def ulid() -> str:
    """Return a time-ordered id of 26 lower-case letters and digits (https://github.com/ulid/spec), for references people copy."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))
