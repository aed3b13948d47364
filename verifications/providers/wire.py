"""What every adapter does the same way: make one call, and read numbers, phones and times tolerantly."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from namaskah.lib import http
from namaskah.lib.http_redaction import redact
from verifications.providers.base import ProviderAccount
from verifications.providers.errors import Ambiguous, BadRequest, Unreachable

Flags = TypeVar("Flags", bound=BaseModel)

SNIPPET = 80
_NOT_DIGITS = re.compile(r"\D+")


def call(
    account: ProviderAccount,
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = 2_000_000,
) -> http.Reply:
    """Make one call with the account's time-outs.

    Raises:
        Unreachable: The connection was never made.
        Ambiguous: It was, and no usable answer came.
    """
    try:
        return http.send(
            method,
            url,
            params=params,
            data=data,
            headers=headers,
            connect_timeout_s=account.connect_timeout_s,
            read_timeout_s=account.read_timeout_s,
            max_bytes=max_bytes,
            secrets=(account.credential,),
        )
    except http.ConnectionNotMade as error:
        raise Unreachable(str(error)) from error
    except http.NoAnswer as error:
        raise Ambiguous(str(error)) from error


def flags(model: type[Flags], account: ProviderAccount) -> Flags:
    """Read the dialect flags of an account.

    Raises:
        BadRequest: A flag is unknown or has a value it cannot have; the message names each. Nothing was called.
    """
    try:
        return model.model_validate(dict(account.dialect))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        raise BadRequest(f"dialect flags of {account.slug}: {problems}") from None


def now() -> dt.datetime:
    """Aware UTC."""
    return dt.datetime.now(dt.UTC)


def snippet(text: str, account: ProviderAccount) -> str:
    """The start of a vendor's words, fit to be kept with an attempt: one line, no key, no phone number or code."""
    line = re.sub(r"\d{4,}", "…", " ".join(redact(text[:400], (account.credential,)).split()))
    return line[:SNIPPET]


def decimal(value: object) -> Decimal | None:
    """A vendor's number, however it is written; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def whole(value: object) -> int:
    """A vendor's count, never negative; 0 when it is none."""
    number = decimal(value)
    return max(0, int(number)) if number is not None and number < 10**12 else 0


def text_of(value: object) -> str:
    """A string or number as text; anything else is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return str(value).strip()


def plain(amount: Decimal) -> str:
    """Without exponent and trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def e164(phone: object) -> str:
    """Digits with the plus sign; empty when there are too few or too many for a phone number."""
    digits = _NOT_DIGITS.sub("", text_of(phone))
    return f"+{digits}" if 7 <= len(digits) <= 15 else ""


def moment(value: object, *, utc_offset_h: float | None = None) -> dt.datetime | None:
    """A vendor's time as aware UTC; None when it cannot be placed.

    Args:
        utc_offset_h: What a time without zone means; without it such a time is worthless and reads as None.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_timestamp(value)
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return _from_timestamp(int(text))
    try:
        parsed = dt.datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            if utc_offset_h is None:
                return None
            parsed = parsed.replace(tzinfo=dt.timezone(dt.timedelta(hours=utc_offset_h)))
        parsed = parsed.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return parsed if 2000 <= parsed.year < 2200 else None  # Go writes "no time" as the year 1


def _from_timestamp(seconds: int) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if 946_684_800 <= seconds < 7_258_118_400 else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` as seconds, from either of its forms."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if (seconds := decimal(value)) is not None:
        return float(min(max(seconds, Decimal(0)), Decimal(86_400)))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - now()).total_seconds())


def digest(*parts: object) -> str:
    """A short stable key for things that have no id of their own."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:40]


def mapping(value: object) -> Mapping[str, Any]:
    """The value when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}
