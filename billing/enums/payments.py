"""The words of payments: deposits, refunds, disputes and what stands around them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DepositPurpose(models.TextChoices):
    """How a deposit came to be. The value is the letter in its reference."""

    TOP_UP = "t", _("top-up")
    AUTO = "a", _("automatic top-up")
    BANK = "b", _("bank transfer")  # to the customer's own account number; the reference is Paystack's


class DepositStatus(models.TextChoices):
    """`failed` and `abandoned` are watched on: money that arrives late is credited."""

    CREATED = "created", _("starting")
    PENDING = "pending", _("waiting for you to pay")
    PROCESSING = "processing", _("waiting for your bank")
    SUCCEEDED = "succeeded", _("paid")
    FAILED = "failed", _("declined")
    ABANDONED = "abandoned", _("not finished")
    NEEDS_REVIEW = "needs_review", _("being checked")
    REVERSED = "reversed", _("reversed")


class ReviewReason(models.TextChoices):
    """Why money that was paid is not credited by itself."""

    SHORT = "short", _("less than asked for")
    OVER = "over", _("more than asked for")
    WRONG_CURRENCY = "wrong_currency", _("another currency")
    WRONG_MODE = "wrong_mode", _("test money in live mode, or the other way round")
    SHARED_CARD = "shared_card", _("a card used by several customers")
    UNKNOWN_REFERENCE = "unknown_reference", _("a payment we did not ask for")
    UNKNOWN_ACCOUNT = "unknown_account", _("an account number of nobody")


class WebhookState(models.TextChoices):
    PENDING = "pending", _("waiting")
    DONE = "done", _("done")
    IGNORED = "ignored", _("known, nothing to do")
    UNKNOWN = "unknown", _("unknown event")
    FAILED = "failed", _("failed")


class RefundStatus(models.TextChoices):
    """`requested` waits for staff and holds the money already, as do all until `processed`, `failed` and `refused`."""

    REQUESTED = "requested", _("asked for")
    HELD = "held", _("about to be sent")
    SENT = "sent", _("sent, no answer yet")
    PENDING = "pending", _("with Paystack")
    PROCESSING = "processing", _("with your bank")
    NEEDS_ATTENTION = "needs_attention", _("bank details needed")
    PROCESSED = "processed", _("refunded")
    FAILED = "failed", _("not possible, returned")
    REFUSED = "refused", _("refused, returned")


class DisputeStatus(models.TextChoices):
    """As Paystack says them; `closed` is ours for a resolved one."""

    AWAITING_MERCHANT = "awaiting-merchant-feedback", _("needs our answer")
    AWAITING_BANK = "awaiting-bank-feedback", _("with the bank")
    PENDING = "pending", _("pending")
    RESOLVED = "resolved", _("resolved")
    ARCHIVED = "archived", _("archived")


class DisputeOutcome(models.TextChoices):
    OPEN = "open", _("open")
    WON = "won", _("won")
    LOST = "lost", _("lost")


class StopReason(models.TextChoices):
    """Why automatic top-up is off."""

    CUSTOMER = "customer", _("switched off by you")
    DECLINES = "declines", _("the card was declined three times")
    CARD_GONE = "card_gone", _("the card was removed")
    DISPUTE = "dispute", _("a payment is disputed")
    FRAUD = "fraud", _("the payment was refused for safety")


class ReceiptKind(models.TextChoices):
    DEPOSIT = "deposit", _("deposit")
    REFUND = "refund", _("refund")


class ApprovalKind(models.TextChoices):
    """Money actions that above a limit need a second member of staff."""

    ADJUSTMENT = "adjustment", _("credit or debit a customer")
    REVIEW_CREDIT = "review_credit", _("credit reviewed money")
    REFUND = "refund", _("send a refund")


class DifferenceKind(models.TextChoices):
    """What reconciliation may find, one row each."""

    NOT_CREDITED = "not_credited", _("paid there, not credited here")
    NOT_PAID = "not_paid", _("credited here, not paid there")
    AMOUNT = "amount", _("amounts differ")
    CURRENCY = "currency", _("currencies differ")
    FEES = "fees", _("fees differ")
    UNKNOWN_TRANSACTION = "unknown_transaction", _("a payment we do not know")
    REFUND = "refund", _("refunds differ")
    CLEARING = "clearing", _("the clearing account does not add up")
    SETTLEMENT = "settlement", _("a settlement does not add up")
