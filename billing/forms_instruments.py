"""Forms of automatic top-up and of the bank account number."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.currencies import charge_currency
from billing.forms import MoneyField
from billing.models import AutoTopUp, SavedCard
from billing.selectors.instruments import cards_of
from billing.services.deposit_limits import largest_charge
from billing.wording import short_amount
from namaskah.lib.money import from_subunits, to_subunits

if TYPE_CHECKING:
    CardChoice = forms.ModelChoiceField[SavedCard]
else:
    CardChoice = forms.ModelChoiceField  # generic for the type checker only


def _money_field(**more: Any) -> MoneyField:
    return MoneyField(
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        **more,
    )


class _CardField(CardChoice):
    def label_from_instance(self, obj: SavedCard) -> str:
        """Brand and last digits, and that it is of no use any more where it is."""
        return str(_("%(card)s, expired") % {"card": obj.label}) if obj.is_expired else obj.label


class AutoTopUpForm(forms.Form):
    """The standing order of one customer. What is asked for is checked by the service."""

    card = _CardField(
        queryset=SavedCard.objects.none(),
        empty_label=None,
        label=_("Card"),
        error_messages={"invalid_choice": _("Choose one of your saved cards.")},
    )
    threshold = _money_field(label=_("When my wallet is below"))
    amount = _money_field(label=_("Charge"))
    monthly_cap = _money_field(
        label=_("At most in a calendar month"),
        help_text=_(
            "Automatic charges of one month never exceed this, those under way included. Your own top-ups do not count."
        ),
    )
    consent = forms.BooleanField(required=False, label=_("Your consent"))

    def __init__(self, *args: Any, user_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cards = self.fields["card"]
        assert isinstance(cards, forms.ModelChoiceField)
        cards.queryset = cards_of(user_id)
        currency = charge_currency()
        self.fields["amount"].help_text = _("Between %(minimum)s and %(maximum)s.") % {
            "minimum": short_amount(currency.minimum, currency.code),
            "maximum": short_amount(largest_charge(user_id), currency.code),
        }

    def wishes(self) -> dict[str, Any]:
        """A valid form as the service takes it."""
        data = self.cleaned_data
        return {
            "card_id": data["card"].pk,
            "threshold": data["threshold"],
            "amount_subunits": to_subunits(data["amount"]),
            "monthly_cap_subunits": to_subunits(data["monthly_cap"]),
            "consent": data["consent"],
        }

    @staticmethod
    def initial_of(order: AutoTopUp | None) -> dict[str, Any]:
        """What the form starts with: the wishes of before, else amounts that suit most."""
        if order is not None and order.charge_currency == charge_currency().code:
            return {
                "card": order.card_id,
                "threshold": _plain(order.threshold),
                "amount": _plain(from_subunits(order.amount_subunits)),
                "monthly_cap": _plain(from_subunits(order.monthly_cap_subunits)),
            }
        presets = charge_currency().presets or (charge_currency().minimum,)
        amount = presets[min(1, len(presets) - 1)]
        return {
            "threshold": "1.00",
            "amount": _plain(from_subunits(amount)),
            "monthly_cap": _plain(from_subunits(amount * 4)),
        }


class BankAccountForm(forms.Form):
    """Whom the bank opens the number for. The telephone number is handed on and not kept."""

    first_name = forms.CharField(
        max_length=60,
        label=_("First name"),
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        max_length=60,
        label=_("Last name"),
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    phone = forms.CharField(
        max_length=30,
        label=_("Telephone number"),
        help_text=_("The bank asks for it. We hand it on and do not keep it."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )

    def clean_phone(self) -> str:
        """In the international form; numbers without a country code are of the country we charge in."""
        try:
            number = phonenumbers.parse(self.cleaned_data["phone"], charge_currency().country)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            raise ValidationError(_("This is not a telephone number."))
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _plain(amount: Decimal) -> str:
    """As a person would type it."""
    return f"{amount.quantize(Decimal('0.01')):f}"
