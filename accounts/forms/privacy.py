"""What somebody decides about their data."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.services.retention import CHOICES


def _days(count: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", count) % {"days": count}


class RetentionForm(forms.Form):
    """How long messages are kept."""

    message_days = forms.TypedChoiceField(
        label=_("Keep texts, codes and numbers for"),
        coerce=int,
        choices=[],
        help_text=_(
            "Counted from the end of each order. Then they are deleted for good, older ones at once."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["message_days"]
        choices.choices = [(days, _days(days)) for days in CHOICES]


class NewsForm(forms.Form):
    """Product news: off until somebody wants them."""

    marketing = forms.BooleanField(
        label=_("Write to me about new features and countries."),
        required=False,
        help_text=_(
            "This is your consent, and you can take it back here at any time. Nothing else depends on it."
        ),
    )


class ErasureForm(forms.Form):
    """Asks twice: by the address typed, and by a tick where money is left."""

    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("Type it, so that nothing is erased by a slip."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    gives_up_balance = forms.BooleanField(label="", required=False)

    def __init__(self, *args: Any, user: User, balance: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = user.email
        if balance:
            give_up = self.fields["gives_up_balance"]
            give_up.label = _("I give up the %(amount)s in my wallet") % {"amount": balance}
            give_up.required = True
            give_up.error_messages["required"] = _(
                "Ask for your money back first, or tick this to give it up."
            )
        else:
            del self.fields["gives_up_balance"]

    def clean_email(self) -> str:
        """The address of the account, in any spelling of case."""
        typed = str(self.cleaned_data["email"]).strip()
        if typed.casefold() != self._address.casefold():
            raise forms.ValidationError(_("This is not the address of this account."))
        return typed
