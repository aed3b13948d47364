"""Customers and staff in the staff console. Their page is read; what changes them are acts (`people_acts.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import browsers
from accounts.admin.acts import WithActs
from accounts.admin.people_acts import ACTS
from accounts.http import user_of
from accounts.models import User
from accounts.services import factors, invitations, known_devices, sessions
from accounts.step_up import step_up_required
from namaskah.lib.admin import UncountedPaginator

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    InviteModelForm = forms.ModelForm[User]
    BaseUserAdmin = admin.ModelAdmin[User]
else:
    InviteModelForm, BaseUserAdmin = forms.ModelForm, admin.ModelAdmin

Link = tuple["StrOrPromise", str, str]  # words, address, the permission it takes


class InviteForm(InviteModelForm):
    """Whom to open an account for."""

    class Meta:
        model = User
        fields = ("email",)


@admin.register(User)
class UserAdmin(WithActs, BaseUserAdmin):
    """Customers and staff. Nobody's address or password is changed here: whoever could would have the account."""

    change_form_template = "admin/accounts/user/change_form.html"
    acts = ACTS
    form = InviteForm
    list_display = ("email", "state", "role", "date_joined", "last_login")
    list_filter = ("state", "role", "date_joined")
    search_fields = ("email", "=id")
    ordering = ("-date_joined",)
    date_hierarchy = "date_joined"
    show_full_result_count = False
    paginator = UncountedPaginator
    actions = None
    fieldsets = (
        (None, {"fields": ("email", "email_verified_at", "state", "role")}),
        (
            gettext_lazy("Dates"),
            {"fields": ("date_joined", "last_login", "password_changed_at", "leaving_at")},
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": ("email",),
                "description": gettext_lazy("They get an e-mail with a link to set their password."),
            },
        ),
    )
    readonly_fields = ("date_joined", "last_login", "password_changed_at", "leaving_at")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.fieldsets if obj is not None else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.readonly_fields if obj is not None else ()

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Opening an account for somebody, after showing again who one is."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        page = step_up_required(super().add_view)
        return cast("HttpResponse", page(request, form_url, extra_context))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Only adding comes here."""
        made = invitations.invite(email=obj.email, actor=user_of(request))
        obj.pk, obj._state.adding = made.pk, False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        person = options.get("obj") or context.get("original")
        if person is not None:
            context |= {
                "person_sessions": self._sessions(request, person),
                "person_devices": self._devices(request, person),
                "person_factors": factors.methods_of(person.pk),
                "person_links": [
                    (words, address)
                    for words, address, permission in _links(person)
                    if request.user.has_perm(permission)
                ],
            }
        return super().render_change_form(request, context, *args, **options)

    def _sessions(self, request: HttpRequest, person: User) -> list[tuple[str, Any]] | None:
        if not request.user.has_perm("accounts.view_session"):
            return None
        return [(browsers.in_words(row.user_agent), row) for row in sessions.sessions_of(person.pk)]

    def _devices(self, request: HttpRequest, person: User) -> list[tuple[str, Any]] | None:
        if not request.user.has_perm("accounts.view_knowndevice"):
            return None
        return [(browsers.in_words(row.user_agent), row) for row in known_devices.devices_of(person.pk)]


def _links(person: User) -> list[Link]:
    """Where the rest of what we know of somebody is."""

    def of(model: str, query: str) -> str:
        return f"{reverse(f'admin:{model}_changelist')}?{query}"

    theirs = f"user__id__exact={person.pk}"
    return [
        (_("Security log"), of("accounts_auditentry", f"q={person.pk}"), "accounts.view_auditentry"),
        (_("Wallet"), of("billing_account", theirs), "billing.view_account"),
        (_("Top-ups"), of("billing_deposit", theirs), "billing.view_deposit"),
        (_("Refunds"), of("billing_refund", theirs), "billing.view_refund"),
        (_("Disputes"), of("billing_dispute", theirs), "billing.view_dispute"),
        (_("Orders"), of("verifications_verification", theirs), "verifications.view_verification"),
        (_("E-mails"), of("accounts_outgoingemail", theirs), "accounts.view_outgoingemail"),
        (
            _("Ask for a reset of second factors"),
            f"{reverse('admin:accounts_factorreset_add')}?user={person.pk}",
            "accounts.add_factorreset",
        ),
    ]
