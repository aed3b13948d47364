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


class BankDetailsRefused(DomainError):
    """A refund does not go to this bank account. `field` names the control that it is about, if it is about one."""

    code = "bank_details_refused"
    status = 409

    def __init__(self, message: str | Promise, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class BankDetailsWrong(BankDetailsRefused):
    """They cannot be right."""

    code = "bank_details_wrong"
    status = 400


class BankDetailsNotWanted(BankDetailsRefused):
    """The refund does not wait for bank details, or no more."""

    code = "invalid_state"

    def __init__(self) -> None:
        super().__init__(_("This refund does not wait for bank details."))


class BankDetailsTooOften(BankDetailsRefused):
    """The tries of this day are used up."""

    code = "too_many_bank_details"
    status = 429

    def __init__(self, maximum: int) -> None:
        super().__init__(
            _("Bank details can be given %(maximum)s times a day. Please try again tomorrow.")
            % {"maximum": maximum}
        )


class BankDetailsNotSent(BankDetailsRefused):
    """Paystack cannot be asked now; nothing has happened."""

    code = "provider_unavailable"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            _(
                "The payment service cannot be reached at the moment. Nothing was sent. Please try again later."
            )
        )


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


class TopUpRefused(DomainError):
    """A top-up cannot be started now; nothing was charged. Its kinds say why."""

    code = "top_up_refused"
    status = 409


class TopUpTooSmall(TopUpRefused):
    """Below the smallest top-up."""

    code = "amount_too_small"
    status = 400

    def __init__(self, minimum_subunits: int, currency: str) -> None:
        super().__init__(
            _("A top-up is at least %(minimum)s.") % {"minimum": format_subunits(minimum_subunits, currency)}
        )


class TopUpTooLarge(TopUpRefused):
    """Above the largest top-up."""

    code = "amount_too_large"
    status = 400

    def __init__(self, maximum_subunits: int, currency: str) -> None:
        super().__init__(
            _("A top-up is at most %(maximum)s.") % {"maximum": format_subunits(maximum_subunits, currency)}
        )


class FirstTopUpTooLarge(TopUpRefused):
    """Above what somebody new may pay at once."""

    code = "first_top_up_limit"

    def __init__(self, maximum_subunits: int, currency: str) -> None:
        super().__init__(
            _("Until a day after your first top-up, one is at most %(maximum)s.")
            % {"maximum": format_subunits(maximum_subunits, currency)}
        )


class DailyTopUpLimit(TopUpRefused):
    """With what was paid or begun in the last 24 hours it would be too much."""

    code = "daily_top_up_limit"

    def __init__(self, maximum_subunits: int, left_subunits: int, currency: str) -> None:
        super().__init__(
            _(
                "Top-ups are limited to %(maximum)s in 24 hours, counting those you have begun. "
                "You can still add %(left)s now."
            )
            % {
                "maximum": format_subunits(maximum_subunits, currency),
                "left": format_subunits(left_subunits, currency),
            }
        )


class TooManyOpenTopUps(TopUpRefused):
    """Several checkouts are open already."""

    code = "too_many_open_top_ups"
    status = 429

    def __init__(self, maximum: int) -> None:
        super().__init__(
            _(
                "You have begun %(maximum)s top-ups within the last hour. Finish one of them, or wait a little."
            )
            % {"maximum": maximum}
        )


class TooManyDeclines(TopUpRefused):
    """Banks have said no too often within an hour."""

    code = "too_many_declines"
    status = 429

    def __init__(self, maximum: int) -> None:
        super().__init__(
            _("Your bank has declined %(maximum)s payments within an hour. Please try again an hour later.")
            % {"maximum": maximum}
        )


class TooManyCards(TopUpRefused):
    """More different cards than one person has."""

    code = "too_many_cards"

    def __init__(self, maximum: int) -> None:
        super().__init__(
            _(
                "More than %(maximum)s different cards were used for your wallet in 30 days. "
                "Please write to support."
            )
            % {"maximum": maximum}
        )


class TopUpsPaused(TopUpRefused):
    """Paystack cannot be used at the moment, or is not set up."""

    code = "payments_paused"
    status = 503

    def __init__(self) -> None:
        super().__init__(_("Top-ups are paused for the moment. Nothing was charged. Please try again later."))


class TopUpsBusy(TopUpRefused):
    """More payments are being started than Paystack takes."""

    code = "rate_limited"
    status = 429

    def __init__(self) -> None:
        super().__init__(
            _("Many payments are being started right now. Nothing was charged. Please try again in a minute.")
        )


class TopUpUnanswered(TopUpRefused):
    """Paystack did not answer, so there is no page to pay on."""

    code = "provider_unavailable"
    status = 503

    def __init__(self) -> None:
        super().__init__(_("The payment page did not open. Nothing was charged. Please try again."))


class ChargeCurrencyRefused(TopUpRefused):
    """Our Paystack account does not take the currency of this top-up."""

    code = "currency_not_supported"

    def __init__(self, currency: str) -> None:
        super().__init__(
            _("Payments in %(currency)s are not possible at the moment.") % {"currency": currency}
        )


class TopUpAmountRefused(TopUpRefused):
    """Paystack does not take this amount, though our limits do."""

    code = "amount_refused"
    status = 400

    def __init__(self, amount_subunits: int, currency: str) -> None:
        super().__init__(
            _("%(amount)s cannot be paid in one payment. Please choose another amount.")
            % {"amount": format_subunits(amount_subunits, currency)}
        )


class PayerEmailRefused(TopUpRefused):
    """Paystack does not take the customer's e-mail address."""

    code = "email_refused"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            _(
                "The payment service does not accept your e-mail address. Change it in your profile, then try again."
            )
        )


class PaymentRefused(TopUpRefused):
    """Paystack said no, for a reason that is none of the customer's."""

    code = "payment_refused"

    def __init__(self) -> None:
        super().__init__(_("The payment service refused to open a payment. Please write to support."))


class AutomaticTopUpOpen(TopUpRefused):
    """One automatic top-up at a time."""

    code = "invalid_state"

    def __init__(self) -> None:
        super().__init__(_("An automatic top-up is under way already."))


class ReviewDecided(DomainError):
    """The money is not under review, or is on its way back."""

    code = "invalid_state"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This payment is not waiting for a decision."))


class ReviewNotPossible(DomainError):
    """This decision cannot be made about this money. `why` is for staff."""

    code = "review_not_possible"
    status = 409

    def __init__(self, why: str | Promise) -> None:
        super().__init__(why)
