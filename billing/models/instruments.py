"""What a customer pays with again: saved cards, automatic top-up, an account number of one's own."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.enums import StopReason
from billing.models.deposits import Deposit


class SavedCard(models.Model):
    """A card that may be charged again, kept with consent. The charge code is sealed; see `namaskah.lib.sealing`."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_cards", db_index=False
    )
    fingerprint = models.CharField(
        max_length=64, help_text=_("Keyed digest of Paystack's signature of the card.")
    )
    sealed_code = models.TextField(editable=False)
    email = models.EmailField(
        _("e-mail it is bound to"),
        max_length=254,
        help_text=_("A later charge must name this one, whatever it is now."),
    )
    customer_code = models.CharField(max_length=60, blank=True)
    brand = models.CharField(_("brand"), max_length=40, blank=True)
    last4 = models.CharField(_("last four digits"), max_length=4, blank=True)
    exp_month = models.PositiveSmallIntegerField(null=True, blank=True)
    exp_year = models.PositiveSmallIntegerField(null=True, blank=True)
    bank = models.CharField(_("bank"), max_length=100, blank=True)
    country_code = models.CharField(_("country"), max_length=2, blank=True)
    consented_at = models.DateTimeField(_("consent"), default=timezone.now)
    declined_at = models.DateTimeField(_("last declined"), null=True, blank=True)
    # When automatic charges of it failed within the last week: three end them.
    declines = ArrayField(models.DateTimeField(), default=list, blank=True, editable=False)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)
    # Set until Paystack has confirmed that the code is dead there, too.
    deactivate_due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("saved"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("saved card")
        verbose_name_plural = _("saved cards")
        permissions: ClassVar = [
            ("save_card", _("Can keep an own card")),
            ("forget_card", _("Can have an own card forgotten")),
            ("remove_savedcard", _("Can remove a customer's card")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "fingerprint"], condition=Q(removed_at__isnull=True), name="saved_card_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["deactivate_due_at"],
                condition=Q(deactivate_due_at__isnull=False),
                name="saved_card_deactivation_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.brand} {self.last4}".strip()

    @property
    def label(self) -> str:
        """What its owner knows it by: `Visa •••• 4081`."""
        brand = self.brand.title() if self.brand.islower() else self.brand
        dots = f" ••••\N{NO-BREAK SPACE}{self.last4}" if self.last4 else ""
        return f"{brand or _('Card')}{dots}"

    @property
    def is_expired(self) -> bool:
        """Whether the month on the card is over."""
        today = timezone.now().date()
        known = self.exp_year is not None and self.exp_month is not None
        return known and (self.exp_year, self.exp_month) < (today.year, today.month)


class AutoTopUp(models.Model):
    """A customer's standing order: below the threshold, charge the card. Amounts of the charge are in its currency."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="auto_top_up")
    card = models.ForeignKey(SavedCard, models.PROTECT, null=True, blank=True, related_name="+")
    is_on = models.BooleanField(_("on"), default=False)
    threshold = models.DecimalField(
        _("below"), max_digits=19, decimal_places=4, help_text=_("Wallet currency.")
    )
    charge_currency = models.CharField(max_length=3)
    amount_subunits = models.BigIntegerField(_("amount, in subunits"))
    monthly_cap_subunits = models.BigIntegerField(_("at most a month, in subunits"))
    attempt = models.ForeignKey(
        Deposit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("charge under way"),
        help_text=_("Until its outcome has been dealt with no other charge is made."),
    )
    # Empty when there is nothing to watch: it is off, and no charge is under way.
    next_try_at = models.DateTimeField(null=True, blank=True)
    stop_reason = models.CharField(_("off because"), max_length=10, choices=StopReason, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("automatic top-up")
        verbose_name_plural = _("automatic top-ups")
        permissions: ClassVar = [("set_autotopup", _("Can switch the own automatic top-up"))]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount_subunits__gt=0, monthly_cap_subunits__gte=models.F("amount_subunits")),
                name="auto_top_up_cap_covers_amount",
            ),
            models.CheckConstraint(
                condition=Q(is_on=False) | Q(card__isnull=False), name="auto_top_up_on_has_card"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="auto_top_up_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"


class DedicatedAccount(models.Model):
    """A bank account number of the customer's own; what arrives there is a deposit."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="dedicated_account")
    email = models.EmailField(
        _("e-mail given to Paystack"),
        max_length=254,
        help_text=_("Paystack's customer is found by this one, whatever it is now."),
    )
    customer_code = models.CharField(max_length=60, blank=True)
    paystack_id = models.BigIntegerField(null=True, blank=True, unique=True)
    account_number = models.CharField(_("account number"), max_length=20, blank=True)
    account_name = models.CharField(_("account name"), max_length=120, blank=True)
    bank_name = models.CharField(_("bank"), max_length=100, blank=True)
    bank_slug = models.CharField(max_length=60, blank=True)
    is_active = models.BooleanField(_("active"), default=False)
    failure = models.CharField(_("refused because"), max_length=200, blank=True)
    requeried_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("bank account number")
        verbose_name_plural = _("bank account numbers")
        permissions: ClassVar = [("open_dedicatedaccount", _("Can ask for an own bank account number"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_number"],
                condition=~Q(account_number=""),
                name="dedicated_account_number_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_look_at"],
                condition=Q(next_look_at__isnull=False),
                name="dedicated_account_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.bank_name} {self.account_number}".strip()
