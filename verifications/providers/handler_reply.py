"""From an HTTP reply to an answer or an error. Sellers of the dialect mix text, JSON and statuses, so the body decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from namaskah.lib.http import Reply
from verifications.providers import handler_errors, wire
from verifications.providers.base import ProviderAccount
from verifications.providers.errors import Ambiguous, AuthFailed, ProviderError, Suspended, Throttled


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that is no refusal: text, or a parsed document (then `text` is empty)."""

    text: str
    document: Any
    headers: Mapping[str, str]

    @property
    def is_json(self) -> bool:
        return not self.text and self.document is not None


def read(reply: Reply, account: ProviderAccount, *, spends: bool, utc_offset_h: float | None) -> Answer:
    """Tell an answer from a refusal: first character, then literal, then HTTP status.

    Args:
        spends: The call buys something, so a server fault leaves its outcome open whatever the body says.

    Raises:
        ProviderError: The refusal, or `Ambiguous` for everything that is neither answer nor known refusal.
    """
    body = reply.text.strip()
    if 300 <= reply.status < 400:
        raise Ambiguous(f"redirected with HTTP {reply.status}")
    document, refusal = _parsed(body, reply, utc_offset_h)
    if reply.status == 429:
        if isinstance(refusal, Throttled | Suspended | AuthFailed):
            raise refusal
        raise Throttled("HTTP 429", literal="429", retry_after_s=wire.retry_after_s(reply.headers))
    if reply.status >= 500 and (spends or refusal is None):
        raise Ambiguous(_described(reply, account), literal=refusal.literal if refusal else "")
    if refusal is not None:
        raise refusal
    if document is not None and handler_errors.literal_in(document).upper() == handler_errors.EMPTY_LIST:
        return Answer(handler_errors.EMPTY_LIST, None, reply.headers)
    if reply.status == 401:
        raise AuthFailed("HTTP 401", literal="401")
    if reply.status == 204:
        return Answer("", None, reply.headers)
    if reply.status >= 400 or not body or body.startswith("<") or handler_errors.literal_in(document):
        raise Ambiguous(_described(reply, account))
    if body[0] in "{[" and document is None:
        raise Ambiguous(f"broken JSON: {_described(reply, account)}")
    return Answer("" if document is not None else body, document, reply.headers)


def unexpected(answer: Answer, account: ProviderAccount, wanted: str) -> Ambiguous:
    """The error for an answer that is well-formed and not what was asked for."""
    shown = answer.text or str(answer.document)
    return Ambiguous(
        f"not {wanted}: {wire.snippet(shown, account)}", literal=answer.text.partition(":")[0][:40]
    )


def _parsed(body: str, reply: Reply, utc_offset_h: float | None) -> tuple[Any, ProviderError | None]:
    if body[:1] not in {"{", "["}:
        return None, handler_errors.from_text(body, reply.headers, utc_offset_h=utc_offset_h)
    try:
        document = reply.json()
    except ValueError:
        return None, None
    return document, handler_errors.from_json(document, reply.headers, utc_offset_h=utc_offset_h)


def _described(reply: Reply, account: ProviderAccount) -> str:
    return f"HTTP {reply.status}: {wire.snippet(reply.text, account) or 'empty'}"
