"""Naming a passkey."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

LONGEST_NAME = 64


class NameForm(forms.Form):
    """What its owner calls it."""

    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_("So that you know which device it is, as “Telephone” or “Work laptop”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
