"""The audit trail in the staff console: read and searched, never changed.

Whose account somebody looked up in it is a matter for the trail, too: `namaskah.console_trail` writes an entry for each page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.audit_actions import AREAS, AuditAction
from accounts.enums import Role
from accounts.models import AuditEntry, AuditSeal, User
from accounts.selectors import audit_search
from accounts.services import audit_sealing
from namaskah.lib.admin import ReadOnlyAdmin


class AreaFilter(admin.SimpleListFilter):
    """What it was about; the search finds a single action."""

    title = _("area")
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return AREAS.items()

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in AREAS:
            return queryset
        return queryset.filter(
            action__in=[act for act in AuditAction.values if act.partition(".")[0] == self.value()]
        )


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what to whom, when and from where."""

    change_list_template = "admin/accounts/auditentry/change_list.html"
    list_display = ("created_at", "act", "actor", "role", "subject", "target", "address")
    list_display_links = ("created_at", "act")
    list_filter = (AreaFilter, "created_at")
    search_fields = ("request_id",)  # shows the field; `get_search_results` says what it finds
    search_help_text = _(
        "Number or e-mail address of a person, target (billing.deposit:…), action (session.signed_in), address, request id, "
        "day (2026-01-31), place in the chain (#12); several words narrow it down."
    )
    show_facets = admin.ShowFacets.NEVER  # each would count millions
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        "created_at", "act", "actor", "role", "subject", "target", "reason", "changes", "address", "user_agent",
        "request_id", "number", "hash",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """With the addresses of the people, who stand in the trail by number."""
        queryset: QuerySet[AuditEntry] = super().get_queryset(request)
        return queryset.annotate(actor_email=_email_of("actor_id"), subject_email=_email_of("subject_id"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(audit_search.matching(search_term)), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the chain's head above the list."""
        return super().changelist_view(request, {"chain_head": audit_sealing.head(), **(extra_context or {})})

    @admin.display(description=_("action"))
    def act(self, entry: AuditEntry) -> str:
        known = entry.action in AuditAction.values
        return str(AuditAction(entry.action).label) if known else entry.action

    @admin.display(description=_("by"))
    def actor(self, entry: AuditEntry) -> SafeString | str:
        return _person(entry.actor_id, getattr(entry, "actor_email", None))

    @admin.display(description=_("role"))
    def role(self, entry: AuditEntry) -> str:
        """Of whoever did it, at that time."""
        known = entry.actor_role in Role.values
        return str(Role(entry.actor_role).label) if known else entry.actor_role or "–"

    @admin.display(description=_("account"))
    def subject(self, entry: AuditEntry) -> SafeString | str:
        return _person(entry.subject_id, getattr(entry, "subject_email", None))

    @admin.display(description=_("before and after"))
    def changes(self, entry: AuditEntry) -> SafeString | str:
        """One line a field; what is on one side only stands alone."""
        before, after = _fields(entry.before), _fields(entry.after)
        names = list(dict.fromkeys([*before, *after]))
        lines = [(name, before.get(name, "–"), after.get(name, "–")) for name in names]
        if not lines:
            return "–"
        head = format_html("<thead><tr><th></th><th>{}</th><th>{}</th></tr></thead>", _("Before"), _("After"))
        body = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>', lines)
        return format_html("<table>{}<tbody>{}</tbody></table>", head, body)


@admin.register(AuditSeal)
class AuditSealAdmin(ReadOnlyAdmin):
    """Where the chain stood after each run of the sealing job."""

    list_display = ("created_at", "first_number", "last_number", "hash", "is_removal")
    list_filter = ("is_removal",)
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("created_at", ("first_number", "last_number"), "hash", "is_removal")
    readonly_fields = ("created_at",)


def _email_of(column: str) -> Subquery:
    return Subquery(User.objects.filter(pk=OuterRef(column)).values("email")[:1])


def _person(user_id: int | None, email: str | None) -> SafeString | str:
    """Who, with a link to their page as long as there is one."""
    if user_id is None:
        return "–"
    if email is None:
        return str(user_id)
    return format_html('<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[user_id]), email)


def _fields(document: Any) -> dict[str, str]:
    values = document if isinstance(document, dict) else {}
    return {
        str(name): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
