"""From Paystack's refusals to our errors: by `code`, then by how the message starts, then by the HTTP status.

The generic codes (`invalid_params`, `missing_params`, `unknown`) come with messages that say more, so they decide nothing.
Source: docs/providers/paystack.md, "Errors"
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from billing.paystack.errors import (
    AlreadyRefunded,
    AmountRefused,
    BadKey,
    BadRequest,
    CardUnusable,
    ChargeTooSoon,
    CurrencyNotSupported,
    Declined,
    DuplicateReference,
    EmailRefused,
    NotFound,
    OutcomeUnknown,
    PaystackError,
    RefundNotCovered,
    Refused,
    SessionExpired,
    SuspectedFraud,
    Throttled,
)
from namaskah.lib.http_redaction import redact

BY_CODE: dict[str, type[PaystackError]] = {
    "duplicate_reference": DuplicateReference,
    "transaction_not_found": NotFound,
    "not_found": NotFound,
}

# Case-folded beginnings of messages. `X` minutes are read out of the message.
BY_MESSAGE: tuple[tuple[str, type[PaystackError]], ...] = (
    ("duplicate transaction reference", DuplicateReference),
    ("duplicate charge request for reference", DuplicateReference),
    ("transaction reference not found", NotFound),
    ("transaction not found", NotFound),
    ("transaction id or reference is invalid", NotFound),
    ("transaction reference is invalid", NotFound),
    ("customer not found", NotFound),
    ("a customer with the specified email or code was not found", NotFound),
    ("dispute not found", NotFound),
    ("invalid character in transaction reference", BadRequest),
    ("you must specify a valid amount", BadRequest),
    ("amount must be an integer", BadRequest),
    ("invalid amount", BadRequest),
    ("evidence is required", BadRequest),
    ("invalid key", BadKey),
    ("no authorization header was found", BadKey),
    ("format is authorization bearer", BadKey),
    ("authentication token expired", BadKey),
    ("integration has been deactivated", BadKey),
    ("invalid merchant selected", BadKey),
    ("currency not supported by merchant", CurrencyNotSupported),
    ("transaction amount limit exceeded", AmountRefused),
    ("watch your spending", AmountRefused),
    ("pay with transfer is not currently supported for transactions less than", AmountRefused),
    ("cannot refund less than", AmountRefused),
    ("refund amount cannot be greater than initial amount", AmountRefused),
    ("invalid email address", EmailRefused),
    ("email is not allowed to be empty", EmailRefused),
    ("email address is required", EmailRefused),
    ("authorization code is invalid", CardUnusable),
    ("authorization code not found", CardUnusable),
    ("invalid authorization code", CardUnusable),
    ("email does not match authorization code", CardUnusable),
    ("email address does not match authorization code", CardUnusable),
    ("expired card", CardUnusable),
    ("pickup card", CardUnusable),
    ("insufficient funds", Declined),
    ("declined", Declined),
    ("refer to card issuer", Declined),
    ("denied by fraud system", SuspectedFraud),
    ("unable to process transaction", SuspectedFraud),
    ("charge attempt cannot be fulfilled until", ChargeTooSoon),
    ("too many attempts", ChargeTooSoon),
    ("oooops, your payment has exceeded the time to pay", SessionExpired),
    ("transaction cannot be completed. session timeout exceeded", SessionExpired),
    ("please wait a few minutes and try again", Throttled),
    ("transaction has been fully reversed", AlreadyRefunded),
    ("insufficient balance to fulfill this refund", RefundNotCovered),
)

_BY_STATUS: dict[int, type[PaystackError]] = {401: BadKey, 404: NotFound, 429: Throttled}
_MINUTES = re.compile(r"(\d{1,5})\s*minute")
_LONGEST_MESSAGE = 200


def error_of(
    status: int, document: Any, *, retry_after_s: float | None = None, secrets: Iterable[str] = ()
) -> PaystackError:
    """The error behind an answer that is no success.

    Args:
        document: The parsed body; anything else than a JSON object when it could not be parsed.
        retry_after_s: What the header `Retry-After` asks for.
        secrets: Strings that must not show in the error.
    """
    if status >= 500 or status == 408 or 300 <= status < 400:
        return OutcomeUnknown(f"HTTP {status}", status=status)
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    message = _message(fields, secrets)
    code = _word(fields.get("code"))
    kind = BY_CODE.get(code) or _by_message(message) or _by_status(status, fields)
    if issubclass(kind, Throttled):
        return kind(message, retry_after_s=_minutes(message) or retry_after_s, status=status)
    return kind(message or f"HTTP {status}", code=code, status=status)


def is_dead_card(gateway_response: str) -> bool:
    """Whether a bank's words about a failed charge mean that this card will never be charged again."""
    return _by_message(gateway_response) is CardUnusable


def _by_message(message: str) -> type[PaystackError] | None:
    folded = message.casefold()
    return next((kind for start, kind in BY_MESSAGE if folded.startswith(start)), None)


def _by_status(status: int, fields: dict[str, Any]) -> type[PaystackError]:
    if status in (401, 429):  # what stands in the way of every call needs no body to be believed
        return _BY_STATUS[status]
    if not _says_no(fields):
        return OutcomeUnknown  # no answer of Paystack's: a proxy's page, a wrong address
    return _BY_STATUS.get(status, Refused)


def _says_no(fields: dict[str, Any]) -> bool:
    """Whether it is Paystack's own refusal; `status` has been seen as the text `false`."""
    status = fields.get("status")
    return status is False or (isinstance(status, str) and status.strip().casefold() == "false")


def _message(fields: dict[str, Any], secrets: Iterable[str]) -> str:
    message = fields.get("message")
    line = " ".join(message[:1000].split()) if isinstance(message, str) else ""
    return redact(line, secrets)[:_LONGEST_MESSAGE]


def _word(value: Any) -> str:
    return value.strip().casefold()[:60] if isinstance(value, str) else ""


def _minutes(message: str) -> float | None:
    found = _MINUTES.search(message)
    return float(found[1]) * 60 if found else None
