"""People and their events in the staff console."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Event, OutgoingEmail, User
from accounts.services import emails
from namaskah.lib.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = forms.ModelForm[User]
    BaseUserAdmin = DjangoUserAdmin[User]
    EventModelAdmin = admin.ModelAdmin[Event]
else:
    CreationForm, ChangeForm = AdminUserCreationForm, forms.ModelForm
    BaseUserAdmin, EventModelAdmin = DjangoUserAdmin, admin.ModelAdmin

HIDDEN_KEYS = frozenset({"code", "messages", "phone_number", "sender", "text"})


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


@admin.register(Event)
class EventAdmin(EventModelAdmin):
    """What customers were told; codes and texts are theirs alone."""

    list_display = ("created_at", "type", "subject", "user")
    list_filter = ("type", "created_at")
    list_select_related = ("user",)
    search_fields = ("=id", "=subject", "=user__email")
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = ("id", "sequence", "user", "type", "subject", "created_at", "masked_data")
    readonly_fields = fields

    @admin.display(description=_("data"))
    def masked_data(self, event: Event) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(masked(event.data), indent=2, ensure_ascii=False))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    """The outbox. What an e-mail says is made when it is sent and is its reader's."""

    list_display = ("created_at", "template", "user", "tries", "sent_at", "given_up_at", "error")
    actions = ("send_again",)
    list_filter = (("given_up_at", admin.EmptyFieldListFilter), ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("=key", "=to")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        "template", "user", "to", "key", "tries", "error", ("created_at", "next_try_at"), ("sent_at", "given_up_at"),
    )  # fmt: skip
    readonly_fields = ("created_at",)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_outgoingemail")

    @admin.action(description=_("Send again: those given up"), permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingEmail]) -> None:
        """Start anew with what was given up; what was sent or still waits is left alone."""
        revived = [email for email in queryset if emails.send_again(email.pk)]
        for email in revived:
            self.log_change(request, email, "Sent again")
        count = len(revived)
        text = ngettext("%(count)d e-mail starts anew.", "%(count)d e-mails start anew.", count)
        self.message_user(request, text % {"count": count})


def masked(data: Any) -> Any:
    """The same shape without what only the customer may read."""
    if isinstance(data, dict):
        return {key: "•••" if key in HIDDEN_KEYS and value else masked(value) for key, value in data.items()}
    if isinstance(data, list):
        return [masked(item) for item in data]
    return data
