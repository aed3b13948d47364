"""What is written down for others: receipts, reconciled days, settlements, second opinions of staff."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.enums import ApprovalKind, DifferenceKind, ReceiptKind
from billing.models.deposits import Deposit
from billing.models.returns import Refund
from namaskah.lib.ids import uuid7


class ReceiptCounter(models.Model):
    """The last number of each year, taken under its row's lock: numbers have no gaps."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Receipt(models.Model):
    """A numbered receipt, written with the fact it proves. `seller` is what the settings said then."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=7, choices=ReceiptKind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="receipts", db_index=False
    )
    deposit = models.ForeignKey(Deposit, models.PROTECT, related_name="receipts")
    refund = models.OneToOneField(Refund, models.PROTECT, null=True, blank=True, related_name="receipt")
    seller = models.JSONField(default=dict)
    issued_at = models.DateTimeField(_("issued"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        permissions: ClassVar = [("download_receipt", _("Can download own receipts"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["deposit"], condition=Q(kind="deposit"), name="receipt_of_deposit_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="deposit", refund__isnull=True) | Q(kind="refund", refund__isnull=False),
                name="receipt_kind_fits",
            ),
        ]
        indexes: ClassVar = [models.Index("user", F("issued_at").desc(), name="receipt_of_user")]

    def __str__(self) -> str:
        return self.number


class Settlement(models.Model):
    """What Paystack paid out to our bank, as its list says."""

    paystack_id = models.BigIntegerField(_("Paystack's id"), unique=True)
    status = models.CharField(_("status"), max_length=30)
    currency = models.CharField(_("currency"), max_length=3)
    total_subunits = models.BigIntegerField(_("paid out, in subunits"))
    fees_subunits = models.BigIntegerField(_("fees, in subunits"), default=0)
    processed_subunits = models.BigIntegerField(_("processed, in subunits"), default=0)
    deductions_subunits = models.BigIntegerField(_("deductions, in subunits"), default=0)
    settled_on = models.DateField(_("settled on"), null=True, blank=True)
    is_posted = models.BooleanField(_("in the books"), default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        indexes: ClassVar = [models.Index(F("settled_on").desc(), name="settlement_by_day")]

    def __str__(self) -> str:
        return f"{self.paystack_id}"


class ReconciledDay(models.Model):
    """One day (UTC) in one charge currency: both sides' sums, and whether somebody has closed it."""

    day = models.DateField(_("day"))
    currency = models.CharField(_("currency"), max_length=3)
    figures = models.JSONField(_("figures"), default=dict)
    open_differences = models.PositiveIntegerField(_("open differences"), default=0)
    ran_at = models.DateTimeField(_("compared"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("reconciled day")
        verbose_name_plural = _("reconciliation")
        permissions: ClassVar = [
            ("run_reconciledday", _("Can compare a day again")),
            ("close_reconciledday", _("Can close a day")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "currency"], name="reconciled_day_once"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(open_differences=0) | ~Q(reason=""),
                name="reconciled_day_closed_at_zero_or_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.currency}"


class Difference(models.Model):
    """One thing that is not the same on both sides. It stays until a later run no longer finds it, or a person explains it."""

    day = models.ForeignKey(ReconciledDay, models.CASCADE, related_name="differences", db_index=False)
    kind = models.CharField(_("kind"), max_length=20, choices=DifferenceKind)
    subject = models.CharField(_("about"), max_length=120)
    text = models.CharField(_("difference"), max_length=400)
    amount_subunits = models.BigIntegerField(_("amount, in subunits"), default=0)
    found_at = models.DateTimeField(_("found"), default=timezone.now, editable=False)
    gone_at = models.DateTimeField(_("gone"), null=True, blank=True)
    explained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    explanation = models.CharField(_("explanation"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "kind", "subject"], name="difference_once")
        ]

    def __str__(self) -> str:
        return self.text


class Approval(models.Model):
    """A money action above the limit: one member of staff asks, another one decides."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("what"), max_length=15, choices=ApprovalKind)
    subject = models.CharField(
        _("about"), max_length=100, help_text=_("`deposit:<id>`, `refund:<id>`, `user:<id>`.")
    )
    amount = models.DecimalField(_("amount, wallet currency"), max_digits=19, decimal_places=4)
    reason = models.CharField(_("reason"), max_length=500)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    is_approved = models.BooleanField(_("approved"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        permissions: ClassVar = [("decide_approval", _("Can approve as the second person"))]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(reason=""), name="approval_has_reason"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="approval_by_another",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, is_approved__isnull=True)
                | Q(decided_at__isnull=False, is_approved__isnull=False),
                name="approval_decided_whole",
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(decided_at__isnull=True), name="approval_asked_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
