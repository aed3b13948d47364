"""The forms that ask for a refund, and for the bank account one may go to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.forms import MoneyField
from billing.paystack.base import Bank
from billing.services.refunds import Refundable
from namaskah.lib.money import to_subunits


class RefundForm(forms.Form):
    """How much of one deposit to send back. The deposit stands in the address; `form_key` makes sending twice one refund."""

    amount = MoneyField(
        min_value=Decimal("0.01"),
        max_digits=15,
        decimal_places=2,
        label=_("Amount"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=_("Reason (optional)"),
        help_text=_("Helps support to decide sooner."),
    )
    form_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, possible: Refundable, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.possible = possible
        amount = self.fields["amount"]
        amount.label = _("Amount in %(currency)s") % {"currency": possible.deposit.charge_currency}

    def clean_amount(self) -> int:
        """The amount in subunits."""
        try:
            return to_subunits(self.cleaned_data["amount"])
        except ValueError as error:  # unreachable with two places, and a currency might have fewer one day
            raise ValidationError(_("Give at most two places behind the point.")) from error


class BankDetailsForm(forms.Form):
    """Which bank account a refund may go to. What an account number is, the service knows."""

    bank = forms.TypedChoiceField(coerce=int, label=_("Bank"))
    account_number = forms.CharField(
        max_length=40,
        label=_("Account number"),
        help_text=_("It must be your own account. We hand the number on and keep its last four digits only."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, banks: list[Bank], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_banks = bool(banks)
        choices = [(str(bank.id), bank.name) for bank in banks] or self._chosen()
        field = self.fields["bank"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [("", _("Choose your bank")), *choices]

    def _chosen(self) -> list[tuple[str, Any]]:
        """Without a list what was chosen from an earlier one stays chosen."""
        chosen = str(self.data.get("bank", ""))
        is_id = chosen.isascii() and chosen.isdigit() and len(chosen) < 20
        return [(chosen, _("The bank you have chosen"))] if is_id else []
