"""The user: signs in by e-mail address, which is unique without regard to case, and has one role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.enums import STAFF_ROLES, AccountState, Role

STAFF = [role.value for role in STAFF_ROLES]


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

    def get_by_natural_key(self, username: str | None) -> User:
        """Find by e-mail address without regard to case, through the index on `lower(email)`."""
        return self.alias(email_lower=Lower("email")).get(email_lower=Lower(Value(username or "")))


class User(AbstractBaseUser):
    """A customer or a member of staff."""

    email = models.EmailField(_("e-mail address"))
    # The group's name stands in the row itself, so that asking what somebody may do takes no further query.
    role = models.ForeignKey(
        Group, models.PROTECT, to_field="name", db_column="role", default=Role.CUSTOMER.value, related_name="people",
        verbose_name=_("role"),
    )  # fmt: skip
    state = models.CharField(_("state"), max_length=12, choices=AccountState, default=AccountState.ACTIVE)
    is_staff = models.BooleanField(_("staff"), default=False, editable=False)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    email_verified_at = models.DateTimeField(_("e-mail verified"), null=True, blank=True)
    password_changed_at = models.DateTimeField(_("password changed"), null=True, blank=True, editable=False)
    # Raised to end every session at once, whatever a cache still remembers of them.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    message_days = models.PositiveSmallIntegerField(
        _("days messages are kept"), default=30, help_text=_("Counted from the end of the order.")
    )
    # When the account is to be erased; it is in this row so that every page can say so without a query.
    leaving_at = models.DateTimeField(_("leaves"), null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        permissions: ClassVar = [
            ("change_own_email", _("Can change the own e-mail address")),
            ("change_own_password", _("Can change the own password")),
            ("manage_own_factors", _("Can add and remove own second factors")),
            ("end_own_sessions", _("Can end own sessions and forget own devices")),
            ("choose_own_notices", _("Can choose what to be told of")),
            ("choose_own_privacy", _("Can choose what is kept and agreed to")),
            ("export_own_data", _("Can take a copy of the own data")),
            ("erase_own_account", _("Can have the own account erased")),
            ("end_sessions", _("Can end somebody's sessions")),
            ("suspend_user", _("Can suspend an account")),
            ("restore_user", _("Can restore an account")),
            ("ban_user", _("Can ban an account")),
            ("erase_user", _("Can have somebody's account erased")),
            ("assign_role", _("Can change somebody's role")),
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                violation_error_message=_("This e-mail address already has an account."),
            ),
            models.CheckConstraint(
                condition=Q(is_staff=True, role__in=STAFF) | (Q(is_staff=False) & ~Q(role__in=STAFF)),
                name="user_staff_by_role",
            ),
            models.CheckConstraint(
                condition=Q(message_days__gte=1, message_days__lte=30), name="user_message_days"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Lower the domain; the part before the @ stays as the owner spells it."""
        super().clean()
        self.email = type(self).objects.normalize_email(self.email)

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # a plain attribute in Django
        """Whether this account may be used. Not a column: `state` says why not."""
        return self.state == AccountState.ACTIVE

    @property
    def is_verified_customer(self) -> bool:
        """Whether the e-mail address is proved to be theirs, which spending money takes."""
        return self.email_verified_at is not None

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """As Django's, and different as soon as `session_epoch` is: sessions from before are over."""
        value = f"{self.password}:{self.session_epoch}"
        return salted_hmac("accounts.User.session", value, secret=secret, algorithm="sha256").hexdigest()

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Whether the role grants it (`roles.py`). Whose object it is, is for selectors to say."""
        return self.is_active and perm in roles.permissions_of(str(self.role_id))

    def has_perms(self, perm_list: Iterable[str], obj: models.Model | None = None) -> bool:
        """Whether the role grants all of them."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the role grants anything in an app; the console asks."""
        return self.is_active and any(
            perm.startswith(f"{app_label}.") for perm in roles.permissions_of(str(self.role_id))
        )
