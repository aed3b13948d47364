"""The error family of providers. An error says whether trying again can help and whether the outcome is unknown."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import ClassVar


class ProviderError(Exception):
    """A provider did not do what was asked.

    Attributes:
        retryable: Whether the same call to the same provider may succeed later.
        ambiguous: Whether the call may have had its effect all the same (only a purchase cares).
        code: Stable short name, kept on the attempt.
    """

    code: ClassVar[str] = "provider_error"
    retryable: ClassVar[bool] = False
    ambiguous: ClassVar[bool] = False

    def __init__(self, message: str = "", *, literal: str = "") -> None:
        super().__init__(message or literal or self.code)
        self.literal = literal


class NoStock(ProviderError):
    """No number of this kind right now: next route at once."""

    code = "no_stock"
    retryable = True


class PriceTooHigh(ProviderError):
    """The provider wants more than the maximum we sent. `minimum` is in its currency when it says so."""

    code = "price_too_high"
    retryable = True

    def __init__(self, message: str = "", *, literal: str = "", minimum: Decimal | None = None) -> None:
        super().__init__(message, literal=literal)
        self.minimum = minimum


class NoBalance(ProviderError):
    """Our prepaid balance there is used up: switch the account off and tell staff."""

    code = "no_balance"


class AuthFailed(ProviderError):
    """Key wrong or revoked."""

    code = "auth"


class Suspended(ProviderError):
    """The account is blocked, until `until` (aware UTC) when known."""

    code = "suspended"

    def __init__(self, message: str = "", *, literal: str = "", until: dt.datetime | None = None) -> None:
        super().__init__(message, literal=literal)
        self.until = until


class Throttled(ProviderError):
    """Too many calls or too many open orders; `retry_after_s` when the provider says."""

    code = "throttled"
    retryable = True

    def __init__(self, message: str = "", *, literal: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, literal=literal)
        self.retry_after_s = retry_after_s


class BadRequest(ProviderError):
    """The provider does not know a code we sent: a mapping fault, not the customer's."""

    code = "bad_request"


class TooEarly(ProviderError):
    """Cancel refused because the number is too young."""

    code = "too_early"
    retryable = True

    def __init__(
        self, message: str = "", *, literal: str = "", not_before: dt.datetime | None = None
    ) -> None:
        super().__init__(message, literal=literal)
        self.not_before = not_before


class TooLate(ProviderError):
    """Cancel refused because a code is already there or the order has ended: fetch it once more."""

    code = "too_late"


class Conflict(ProviderError):
    """The order is not in a state that allows this."""

    code = "conflict"


class OrderNotFound(ProviderError):
    """The provider does not know the order id. Reconcile; never refund on this alone."""

    code = "not_found"


class NotSupported(ProviderError):
    """The protocol has no such call."""

    code = "not_supported"


class Unreachable(ProviderError):
    """The connection was never made, so nothing can have happened there."""

    code = "unreachable"
    retryable = True


class Ambiguous(ProviderError):
    """Time-out, 5xx, HTML, truncated or unknown reply: what happened there is not known."""

    code = "ambiguous"
    retryable = True
    ambiguous = True
