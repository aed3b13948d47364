"""What the ledger may refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from namaskah.exceptions import DomainError
from namaskah.lib.money import format_money, format_subunits

if TYPE_CHECKING:
    from billing.models import Transfer


class InsufficientFunds(DomainError):
    """The available balance is below the amount asked for; nothing has moved.

    Args:
        available: Wallet currency, at the moment of the refusal.
        amount: Wallet currency, what was asked for.
    """

    code = "insufficient_funds"
    status = 402

    def __init__(self, *, available: Decimal, amount: Decimal, currency: str) -> None:
        super().__init__(
            _("Your wallet has %(available)s available and this costs %(amount)s.")
            % {"available": format_money(available, currency), "amount": format_money(amount, currency)}
        )
        self.available = available
        self.amount = amount


class HoldAlreadyResolved(DomainError):
    """The hold was captured or released before, in another way than now asked for. `resolution` is that transfer."""

    code = "invalid_state"
    status = 409

    def __init__(self, resolution: Transfer) -> None:
        super().__init__(_("This hold has already been settled."))
        self.resolution = resolution


class KeyReused(DomainError):
    """The idempotency key belongs to a transfer that says something else."""

    code = "idempotency_key_reused"
    status = 422

    def __init__(self, key: str) -> None:
        super().__init__(_("This request was made before with other contents."))
        self.key = key


class UnknownHold(DomainError):
    """No hold has this id."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such hold."))


class RateTooOld(DomainError):
    """No exchange rate that is fresh enough to sell by."""

    code = "payments_paused"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            _("Top-ups are paused: today's exchange rate has not arrived yet. Please try again later.")
        )


class DepositNotRefundable(DomainError):
    """Nothing of this deposit can go back: spent, too old, disputed, or not the customer's."""

    code = "not_refundable"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("Nothing of this top-up can be refunded now."))


class RefundTooLarge(DomainError):
    """More than is unspent of the deposit. `most_subunits` is what could go back."""

    code = "refund_too_large"
    status = 409

    def __init__(self, most_subunits: int, currency: str) -> None:
        super().__init__(
            _("At most %(most)s of this top-up can be refunded now.")
            % {"most": format_subunits(most_subunits, currency)}
        )
        self.most_subunits = most_subunits


class RefundTooSmall(DomainError):
    """Less than can be moved."""

    code = "refund_too_small"
    status = 400

    def __init__(self, minimum_subunits: int, currency: str) -> None:
        super().__init__(
            _("A refund cannot be less than %(minimum)s.")
            % {"minimum": format_subunits(minimum_subunits, currency)}
        )


class RefundDecided(DomainError):
    """The refund is past the decision that was to be made."""

    code = "invalid_state"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This refund has been decided already."))


class UnknownRefund(DomainError):
    """No refund has this id."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such refund."))


class UnknownDispute(DomainError):
    """No dispute has this id."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such dispute."))


class DisputeClosed(DomainError):
    """The dispute has its outcome, or its answer is on its way."""

    code = "invalid_state"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This dispute has been answered already."))


class AnswerNotTaken(DomainError):
    """Paystack did not take the answer to a dispute, or nobody knows. `words` are Paystack's, for staff."""

    code = "answer_not_taken"
    status = 502

    def __init__(self, words: str) -> None:
        super().__init__(_("Paystack did not confirm the answer: %(words)s") % {"words": words})


class UnknownCard(DomainError):
    """The customer has no such card."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such card."))


class AutoTopUpRefused(DomainError):
    """These wishes for automatic top-up cannot be kept. `field` names the control that it is about."""

    code = "auto_top_up_refused"

    def __init__(self, message: str | Promise, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class BankAccountRefused(DomainError):
    """A bank account number cannot be asked for now."""

    code = "bank_account_refused"
    status = 409
