"""Every refusal of the handler dialect, as text literal or as HeroSMS's JSON title, and the error each one is."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from verifications.providers import wire
from verifications.providers.errors import (
    Ambiguous,
    AuthFailed,
    BadRequest,
    Conflict,
    NoBalance,
    NoStock,
    OrderNotFound,
    PriceTooHigh,
    ProviderError,
    Suspended,
    Throttled,
    TooEarly,
    TooLate,
)

LITERALS: dict[str, type[ProviderError]] = {
    "BAD_KEY": AuthFailed,
    "NO_KEY": AuthFailed,
    "BANNED": Suspended,
    "ACCOUNT_INACTIVE": Suspended,
    "BAD_ACTION": BadRequest,  # VAK-SMS also says so for a wrong key and for an unknown order
    "BAD_SERVICE": BadRequest,
    "WRONG_SERVICE": BadRequest,
    "BAD_COUNTRY": BadRequest,
    "WRONG_COUNTRY": BadRequest,
    "BAD_OPERATOR": BadRequest,
    "WRONG_OPERATOR": BadRequest,
    "OPERATORS_NOT_FOUND": BadRequest,
    "WRONG_EXCEPTION_PHONE": BadRequest,
    "WRONG_SECURITY": BadRequest,
    "WRONG_ADDITIONAL_SERVICE": BadRequest,
    "REPEAT_ADDITIONAL_SERVICE": BadRequest,
    "UNPROCESSABLE_ENTITY": BadRequest,
    "BAD_STATUS": Conflict,
    "NO_NUMBERS": NoStock,
    "NOT_AVAILABLE": NoStock,
    "SERVICE_NOT_AVAILABLE": NoStock,
    "SERVICE_UNAVAILABLE_REGION": NoStock,
    "WHATSAPP_NOT_AVAILABLE": NoStock,
    "NO_YULA_MAIL": NoStock,
    "RENEW_ACTIVATION_NOT_AVAILABLE": NoStock,
    "NEW_ACTIVATION_IMPOSSIBLE": NoStock,
    "SIM_OFFLINE": NoStock,
    "NUMBER_OFFLINE": NoStock,
    "IMPOSSIBLE_AGAIN": NoStock,
    "NOT_INCOMING": NoStock,
    "NO_BALANCE": NoBalance,
    "NO_BALANCE_FORWARD": NoBalance,
    "NO_MONEY": NoBalance,
    "NO_MEANS": NoBalance,
    "LOW_BALANCE": NoBalance,
    "WRONG_MAX_PRICE": PriceTooHigh,
    "MAX_PRICE_EXCEEDED": PriceTooHigh,
    "NO_ACTIVATION": OrderNotFound,
    "WRONG_ACTIVATION_ID": OrderNotFound,
    "INVALID_ACTIVATION_ID": OrderNotFound,
    "ORDER_NOT_FOUND": OrderNotFound,
    "BAD_ID": OrderNotFound,
    "NOT_FOUND": OrderNotFound,
    "EARLY_CANCEL_DENIED": TooEarly,
    "TOO_EARLY": TooEarly,
    "OTP_RECEIVED": TooLate,
    "NEW_OTP_RECEIVED": TooLate,
    "FREE_CANCELLATION_EXPIRED": TooLate,
    "ACTIVATION_NOT_ACTIVE": TooLate,
    "CHANNELS_LIMIT": Throttled,
    "TOO_MANY_ACTIVE_RENTALS": Throttled,
    "TOO_MANY_REQUESTS": Throttled,
    # What made it a duplicate is undocumented, so the order it speaks of may be the one we are asking for.
    "ORDER_ALREADY_EXISTS": Ambiguous,
    "ERROR_SQL": Ambiguous,
    "SQL_ERROR": Ambiguous,
    "SERVER_ERROR": Ambiguous,
    "NO_CONNECTION": Ambiguous,
}
EMPTY_LIST = "NO_ACTIVATIONS"

_FAILED = {"error", "fail", "false"}
_BANNED_UNTIL = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2})[-:](\d{1,2})[-:](\d{1,2})")
_PROHIBITED = re.compile(r"(?i)prohibit|forbidden for sale|запрещ")
# Too many requests at the HeroSMS gateway (https://hero-sms.com/docs, read 2026-11): ten seconds of silence help.
_GATEWAY_LIMIT = re.compile(r"(?i)\berror code:?\s*1020\b|^1020$")
_GATEWAY_BLOCK_S = 10.0


def from_text(body: str, headers: Mapping[str, str], *, utc_offset_h: float | None) -> ProviderError | None:
    """The error a text reply stands for, None when it is not a known refusal."""
    head, _, rest = body.partition(":")
    literal = head.strip().upper()
    if (kind := LITERALS.get(literal)) is not None:
        return _make(kind, literal, rest, {}, headers, utc_offset_h)
    if _GATEWAY_LIMIT.search(body[:200]):
        return Throttled("gateway limit", literal="1020", retry_after_s=_GATEWAY_BLOCK_S)
    if len(body) < 400 and _PROHIBITED.search(body):
        return NoStock("sale of the service is prohibited", literal="PROHIBITED")
    return None


def from_json(
    document: object, headers: Mapping[str, str], *, utc_offset_h: float | None
) -> ProviderError | None:
    """The error a JSON reply stands for, None when it is data."""
    found = literal_in(document)
    if not found or not isinstance(document, dict):
        return None
    head, _, rest = found.partition(":")
    literal = head.strip().upper().replace(" ", "_")
    info = wire.mapping(document.get("info")) or wire.mapping(document.get("data"))
    if literal == "UNPROCESSABLE_ENTITY" and "key" in wire.text_of(info.get("field")).lower():
        return AuthFailed("key is missing", literal=literal)
    kind = LITERALS.get(literal)
    if kind is None and literal.endswith("_IS_INCORRECT"):
        kind = BadRequest
    if kind is not None:
        return _make(kind, literal, rest, info, headers, utc_offset_h)
    return from_text(found, headers, utc_offset_h=utc_offset_h)


def literal_in(document: object) -> str:
    """What a JSON reply complains of, empty when it does not.

    HeroSMS says `title`; older ones `{"status":"error","message":X}`, `{"status":"false","msg":X}` or `{"error":X}`.
    """
    if not isinstance(document, dict):
        return ""
    if title := wire.text_of(document.get("title")):
        return title
    failed = str(document.get("status")).lower() in _FAILED or str(
        document.get("success")
    ).lower() in _FAILED | {"0"}
    for name in ("message", "msg", "error", "error_code", "errorMessage"):
        if (failed or name == "error") and (text := wire.text_of(document.get(name))):
            return text
    return "UNKNOWN_REFUSAL" if failed else ""


def _make(
    kind: type[ProviderError],
    literal: str,
    rest: str,
    info: Mapping[str, Any],
    headers: Mapping[str, str],
    utc_offset_h: float | None,
) -> ProviderError:
    if kind is PriceTooHigh:
        minimum = wire.decimal(rest.strip()) if rest.strip() else wire.decimal(info.get("min"))
        return PriceTooHigh(literal=literal, minimum=minimum)
    if kind is Suspended:
        return Suspended(literal=literal, until=_until(rest, info, utc_offset_h))
    if kind is Throttled:
        seconds = wire.decimal(info.get("retry_after_seconds"))
        wait = float(seconds) if seconds is not None else wire.retry_after_s(headers)
        return Throttled(literal=literal, retry_after_s=wait)
    if kind is TooEarly:
        # `minActivationTime` is the age to reach, and the dialect does not tell how old the order is.
        wait = wire.retry_after_s(headers)
        return TooEarly(literal=literal, not_before=wire.now() + dt.timedelta(seconds=wait) if wait else None)
    return kind(literal=literal)


def _until(rest: str, info: Mapping[str, Any], utc_offset_h: float | None) -> dt.datetime | None:
    """Until when an account is blocked; a time without zone is read as UTC when the row does not say more."""
    if (until := wire.moment(info.get("banned_until"), utc_offset_h=utc_offset_h or 0.0)) is not None:
        return until
    if (seconds := wire.decimal(info.get("retry_after_seconds"))) is not None:
        return wire.now() + dt.timedelta(seconds=min(float(seconds), 86_400.0 * 366))
    match = _BANNED_UNTIL.search(rest or wire.text_of(info.get("readable_date")))
    if match is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups())
        zone = dt.timezone(dt.timedelta(hours=utc_offset_h or 0.0))
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
