"""Money on its way out again: refunds and disputes."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.enums import DisputeOutcome, DisputeStatus, RefundStatus
from billing.models.deposits import Deposit
from billing.models.ledger import DIGITS, Transfer
from namaskah.lib.ids import uuid7
from namaskah.lib.money import PLACES


class Refund(models.Model):
    """One decision to send money of one deposit back to its source. The wallet's part is on hold until the end is known."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    deposit = models.ForeignKey(Deposit, models.PROTECT, related_name="refunds")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="refunds",
        db_index=False,
    )
    status = models.CharField(
        _("status"), max_length=15, choices=RefundStatus, default=RefundStatus.REQUESTED
    )
    charge_currency = models.CharField(max_length=3)
    amount_subunits = models.BigIntegerField(_("amount, in subunits"))
    wallet_amount = models.DecimalField(
        _("taken from the wallet"),
        max_digits=DIGITS,
        decimal_places=PLACES,
        help_text=_("Nothing for money that was under review and never credited."),
    )
    hold = models.OneToOneField(Transfer, models.PROTECT, null=True, blank=True, related_name="+")
    form_key = models.UUIDField(null=True, blank=True, editable=False)
    # Paystack has no reference of ours for a refund: this text in `merchant_note` is how we know our own again.
    token = models.CharField(_("token"), max_length=40, unique=True)
    paystack_id = models.BigIntegerField(_("Paystack's id"), null=True, blank=True, unique=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    note = models.CharField(
        _("note"), max_length=300, blank=True, help_text=_("For staff: what happened last.")
    )
    next_look_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(_("asked for"), default=timezone.now, editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    # Of the latest try to pass the customer's bank details on, and how many tries that day had.
    details_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    details_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        permissions: ClassVar = [
            ("request_refund", _("Can ask for an own deposit back")),
            ("decide_refund", _("Can approve and refuse refunds")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_subunits__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(wallet_amount=0, hold__isnull=True) | Q(wallet_amount__gt=0, hold__isnull=False),
                name="refund_holds_what_it_takes",
            ),
            models.UniqueConstraint(
                fields=["user", "form_key"], condition=Q(form_key__isnull=False), name="refund_form_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index("user", F("created_at").desc(), name="refund_of_user"),
            models.Index(fields=["next_look_at"], condition=Q(next_look_at__isnull=False), name="refund_due"),
            models.Index("status", F("created_at").desc(), name="refund_by_status"),
        ]

    def __str__(self) -> str:
        return self.token

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class Dispute(models.Model):
    """A chargeback or fraud claim about one deposit, as Paystack tells it."""

    paystack_id = models.BigIntegerField(_("Paystack's id"), unique=True)
    deposit = models.ForeignKey(Deposit, models.PROTECT, null=True, blank=True, related_name="disputes")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="disputes"
    )
    transaction_reference = models.CharField(_("reference"), max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=30, choices=DisputeStatus)
    outcome = models.CharField(
        _("outcome"), max_length=4, choices=DisputeOutcome, default=DisputeOutcome.OPEN
    )
    resolution = models.CharField(_("resolution"), max_length=40, blank=True)
    category = models.CharField(_("category"), max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    amount_subunits = models.BigIntegerField(_("disputed, in subunits"))
    wallet_amount = models.DecimalField(
        _("disputed, in the wallet currency"), max_digits=DIGITS, decimal_places=PLACES, default=0
    )
    hold = models.OneToOneField(Transfer, models.PROTECT, null=True, blank=True, related_name="+")
    shortfall = models.DecimalField(
        _("not covered by the wallet"), max_digits=DIGITS, decimal_places=PLACES, default=0
    )
    due_at = models.DateTimeField(_("answer until"), null=True, blank=True)
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    evidence_id = models.BigIntegerField(null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        permissions: ClassVar = [("answer_dispute", _("Can accept and contest disputes"))]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(wallet_amount__gte=0, shortfall__gte=0, shortfall__lte=F("wallet_amount")),
                name="dispute_shortfall_within_amount",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["outcome", "due_at"], name="dispute_by_deadline"),
            models.Index(
                fields=["next_look_at"], condition=Q(next_look_at__isnull=False), name="dispute_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.paystack_id}"
