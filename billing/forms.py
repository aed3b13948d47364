"""Forms of the wallet page and of the staff console."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.enums import StatementFilter
from billing.models.ledger import DIGITS
from namaskah.lib.money import PLACES


class StatementForm(forms.Form):
    """What to show of the statement."""

    kind = forms.ChoiceField(
        required=False, choices=[("", _("Everything")), *StatementFilter.choices], label=_("Show")
    )

    def wanted(self) -> StatementFilter | None:
        """The filter asked for; nothing known narrows nothing, and its error stands beside the field."""
        kind = self.cleaned_data.get("kind")
        return StatementFilter(kind) if kind else None


class AdjustmentForm(forms.Form):
    """A credit or debit by staff. `key` makes confirming twice one transfer."""

    amount = forms.DecimalField(
        max_digits=DIGITS,
        decimal_places=PLACES,
        label=_("Amount"),
        help_text=_("In the wallet currency; with a minus sign it is taken from the customer."),
    )
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Reason"),
        help_text=_("For staff only. The customer reads that support credited or corrected the wallet."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def clean_amount(self) -> Decimal:
        """Nothing is no adjustment."""
        amount: Decimal = self.cleaned_data["amount"]
        if not amount:
            raise ValidationError(_("Give an amount other than zero."))
        return amount

    @property
    def transfer_key(self) -> str:
        """The ledger's key of this rendered form."""
        key: uuid.UUID = self.cleaned_data["key"]
        return f"staff:{key}"
