"""The ledger's words: kinds of accounts and transfers, and why money moved."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountKind(models.TextChoices):
    CUSTOMER = "customer", _("customer")
    SYSTEM = "system", _("system")


class SystemCode(models.TextChoices):
    """Our own accounts. They carry no running total: their figures are summed from transfers."""

    REVENUE = "revenue", _("Revenue")
    STAFF_ADJUSTMENTS = "staff_adjustments", _("Staff adjustments")
    PROVIDER_COST = "provider_cost", _("Provider cost")
    PROVIDER_PAYABLE = "provider_payable", _("Owed to providers")
    PAYSTACK_CLEARING = "paystack_clearing", _("Owed by Paystack")
    PSP_FEES = "psp_fees", _("Fees of Paystack")
    FEE_RECOVERED = "fee_recovered", _("Fees paid by customers")
    EXCHANGE = "exchange", _("Currency exchange")
    SUSPENSE = "suspense", _("Money under review")
    RECEIVABLES = "receivables", _("Owed by customers")
    BANK = "bank", _("Settled to our bank")
    GIVEN_UP = "given_up", _("Given up by customers who left")


class TransferKind(models.TextChoices):
    """As in TigerBeetle: a transfer posts at once, or is pending until it is posted or voided."""

    POSTED = "posted", _("posted")
    PENDING = "pending", _("hold")
    POST_PENDING = "post_pending", _("capture")
    VOID_PENDING = "void_pending", _("release")


class TransferCode(models.TextChoices):
    """Why money moved. The label is what the customer reads on the statement."""

    VERIFICATION_HOLD = "verification_hold", _("Held for a number")
    VERIFICATION_CAPTURE = "verification_capture", _("Charged for a code")
    VERIFICATION_RELEASE = "verification_release", _("Returned, no code came")
    STAFF_CREDIT = "staff_credit", _("Credit from support")
    STAFF_DEBIT = "staff_debit", _("Correction by support")
    PROVIDER_COST = "provider_cost", _("Cost of a number")
    DEPOSIT = "deposit", _("Top-up")
    DEPOSIT_RECEIVED = "deposit_received", _("Payment received")
    DEPOSIT_FEE = "deposit_fee", _("Fee of a payment")
    DEPOSIT_FEE_RECOVERED = "deposit_fee_recovered", _("Fee paid by the customer")
    SUSPENSE_IN = "suspense_in", _("Payment under review")
    SUSPENSE_OUT = "suspense_out", _("Review decided")
    REFUND_HOLD = "refund_hold", _("Held for a refund")
    REFUND_CAPTURE = "refund_capture", _("Refunded")
    REFUND_RELEASE = "refund_release", _("Refund not made, returned")
    REFUND_PAID = "refund_paid", _("Refund paid by Paystack")
    DISPUTE_HOLD = "dispute_hold", _("Held for a disputed payment")
    DISPUTE_CAPTURE = "dispute_capture", _("Disputed payment, taken back by your bank")
    DISPUTE_RELEASE = "dispute_release", _("Dispute closed, returned")
    DISPUTE_PAID = "dispute_paid", _("Dispute paid to the bank")
    RECEIVABLE = "receivable", _("Owed after a dispute")
    RECEIVABLE_REPAID = "receivable_repaid", _("Repaid after a disputed payment")
    SETTLEMENT = "settlement", _("Paid out to our bank")
    CLEARING_CORRECTION = "clearing_correction", _("Correction of the clearing account")
    BALANCE_GIVEN_UP = "balance_given_up", _("Given up with the account")


# What resolves a hold: its code → (code of the capture, code of the release).
RESOLUTIONS: dict[str, tuple[TransferCode, TransferCode]] = {
    TransferCode.VERIFICATION_HOLD: (TransferCode.VERIFICATION_CAPTURE, TransferCode.VERIFICATION_RELEASE),
    TransferCode.REFUND_HOLD: (TransferCode.REFUND_CAPTURE, TransferCode.REFUND_RELEASE),
    TransferCode.DISPUTE_HOLD: (TransferCode.DISPUTE_CAPTURE, TransferCode.DISPUTE_RELEASE),
}
STAFF_CODES = (TransferCode.STAFF_CREDIT, TransferCode.STAFF_DEBIT)


class StatementFilter(models.TextChoices):
    """What a customer may look for on the statement."""

    MONEY_IN = "in", _("Money in")
    CHARGES = "charges", _("Charges")
    HOLDS = "holds", _("Held and returned")
