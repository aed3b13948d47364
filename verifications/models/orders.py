"""Orders: a verification, its attempts, its messages and its history."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namaskah.lib.ids import uuid7
from verifications.enums import Closing, Failure, Outcome, Status, Step, Visibility
from verifications.models.catalog import Country, Provider, Service
from verifications.states import OPEN


class Verification(models.Model):
    """One order of one number for one service. Only `services/transitions.py` writes `status`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="verifications")
    service = models.ForeignKey(Service, models.PROTECT, related_name="+")
    country = models.ForeignKey(Country, models.PROTECT, related_name="+")
    operator = models.CharField(max_length=60, blank=True, help_text=_("As asked for; empty means any."))
    status = models.CharField(max_length=10, choices=Status, default=Status.ORDERING)
    price = models.DecimalField(
        max_digits=19, decimal_places=4, help_text=_("Frozen when ordered; what is charged.")
    )
    currency = models.CharField(max_length=3)
    form_key = models.UUIDField(null=True, blank=True, help_text=_("One order per rendered form."))
    hold = models.OneToOneField("billing.Transfer", models.PROTECT, to_field="id", related_name="+")
    attempt = models.ForeignKey("Attempt", models.PROTECT, null=True, blank=True, related_name="+")
    phone_number = models.CharField(max_length=20, blank=True, help_text=_("E.164."))
    code = models.CharField(max_length=40, blank=True, help_text=_("The newest code."))
    failure_code = models.CharField(max_length=30, choices=Failure, blank=True)
    another_sms_count = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    cancellable_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True, help_text=_("When the first code came."))
    closed_at = models.DateTimeField(null=True, blank=True)
    first_code_ms = models.PositiveBigIntegerField(
        null=True, blank=True, help_text=_("From number to first code.")
    )
    messages_removed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Texts, codes and most of the number are gone.")
    )

    class Meta:
        permissions = [
            ("order_number", _("Can order a number")),
            ("cancel_order", _("Can cancel an own order")),
            ("finish_order", _("Can finish an own order")),
            ("request_another_sms", _("Can ask for another SMS to an own number")),
            ("download_orders", _("Can download own orders")),
            ("hold_many_orders", _("Can hold more open orders than usual")),
            ("cancel_any_order", _("Can cancel a customer's order")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "form_key"],
                condition=Q(form_key__isnull=False),
                name="verification_form_once",
            ),
            models.CheckConstraint(condition=Q(price__gt=0), name="verification_costs_something"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="verification_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=["ordering", "failed"]) | Q(attempt__isnull=False),
                name="verification_has_its_number",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | ~Q(failure_code=""), name="verification_failed_for_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="verification_history"),
            models.Index(fields=["user"], condition=Q(status__in=OPEN), name="verification_open_of_user"),
            models.Index(fields=["created_at"], condition=Q(status="ordering"), name="verification_ordering"),
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=["waiting", "received"]),
                name="verification_by_deadline",
            ),
            # What retention has still to look at.
            models.Index(
                fields=["closed_at"],
                condition=Q(closed_at__isnull=False, messages_removed_at__isnull=True),
                name="verification_to_redact",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_cancelling(self) -> bool:
        """The customer has asked to cancel and the provider has not confirmed yet."""
        return self.status == Status.WAITING and self.cancel_requested_at is not None

    @property
    def shown_status(self) -> str:
        """The state as pages name it: `cancelling` where a cancel waits for the provider."""
        return "cancelling" if self.is_cancelling else self.status

    @property
    def shown_number(self) -> str:
        """The number, unless the customer has given it back."""
        return "" if self.is_cancelling or self.status == Status.CANCELLED else self.phone_number


class Attempt(models.Model):
    """One try to buy at one provider, recorded before the call; later the handle of the order there."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    verification = models.ForeignKey(Verification, models.PROTECT, related_name="attempts")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField(help_text=_("1 for the first try of its verification."))
    service_code = models.CharField(max_length=80)
    country_code = models.CharField(max_length=80)
    operator = models.CharField(max_length=60, blank=True)
    offer_id = models.BigIntegerField(
        help_text=_("The offer chosen; offers come and go, so not a foreign key.")
    )
    offer_cost = models.DecimalField(
        max_digits=12, decimal_places=6, help_text=_("Listed cost, wallet currency.")
    )
    max_cost = models.DecimalField(
        max_digits=12, decimal_places=6, help_text=_("Sent as maximum, provider's currency.")
    )
    cost = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, help_text=_("Charged, wallet currency.")
    )
    price = models.DecimalField(max_digits=19, decimal_places=4)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.CALLING)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    # The order at the provider
    provider_order_id = models.CharField(max_length=60, blank=True)
    phone_number = models.CharField(max_length=20, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    cancel_not_before = models.DateTimeField(null=True, blank=True)
    can_resend = models.BooleanField(default=True)
    sms_round = models.PositiveSmallIntegerField(default=0)
    applied_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Snapshots taken before this are ignored.")
    )
    watch_until = models.DateTimeField(null=True, blank=True, help_text=_("Polled until then."))
    next_check_at = models.DateTimeField(null=True, blank=True, help_text=_("Earliest single check."))
    closing = models.CharField(max_length=10, choices=Closing, default=Closing.OPEN)
    closing_due_at = models.DateTimeField(null=True, blank=True)
    closing_tries = models.PositiveSmallIntegerField(default=0)
    is_cost_booked = models.BooleanField(default=False)

    class Meta:
        permissions = [("settle_attempt", _("Can decide about purchases in doubt"))]
        constraints = [
            models.UniqueConstraint(fields=["verification", "number"], name="attempt_numbered_once"),
            models.UniqueConstraint(
                fields=["provider", "provider_order_id"],
                condition=~Q(provider_order_id=""),
                name="provider_order_is_one_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="bought") | ~Q(provider_order_id=""), name="attempt_bought_has_order"
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "watch_until"],
                condition=Q(watch_until__isnull=False),
                name="attempt_watched",
            ),
            models.Index(
                fields=["started_at"],
                condition=Q(outcome__in=["calling", "doubtful"]),
                name="attempt_undecided",
            ),
            models.Index(
                fields=["closing_due_at"],
                condition=Q(closing__in=["cancel_due", "finish_due"]),
                name="attempt_closing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}"


class Message(models.Model):
    """One SMS as received. The full text is always kept; `code` is what we read out of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    verification = models.ForeignKey(Verification, models.PROTECT, related_name="messages")
    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="messages")
    dedupe_key = models.CharField(max_length=64)
    sender = models.CharField(max_length=60, blank=True)
    text = models.TextField(blank=True)
    code = models.CharField(max_length=40, blank=True)
    visibility = models.CharField(max_length=6, choices=Visibility, default=Visibility.SHOWN)
    sent_at = models.DateTimeField(null=True, blank=True, help_text=_("As the provider says."))
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("received_at", "id")
        constraints = [models.UniqueConstraint(fields=["attempt", "dedupe_key"], name="message_once")]

    def __str__(self) -> str:
        return f"{self.id}"


class HistoryEntry(models.Model):
    """One step in an order's life, written in the transaction that made it."""

    id = models.BigAutoField(primary_key=True)
    verification = models.ForeignKey(Verification, models.PROTECT, related_name="history")
    step = models.CharField(max_length=20, choices=Step)
    status = models.CharField(max_length=10, choices=Status, help_text=_("The state after this step."))
    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name_plural = _("history")
        indexes = [models.Index(fields=["verification", "id"], name="history_of_verification")]

    def __str__(self) -> str:
        return f"{self.step} {self.at:%H:%M:%S}"


class StrayOrder(models.Model):
    """An order in a provider's books that no attempt claims, seen while a purchase there is in doubt."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="stray_orders")
    provider_order_id = models.CharField(max_length=60)
    service_code = models.CharField(max_length=80)
    country_code = models.CharField(max_length=80)
    phone_number = models.CharField(max_length=20, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    resolution = models.CharField(
        max_length=20, blank=True, choices=[("adopted", _("Adopted")), ("cancelled", _("Cancelled"))]
    )
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_order_id"], name="stray_order_once")
        ]

    def __str__(self) -> str:
        return self.provider_order_id
