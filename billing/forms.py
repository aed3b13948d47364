"""Forms of the wallet page and of the staff console."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.enums import StatementFilter
from billing.models.ledger import DIGITS
from namaskah.lib.money import PLACES, to_subunits

# `5,000.50` is what people copy from elsewhere. Decimal itself takes more: `1e3`, `1_000`, digits of every script.
AMOUNT = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+)?(?:\.[0-9]*)?\Z")


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


class MoneyField(forms.DecimalField):
    """An amount as people write it: `5000`, `5 000`, `5,000.50`. Where a comma could be a point, we ask again."""

    default_error_messages: ClassVar = {
        "required": _("Enter an amount."),
        "invalid": _("Write the amount in digits, such as 5000 or 5000.50."),
        "min_value": _("Enter an amount above zero."),
        "max_digits": _("This is more than we can take."),
        "max_whole_digits": _("This is more than we can take."),
        "max_decimal_places": _("An amount has two decimal places at most."),
    }

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # the stubs know DecimalField by its parent
        """The amount, None for nothing.

        Raises:
            ValidationError: No amount.
        """
        text = " ".join(str(value).split()) if value is not None else ""
        if not AMOUNT.match(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text.replace(",", "").replace(" ", ""))


class TopUpForm(forms.Form):
    """A top-up. `form_key` makes sending the form twice one payment; `next` is where the customer was going."""

    amount = MoneyField(
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        label=_("Amount"),
        widget=forms.TextInput(
            attrs={
                "inputmode": "decimal",
                "autocomplete": "transaction-amount",
                "enterkeyhint": "go",
                "data-testid": "top-up-amount",
            }
        ),
        error_messages={"required": _("Choose or enter an amount.")},
    )
    save_card = forms.BooleanField(
        required=False,
        label=_("Save this card for later"),
        help_text=_(
            "If you pay by card, you agree that we keep it at Paystack for payments you start or set up yourself. "
            "You can remove it at any time."
        ),
    )
    form_key = forms.UUIDField(widget=forms.HiddenInput)
    next = forms.CharField(required=False, widget=forms.HiddenInput)

    @property
    def amount_subunits(self) -> int:
        """What a valid form asks for."""
        return to_subunits(self.cleaned_data["amount"])


class RetryForm(forms.Form):
    """Another try of a payment that came to nothing."""

    form_key = forms.UUIDField(widget=forms.HiddenInput)
