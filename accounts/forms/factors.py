"""Second factors: codes to type, and the telephone that gets some."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

KINDS_WITH_SMS = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


class CodeForm(forms.Form):
    """One code, of whatever kind. Spaces that people type or copy along do not matter."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, is_numeric: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_numeric:
            self.fields["code"].widget.attrs["inputmode"] = "numeric"

    def clean_code(self) -> str:
        code = "".join(str(self.cleaned_data["code"]).split())
        if not code.isascii():
            raise ValidationError(_("A code has only digits and letters without accents."))
        return code


class SecondStepForm(CodeForm):
    """The same at sign-in, where a browser can be trusted from then on."""

    trust = forms.BooleanField(
        label=_("Trust this browser for 30 days"),
        required=False,
        help_text=_("It is not asked for a code then. Leave it off on a computer that others use."),
    )

    def __init__(self, *args: Any, may_trust: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_trust:
            del self.fields["trust"]


class PasswordForm(forms.Form):
    """The password once more."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PhoneForm(forms.Form):
    """A telephone that can get an SMS, anywhere in the world."""

    phone = forms.CharField(
        label=_("Telephone number"),
        max_length=32,
        help_text=_("With the country's code, such as +234 803 123 4567."),
        widget=forms.TelInput(attrs={"autocomplete": "tel"}),
    )

    def clean_phone(self) -> str:
        """As E.164."""
        typed = str(self.cleaned_data["phone"]).strip()
        try:
            number = phonenumbers.parse(typed, None)
        except phonenumbers.NumberParseException:
            raise ValidationError(_("Please begin with + and the country's code.")) from None
        if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in KINDS_WITH_SMS:
            raise ValidationError(_("This is not a number that can get an SMS. Please check the digits."))
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
