"""What a signed-in person changes about how they sign in."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.entry import NewPasswordForm
from accounts.forms.fields import EntryForm, email_field, password_field
from accounts.models import User


class PasswordForm(NewPasswordForm):
    """The present password and a new one. Whether the present one is right, the guard says."""

    current_password = password_field("current-password", _("Present password"))
    field_order = ("current_password", "password")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("password") and data.get("password") == data.get("current_password"):
            self.add_error("password", _("This is your present password."))
        return data


class EmailForm(EntryForm):
    """Another address."""

    email = email_field(_("New e-mail address"), "email")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email: str = User.objects.normalize_email(self.cleaned_data["email"])
        if email.lower() == self.user.email.lower():
            raise ValidationError(_("This is your present address."), code="same")
        return email
