"""The user: signs in by e-mail address, which is unique without regard to case."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Creates users and finds them by e-mail address in any spelling of case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Save a user; without a password nobody can sign in as them."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Save a user who may do everything in the console."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> User:
        """Find by e-mail address without regard to case, through the index on `lower(email)`."""
        return self.alias(email_lower=Lower("email")).get(email_lower=Lower(Value(username or "")))


class User(AbstractBaseUser, PermissionsMixin):
    """A customer or a member of staff."""

    email = models.EmailField(_("e-mail address"))
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Switch off instead of deleting."))
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May enter the staff console."))
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    email_verified_at = models.DateTimeField(_("e-mail verified"), null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                violation_error_message=_("This e-mail address already has an account."),
            )
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Lower the domain; the part before the @ stays as the owner spells it."""
        super().clean()
        self.email = type(self).objects.normalize_email(self.email)
