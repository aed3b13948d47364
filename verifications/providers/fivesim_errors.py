"""What 5SIM says instead of an order: short sentences with any HTTP status, so the words decide.

https://5sim.net/docs (read 2026-11) does not promise a status per sentence.
"""

from __future__ import annotations

from namaskah.lib.http import Reply
from verifications.providers import wire
from verifications.providers.base import ProviderAccount
from verifications.providers.errors import (
    Ambiguous,
    AuthFailed,
    BadRequest,
    Conflict,
    NoBalance,
    NoStock,
    OrderNotFound,
    ProviderError,
    Suspended,
    Throttled,
    TooEarly,
    TooLate,
)

SENTENCES: dict[str, type[ProviderError]] = {
    "no free phones": NoStock,
    "not enough user balance": NoBalance,
    # The rating has sunk to where buying is blocked for a day.
    "not enough rating": Suspended,
    "select country": BadRequest,
    "select operator": BadRequest,
    "no product": BadRequest,
    "bad country": BadRequest,
    "bad operator": BadRequest,
    "country is incorrect": BadRequest,
    "product is incorrect": BadRequest,
    "server offline": Ambiguous,
    "internal error": Ambiguous,
    "order not found": OrderNotFound,
    "record not found": OrderNotFound,
    "order has sms": TooLate,
    "order expired": Conflict,
    "order no sms": Conflict,
    "hosting order": Conflict,
    "you need to wait time": TooEarly,
    "api limit is 100 requests per second": Throttled,
    "ip address limit is 100 requests per second": Throttled,
}
_LIMIT = "limit is"
_LIMIT_PAUSE_S = 1.0


def refusal(reply: Reply, account: ProviderAccount) -> ProviderError | None:
    """The error a reply stands for; None when it may be data."""
    words = " ".join(reply.text.lower().split()).strip(" .!\"'")
    if (kind := SENTENCES.get(words)) is not None:
        return _throttled(reply) if kind is Throttled else kind(literal=words)
    if len(words) < 200 and _LIMIT in words and "request" in words:
        return _throttled(reply)
    if reply.status == 401:
        return AuthFailed("HTTP 401", literal="401")
    if reply.status == 429:
        return _throttled(reply)
    if reply.status >= 300 or words[:1] not in {"{", "[", "n"}:
        # Also an HTML page, an empty body and a sentence nobody has written down: on a purchase, anything may have happened.
        shown = wire.snippet(reply.text, account) or "empty"
        return Ambiguous(f"HTTP {reply.status}: {shown}", literal=words[:40] if words.isascii() else "")
    return None


def _throttled(reply: Reply) -> Throttled:
    wait = wire.retry_after_s(reply.headers)
    return Throttled(
        f"HTTP {reply.status}", literal="rate limit", retry_after_s=_LIMIT_PAUSE_S if wait is None else wait
    )
