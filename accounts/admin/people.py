"""Customers and staff in the staff console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User

if TYPE_CHECKING:
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = forms.ModelForm[User]
    BaseUserAdmin = DjangoUserAdmin[User]
else:
    CreationForm, ChangeForm = AdminUserCreationForm, forms.ModelForm
    BaseUserAdmin = DjangoUserAdmin


class UserCreationForm(CreationForm):
    """With a password, or without one for somebody who is given theirs later."""

    class Meta:
        model = User
        fields = ("email",)


class UserChangeForm(ChangeForm):
    """The person, not the password: setting another one has its own page."""

    class Meta:
        model = User
        fields = (
            "email",
            "email_verified_at",
        )


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    """Customers and staff. Nobody is deleted here: orders and transfers keep pointing at their people."""

    form = UserChangeForm
    add_form = UserCreationForm
    list_display = ("email", "state", "role", "date_joined", "last_login")
    list_filter = ("state", "role", "date_joined")
    filter_horizontal = ()
    search_fields = ("email", "=id")
    ordering = ("-date_joined",)
    date_hierarchy = "date_joined"
    show_full_result_count = False
    readonly_fields = ("state", "role", "date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "email_verified_at", "state", "role")}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False
