"""What can go wrong with a call to Paystack. Two facts matter to callers: may it have happened, and can trying again help."""

from __future__ import annotations


class PaystackError(Exception):
    """Base of the family.

    Args:
        message: Paystack's words, or ours; for logs and staff, never for customers.
        code: Paystack's `code`, or a word of ours.

    `is_unknown` means the call may have had its effect: find out by reading, never by sending again.
    """

    is_unknown = False
    can_retry = False
    code = "paystack_error"

    def __init__(self, message: str = "", *, code: str = "", status: int | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)
        self.message = message
        self.code = code or self.code
        self.status = status


class OutcomeUnknown(PaystackError):
    """No usable answer: a time-out, a reset, a 5xx, a body that is not what was documented."""

    is_unknown = True
    can_retry = True
    code = "outcome_unknown"


class NotReached(PaystackError):
    """The request never left: nothing can have happened."""

    can_retry = True
    code = "not_reached"


class Paused(NotReached):
    """We do not call at the moment: the breaker is open, or our own rate limit is used up."""

    code = "paused"


class Throttled(PaystackError):
    """Paystack asks for patience; the call was not carried out."""

    can_retry = True
    code = "throttled"

    def __init__(
        self, message: str = "", *, retry_after_s: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class ChargeTooSoon(Throttled):
    """This card rests after too many failures anywhere: wait for `retry_after_s`. Says nothing about other calls."""

    code = "charge_too_soon"


class Refused(PaystackError):
    """Paystack said no; saying the same again changes nothing."""

    code = "refused"


class BadRequest(Refused):
    """The request itself was wrong: a fault of ours."""

    code = "bad_request"


class BadKey(Refused):
    """The key is wrong or the integration is switched off: for staff, at once."""

    code = "bad_key"


class NotFound(Refused):
    """Paystack knows nothing of this reference or id."""

    code = "not_found"


class DuplicateReference(Refused):
    """The reference exists at Paystack: an earlier call has had its effect."""

    code = "duplicate_reference"


class CurrencyNotSupported(Refused):
    """Our account may not take this currency."""

    code = "currency_not_supported"


class AmountRefused(Refused):
    """Too much or too little for Paystack."""

    code = "amount_refused"


class EmailRefused(Refused):
    """Paystack does not take this e-mail address."""

    code = "email_refused"


class CardUnusable(Refused):
    """The saved card cannot be charged any more: forget it."""

    code = "card_unusable"


class Declined(Refused):
    """The bank said no this time."""

    code = "declined"


class SessionExpired(Refused):
    """The customer took too long at the checkout: a new attempt is needed."""

    code = "session_expired"


class SuspectedFraud(Refused):
    """Paystack's fraud checks said no: do not try again, look at the account."""

    code = "suspected_fraud"


class AlreadyRefunded(Refused):
    """Nothing is left to refund of this transaction."""

    code = "already_refunded"


class RefundNotWaiting(Refused):
    """The refund does not wait for bank details, or no more: look at it."""

    code = "refund_not_waiting"


class RefundNotCovered(Refused):
    """Our balance at Paystack does not cover the refund: it can be sent when it does."""

    can_retry = True
    code = "refund_not_covered"
