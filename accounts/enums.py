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


class Role(models.TextChoices):
    """What somebody may do; each is a group, and `roles.py` lists its permissions."""

    CUSTOMER = "customer", _("Customer")
    PREMIUM = "premium", _("Premium customer")
    SUPPORT = "support", _("Support")
    FINANCE = "finance", _("Finance")
    ADMINISTRATOR = "administrator", _("Administrator")


STAFF_ROLES = (Role.SUPPORT, Role.FINANCE, Role.ADMINISTRATOR)


class AccountState(models.TextChoices):
    """Whether an account may be used. Only `active` can sign in; what it ordered goes on either way."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")  # until staff restores it
    BANNED = "banned", _("Banned")  # for good, unless it was a mistake
    ERASED = "erased", _("Erased")  # nobody is behind it any more; the books keep its number


class ProofPurpose(models.TextChoices):
    """What somebody proves by a link or a code that was sent to them."""

    SIGN_UP = "sign_up", _("Sign-up")
    VERIFY_EMAIL = "verify_email", _("E-mail address")
    RESET_PASSWORD = "reset_password", _("Password reset")
    CHANGE_EMAIL_OLD = "change_email_old", _("Change of address, the old one")
    CHANGE_EMAIL_NEW = "change_email_new", _("Change of address, the new one")
    SECOND_FACTOR = "second_factor", _("Second factor")
    CONFIRM_PHONE = "confirm_phone", _("Telephone number")
    PASSKEY = "passkey", _("Passkey")  # the challenge that an authenticator signs


class CodeChannel(models.TextChoices):
    """How a code for the second factor reaches its owner."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")


class Document(models.TextChoices):
    """What somebody agrees to, or not."""

    TERMS = "terms", _("Terms of service")
    PRIVACY = "privacy", _("Privacy notice")
    MARKETING = "marketing", _("News about the product")
