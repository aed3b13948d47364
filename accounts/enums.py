"""Closed lists that the database and the outside know by value."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class EventType(models.TextChoices):
    """What a customer may be told. The values are public: pages, the stream and later the API carry them."""

    VERIFICATION_WAITING = "verification.waiting", _("Number ready")
    VERIFICATION_RECEIVED = "verification.received", _("Code received")
    VERIFICATION_COMPLETED = "verification.completed", _("Order completed")
    VERIFICATION_CANCELLED = "verification.cancelled", _("Order cancelled")
    VERIFICATION_EXPIRED = "verification.expired", _("Order expired")
    VERIFICATION_FAILED = "verification.failed", _("Order failed")
    DEPOSIT_SUCCEEDED = "deposit.succeeded", _("Top-up paid")
    DEPOSIT_FAILED = "deposit.failed", _("Top-up not paid")
    REFUND_PROCESSED = "refund.processed", _("Refund paid")
    WALLET_LOW = "wallet.low", _("Balance is low")
