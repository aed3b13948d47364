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


# What resolves a hold: its code → (code of the capture, code of the release).
RESOLUTIONS: dict[str, tuple[TransferCode, TransferCode]] = {
    TransferCode.VERIFICATION_HOLD: (TransferCode.VERIFICATION_CAPTURE, TransferCode.VERIFICATION_RELEASE),
}
STAFF_CODES = (TransferCode.STAFF_CREDIT, TransferCode.STAFF_DEBIT)


class StatementFilter(models.TextChoices):
    """What a customer may look for on the statement."""

    MONEY_IN = "in", _("Money in")
    CHARGES = "charges", _("Charges")
    HOLDS = "holds", _("Held and returned")
