"""Money on its way in: exchange rates, deposits, and the inbox of Paystack's webhooks."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.enums import DepositPurpose, DepositStatus, ReviewReason, WebhookState
from billing.models.ledger import DIGITS
from namaskah.lib.ids import uuid7
from namaskah.lib.money import PLACES, RATE_PLACES


class ExchangeRate(models.Model):
    """One rate in the history of a currency. Never changed: the newest by `as_of` is in force."""

    charge_currency = models.CharField(_("charge currency"), max_length=3)
    wallet_currency = models.CharField(_("wallet currency"), max_length=3)
    rate = models.DecimalField(
        _("rate"),
        max_digits=18,
        decimal_places=RATE_PLACES,
        help_text=_("Units of the charge currency for one unit of the wallet currency."),
    )
    source = models.CharField(_("source"), max_length=100, help_text=_("Host of the source, or `staff`."))
    as_of = models.DateTimeField(_("as of"), help_text=_("When the source says it held."))
    note = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(_("entered"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_positive"),
            models.CheckConstraint(
                condition=~Q(source="staff") | ~Q(note=""), name="exchange_rate_by_staff_has_reason"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                "charge_currency",
                "wallet_currency",
                F("as_of").desc(),
                F("id").desc(),
                name="exchange_rate_newest",
            )
        ]

    def __str__(self) -> str:
        return f"1 {self.wallet_currency} = {self.rate.normalize():f} {self.charge_currency}"


class Deposit(models.Model):
    """One try to pay into the wallet: one reference at Paystack. Written before Paystack is asked for anything.

    `amount_subunits` is what we asked for, after a review what was credited for; what was paid is in `paid_subunits` and
    decides nothing but acceptance. The rate is frozen here, so `credit_amount` is known before the customer pays and is what
    the wallet gets.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deposits",
        db_index=False,
        help_text=_("Nobody for a payment that we cannot place."),
    )
    reference = models.CharField(_("reference"), max_length=100, unique=True)
    purpose = models.CharField(_("purpose"), max_length=1, choices=DepositPurpose)
    status = models.CharField(
        _("status"), max_length=12, choices=DepositStatus, default=DepositStatus.CREATED
    )
    retry_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="retries", verbose_name=_("second try of")
    )
    form_key = models.UUIDField(null=True, blank=True, editable=False)  # one deposit per rendered form
    email = models.EmailField(_("e-mail given to Paystack"), max_length=254)

    charge_currency = models.CharField(_("charge currency"), max_length=3)
    amount_subunits = models.BigIntegerField(_("asked for, in subunits"))
    wallet_currency = models.CharField(_("wallet currency"), max_length=3)
    rate = models.DecimalField(_("rate"), max_digits=18, decimal_places=RATE_PLACES)
    rate_as_of = models.DateTimeField(_("rate as of"))
    credit_amount = models.DecimalField(_("credit"), max_digits=DIGITS, decimal_places=PLACES)

    access_code = models.CharField(max_length=100, blank=True, editable=False)
    authorization_url = models.URLField(max_length=500, blank=True, editable=False)
    wants_card_saved = models.BooleanField(_("asked to save the card"), default=False)

    # What Paystack says, after our own verify.
    paystack_id = models.BigIntegerField(_("Paystack's id"), null=True, blank=True, unique=True)
    paid_currency = models.CharField(max_length=3, blank=True)
    paid_subunits = models.BigIntegerField(_("paid, in subunits"), null=True, blank=True)
    requested_subunits = models.BigIntegerField(null=True, blank=True)
    fees_subunits = models.BigIntegerField(_("fees, in subunits"), null=True, blank=True)
    channel = models.CharField(_("channel"), max_length=40, blank=True)
    gateway_response = models.CharField(_("answer of the bank"), max_length=200, blank=True)
    card_fingerprint = models.CharField(
        max_length=64, blank=True, editable=False
    )  # keyed digest of the signature
    card_label = models.CharField(
        _("card"), max_length=60, blank=True, help_text=_("Brand and last four digits.")
    )
    payer = models.CharField(_("sender"), max_length=120, blank=True, help_text=_("Of a bank transfer."))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)

    review_reason = models.CharField(
        _("why it needs review"), max_length=20, choices=ReviewReason, blank=True
    )
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    review_note = models.CharField(_("decision and reason"), max_length=500, blank=True)
    credited_at = models.DateTimeField(_("credited"), null=True, blank=True)
    refunded_subunits = models.BigIntegerField(_("refunded or being refunded, in subunits"), default=0)

    # When to look at Paystack next; empty when there is nothing to look for any more.
    next_look_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    looks = models.PositiveSmallIntegerField(_("looks"), default=0)
    looking_until = models.DateTimeField(null=True, blank=True)  # a lease: one asks, the others get the row
    created_at = models.DateTimeField(_("started"), default=timezone.now, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("deposit")
        verbose_name_plural = _("deposits")
        permissions: ClassVar = [
            ("top_up", _("Can top up the own wallet")),
            ("check_deposit", _("Can ask Paystack about a deposit")),
            ("review_deposit", _("Can decide about money under review")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_subunits__gt=0), name="deposit_amount_positive"),
            models.CheckConstraint(condition=Q(credit_amount__gt=0), name="deposit_credit_positive"),
            models.CheckConstraint(
                # Of a credited deposit what was credited; of money under review whatever was paid.
                condition=Q(refunded_subunits__gte=0)
                & (
                    Q(refunded_subunits__lte=F("amount_subunits"))
                    | Q(credited_at__isnull=True, refunded_subunits__lte=F("paid_subunits"))
                ),
                name="deposit_refunds_within_amount",
            ),
            models.CheckConstraint(
                condition=~Q(status="succeeded") | Q(credited_at__isnull=False, paystack_id__isnull=False),
                name="deposit_succeeded_is_credited",
            ),
            models.CheckConstraint(
                condition=Q(credited_at__isnull=True) | Q(user__isnull=False),
                name="deposit_credited_has_owner",
            ),
            models.UniqueConstraint(
                fields=["user", "form_key"], condition=Q(form_key__isnull=False), name="deposit_form_once"
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(purpose="a", status__in=["created", "pending", "processing"]),
                name="deposit_one_automatic_at_a_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index("user", F("created_at").desc(), name="deposit_of_user"),
            models.Index(
                fields=["next_look_at"], condition=Q(next_look_at__isnull=False), name="deposit_due"
            ),
            models.Index("status", F("created_at").desc(), name="deposit_by_status"),
            models.Index(
                fields=["card_fingerprint", "user"], condition=~Q(card_fingerprint=""), name="deposit_by_card"
            ),
            models.Index(fields=["paid_at"], condition=Q(paid_at__isnull=False), name="deposit_by_payment"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        """Whether the customer or a bank is still at it."""
        return self.status in {DepositStatus.CREATED, DepositStatus.PENDING, DepositStatus.PROCESSING}

    @property
    def is_closed_by_staff(self) -> bool:
        """Whether a person has found that there was no money, which is no answer of a bank."""
        return self.status == DepositStatus.FAILED and self.reviewed_at is not None


class WebhookEvent(models.Model):
    """One delivery from Paystack as it came. A repeated body is one row; what it says is a hint to look, never a fact."""

    body_sha256 = models.CharField(max_length=64, unique=True)
    event = models.CharField(_("event"), max_length=80)
    semantic_key = models.CharField(
        _("about"),
        max_length=200,
        blank=True,
        help_text=_("Names the fact, when the event has a name for it."),
    )
    body = models.BinaryField(_("body"))
    state = models.CharField(_("state"), max_length=8, choices=WebhookState, default=WebhookState.PENDING)
    source_address = models.GenericIPAddressField(_("from"), null=True, blank=True)
    is_known_address = models.BooleanField(_("known address"), default=True)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=1)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    note = models.CharField(_("outcome"), max_length=300, blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("Paystack webhook")
        verbose_name_plural = _("Paystack webhooks")
        permissions: ClassVar = [("replay_webhookevent", _("Can process a webhook again"))]
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], condition=Q(state="pending"), name="webhook_due"),
            models.Index("state", F("received_at").desc(), name="webhook_by_state"),
            models.Index(fields=["semantic_key"], condition=~Q(semantic_key=""), name="webhook_about"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk}"
