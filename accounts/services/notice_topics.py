"""What people can be told about, which of it they may switch off, and what holds until they say otherwise.

Product news are no topic of these: they take consent (`services/consents.py`) and are off until it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class Topic(TextChoices):
    """What a notice or an e-mail is about. Values are kept with preferences."""

    PAYMENTS = "payments", _("Payments")
    REFUNDS = "refunds", _("Refunds")
    DISPUTES = "disputes", _("Disputes with your bank")
    WALLET = "wallet", _("Wallet")
    ORDERS = "orders", _("Orders")
    SECURITY = "security", _("Security and your data")
    ADDRESS = "address", _("Proof of an address")  # answers to what somebody typed; there may be no account


@dataclass(frozen=True, slots=True)
class Rule:
    """How one topic is told.

    Attributes:
        about: What comes under it, for the page of preferences.
        icon: Its shape beside a notice.
        in_app: Whether it is under the bell by default.
        by_email: Whether it is sent by default.
        is_fixed: Whether it stays so whatever somebody prefers.
    """

    about: StrPromise
    icon: str
    in_app: bool = True
    by_email: bool = True
    is_fixed: bool = False


RULES: dict[Topic, Rule] = {
    Topic.PAYMENTS: Rule(_("Top-ups that arrived, failed or are looked at by a person."), "credit-card"),
    Topic.REFUNDS: Rule(_("Money on its way back to you, and what a refund still needs from you."), "undo-2"),
    Topic.DISPUTES: Rule(_("A payment your bank asks back, and what it decides."), "landmark"),
    Topic.WALLET: Rule(_("A low balance, automatic top-up, saved cards."), "wallet"),
    Topic.ORDERS: Rule(
        _("A code that arrived, an order that ended without one."), "message-square-text", by_email=False
    ),
    Topic.SECURITY: Rule(
        _("New devices, password, address, second factor, keys, and copies or erasure of your data."),
        "shield-check",
        is_fixed=True,
    ),
    Topic.ADDRESS: Rule(_("Links and codes you asked for."), "mail", in_app=False, is_fixed=True),
}
CHOSEN = tuple(topic for topic, rule in RULES.items() if not rule.is_fixed)

OF_TEMPLATE: dict[str, Topic] = {
    "deposit_succeeded": Topic.PAYMENTS,
    "deposit_failed": Topic.PAYMENTS,
    "deposit_review": Topic.PAYMENTS,
    "deposit_closed": Topic.PAYMENTS,
    "payment_needs_you": Topic.PAYMENTS,
    "refund_requested": Topic.REFUNDS,
    "refund_needs_details": Topic.REFUNDS,
    "refund_processed": Topic.REFUNDS,
    "refund_failed": Topic.REFUNDS,
    "dispute_opened": Topic.DISPUTES,
    "dispute_closed": Topic.DISPUTES,
    "wallet_low": Topic.WALLET,
    "card_removed": Topic.WALLET,
    "auto_top_up_succeeded": Topic.WALLET,
    "auto_top_up_failed": Topic.WALLET,
    "auto_top_up_stopped": Topic.WALLET,
    "code_received": Topic.ORDERS,
    "order_ended": Topic.ORDERS,
    "verify_sign_up": Topic.ADDRESS,
    "account_exists": Topic.ADDRESS,
    "verify_email": Topic.ADDRESS,
    "email_change_new": Topic.ADDRESS,
    "erasure_done": Topic.ADDRESS,
    "invitation": Topic.ADDRESS,
    "password_reset": Topic.SECURITY,
    "password_changed": Topic.SECURITY,
    "email_change_old": Topic.SECURITY,
    "email_changed": Topic.SECURITY,
    "sign_in_locked": Topic.SECURITY,
    "new_device": Topic.SECURITY,
    "second_factor_code": Topic.SECURITY,
    "factor_added": Topic.SECURITY,
    "factor_removed": Topic.SECURITY,
    "factors_reset": Topic.SECURITY,
    "recovery_code_used": Topic.SECURITY,
    "passkey_copied": Topic.SECURITY,
    "account_suspended": Topic.SECURITY,
    "account_restored": Topic.SECURITY,
    "export_ready": Topic.SECURITY,
    "erasure_planned": Topic.SECURITY,
    "erasure_waiting": Topic.SECURITY,
    "erasure_cancelled": Topic.SECURITY,
}


def of(template: str) -> Topic:
    """What an e-mail or a notice is about; one that nobody has filed is told as security is, rather than not at all."""
    return OF_TEMPLATE.get(template, Topic.SECURITY)
