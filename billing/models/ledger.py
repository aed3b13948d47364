"""The ledger's two nouns. Only `billing/services/ledger.py` writes them; docs/decisions/0002-ledger.md says why so."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from billing.enums import STAFF_CODES, AccountKind, TransferCode, TransferKind
from namaskah.lib.ids import uuid7
from namaskah.lib.money import PLACES

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

DIGITS = 19
ZERO = Decimal(0)


def _figure(text: StrPromise) -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(
        text, max_digits=DIGITS, decimal_places=PLACES, db_default=ZERO, editable=False
    )


class Account(models.Model):
    """A customer's wallet, or one of our own accounts.

    A customer's account is credit-normal and carries running totals; they change only beside a transfer. A system account
    keeps zeros, so that no row is hot, and is summed from its transfers.
    """

    kind = models.CharField(_("kind"), max_length=8, choices=AccountKind)
    code = models.CharField(
        _("code"), max_length=40, help_text=_("`wallet`, or the name of a system account.")
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="wallet",
        verbose_name=_("customer"),
    )
    currency = models.CharField(_("currency"), max_length=3, validators=[MinLengthValidator(3)])
    debits_pending = _figure(_("debits pending"))
    debits_posted = _figure(_("debits posted"))
    credits_pending = _figure(_("credits pending"))
    credits_posted = _figure(_("credits posted"))
    created_at = models.DateTimeField(_("opened"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        permissions: ClassVar = [("adjust_balance", _("Can credit and debit customers"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["code", "currency"], condition=Q(kind="system"), name="account_system_code_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="customer", user__isnull=False) | Q(kind="system", user__isnull=True),
                name="account_user_iff_customer",
            ),
            models.CheckConstraint(
                condition=Q(
                    debits_pending__gte=0, debits_posted__gte=0, credits_pending__gte=0, credits_posted__gte=0
                ),
                name="account_figures_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(kind="system") | Q(credits_posted__gte=F("debits_posted") + F("debits_pending")),
                name="account_customer_not_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(kind="customer")
                | Q(debits_pending=0, debits_posted=0, credits_pending=0, credits_posted=0),
                name="account_system_keeps_no_total",
            ),
        ]
        # No index on a figure: PostgreSQL then updates the row in place (HOT), without touching any index.

    def __str__(self) -> str:
        return f"{self.code} {self.pk}"

    @property
    def balance(self) -> Decimal:
        """What the customer owns, held money included. Meaningless for a system account."""
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> Decimal:
        """What the customer may spend now."""
        return self.balance - self.debits_pending


class Transfer(models.Model):
    """One movement of money between two accounts. Append-only: triggers refuse UPDATE, DELETE and TRUNCATE.

    `sequence` orders the transfers of one customer's account as they happened, because it is drawn under that account's lock.
    The `_after` columns are the customer's figures after this transfer; empty when both sides are system accounts.
    """

    sequence = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid7, editable=False)
    debit_account = models.ForeignKey(Account, models.PROTECT, related_name="debits", db_index=False)
    credit_account = models.ForeignKey(Account, models.PROTECT, related_name="credits", db_index=False)
    amount = models.DecimalField(_("amount"), max_digits=DIGITS, decimal_places=PLACES)
    kind = models.CharField(_("kind"), max_length=12, choices=TransferKind)
    code = models.CharField(_("reason code"), max_length=40, choices=TransferCode)
    key = models.CharField(_("idempotency key"), max_length=200)
    pending = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="resolutions",
        db_index=False,
        help_text=_("The hold that this captures or releases."),
    )
    reference = models.CharField(
        _("reference"), max_length=100, blank=True, help_text=_("What it is about, `prefix:id`.")
    )
    memo = models.CharField(_("memo"), max_length=200, blank=True, help_text=_("Shown to the customer."))
    reason = models.CharField(_("reason"), max_length=500, blank=True, help_text=_("For staff only."))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("Who did it, when a person did."),
    )
    expires_at = models.DateTimeField(
        _("expires"), null=True, blank=True, help_text=_("A hold is released after this.")
    )
    created_at = models.DateTimeField(_("time"), db_default=Now(), editable=False)
    balance_after = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True, editable=False)
    available_after = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True, editable=False)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        permissions: ClassVar = [("download_statement", _("Can download the own statement"))]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], name="transfer_key_once"),
            models.UniqueConstraint(
                fields=["pending"], condition=Q(pending__isnull=False), name="transfer_hold_resolved_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="transfer_between_two_accounts"
            ),
            models.CheckConstraint(
                condition=Q(kind="posted", pending__isnull=True, expires_at__isnull=True)
                | Q(kind="pending", pending__isnull=True, expires_at__isnull=False)
                | Q(
                    kind__in=["post_pending", "void_pending"], pending__isnull=False, expires_at__isnull=True
                ),
                name="transfer_kind_fits",
            ),
            models.CheckConstraint(
                condition=Q(balance_after__isnull=True, available_after__isnull=True)
                | Q(balance_after__gte=F("available_after"), available_after__gte=0),
                name="transfer_figures_after",
            ),
            models.CheckConstraint(condition=~Q(key=""), name="transfer_has_key"),
            models.CheckConstraint(
                condition=~Q(code__in=STAFF_CODES) | ~Q(reason=""), name="transfer_by_staff_has_reason"
            ),
        ]
        indexes: ClassVar = [
            # A statement, newest first, merges one walk of each.
            models.Index("debit_account", F("sequence").desc(), name="transfer_debits"),
            models.Index("credit_account", F("sequence").desc(), name="transfer_credits"),
            models.Index(fields=["reference"], condition=~Q(reference=""), name="transfer_reference"),
            # Holds by expiry within an account: the sweep and the statement of open holds.
            models.Index(
                fields=["debit_account", "expires_at"],
                condition=Q(kind="pending"),
                name="transfer_holds_by_expiry",
            ),
            models.Index(fields=["actor"], condition=Q(actor__isnull=False), name="transfer_by_staff"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.amount}"

    @property
    def is_hold(self) -> bool:
        return self.kind == TransferKind.PENDING
