"""Sign-up and sign-in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User

LONGEST_PASSWORD = 256


def _email_field() -> forms.EmailField:
    return forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


def _password_field(autocomplete: str, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **options,
    )


class EntryForm(forms.Form):
    """What both forms ask."""

    def refuse(self, message: str) -> None:
        """Show this one sentence, without looking at what was typed."""
        self.cleaned_data = {}
        self._errors = ErrorDict()
        self.add_error(None, message)


class SignInForm(EntryForm):
    """Finds the user; what is wrong is one sentence, whether or not the address has an account."""

    email = _email_field()
    password = _password_field("current-password")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("email") and data.get("password"):
            user = authenticate(self.request, username=data["email"], password=data["password"])
            if not isinstance(user, User):
                raise ValidationError(
                    _("This e-mail address and password do not belong together."), code="invalid_login"
                )
            self.user = user
        return data


class SignUpForm(EntryForm):
    """An address and a password that is not easy to guess."""

    email = _email_field()
    password = _password_field("new-password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("password"):
            try:
                validate_password(data["password"], User(email=data.get("email", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return data
