"""Sign-up, sign-in, the code of an e-mail, and a lost password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import password_checks
from accounts.forms.fields import CodeField, EntryForm, email_field, password_field
from accounts.models import User

PASSWORD_HELP = _(
    "At least 10 characters. A few words that do not belong together are easy to keep and hard to guess."
)


class SignInForm(EntryForm):
    """Whether address and password belong together, the guard says."""

    email = email_field()
    password = password_field("current-password")
    remember = forms.BooleanField(label=_("Stay signed in on this browser for 30 days"), required=False)


class SignUpForm(EntryForm):
    """An address and a password that is not easy to guess."""

    email = email_field()
    password = password_field("new-password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = PASSWORD_HELP

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        check_new_password(self, data.get("password"), User(email=data.get("email", "")))
        return data


class CodeForm(EntryForm):
    """The six digits of an e-mail."""

    code = CodeField()


class ChosenPasswordForm(EntryForm):
    """The password of the sign-up, where the link of its e-mail is opened in another browser."""

    password = password_field("current-password", _("The password you chose"))


class ResetForm(EntryForm):
    """Whose password is lost."""

    email = email_field()


class NewPasswordForm(EntryForm):
    """A new password for an account."""

    password = password_field("new-password", _("New password"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].help_text = PASSWORD_HELP

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        check_new_password(self, data.get("password"), self.user)
        return data


def check_new_password(form: forms.Form, password: str | None, user: User) -> None:
    """Put what is wrong with a new password beside its field."""
    if password:
        try:
            password_checks.check(password, user=user)
        except ValidationError as error:
            form.add_error("password", error)
