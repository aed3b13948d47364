"""Fields that the forms about people share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils.translation import gettext_lazy as _

LONGEST_PASSWORD = 256
CODE_LENGTH = 6


class CodeField(forms.CharField):
    """Six digits, however they are grouped. Anything else is said before it costs a try."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "none"}
        )
        super().__init__(label=_("Code"), max_length=20, widget=widget, **options)

    def clean(self, value: Any) -> str:
        """The six digits alone."""
        digits = "".join(str(super().clean(value)).split()).replace("-", "")
        if len(digits) != CODE_LENGTH or not (digits.isascii() and digits.isdigit()):
            raise ValidationError(_("The code has six digits."), code="invalid")
        return digits


def email_field(label: Any = None, autocomplete: str = "username") -> forms.EmailField:
    """An e-mail address, of the person who signs in unless the label says otherwise."""
    attrs = {"autocomplete": autocomplete, "autocapitalize": "none", "spellcheck": "false"}
    return forms.EmailField(
        label=label or _("E-mail address"), max_length=254, widget=forms.EmailInput(attrs=attrs)
    )


def password_field(autocomplete: str, label: Any = None, **options: Any) -> forms.CharField:
    """A password as it is typed, spaces and all."""
    return forms.CharField(
        label=label or _("Password"),
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **options,
    )


class EntryForm(forms.Form):
    """What forms for visitors have in common."""

    def refuse(self, message: Any) -> None:
        """Show this one sentence, without looking at what was typed."""
        self.cleaned_data = {}
        self._errors = ErrorDict()
        self.add_error(None, message)
