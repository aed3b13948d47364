"""Roles in the staff console: who may what, to read. `accounts/roles.py` is where it is decided."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.enums import Role
from accounts.services.role_changes import ASSIGN
from namaskah.lib.admin import ReadOnly

admin.site.unregister(Group)  # which the import of Django's own page of it has registered


@admin.register(Group)
class RoleAdmin(ReadOnly, GroupAdmin):
    """Read-only: a role changes with a release, and is written to the groups after each migration."""

    list_display = ("title", "people_with_it", "permission_count")
    fields = ("title", "inherits", "people_with_it", "granted")
    readonly_fields = fields
    ordering = ("pk",)
    sortable_by = ()
    search_fields = ()
    filter_horizontal = ()
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Whoever gives roles reads what they mean."""
        return request.user.has_perm(ASSIGN)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        queryset: QuerySet[Group] = super().get_queryset(request)
        return queryset.annotate(people_count=Count("people"))

    @admin.display(description=_("role"))
    def title(self, group: Group) -> str:
        return str(Role(group.name).label) if group.name in Role.values else group.name

    @admin.display(description=_("inherits"))
    def inherits(self, group: Group) -> str:
        grant = roles.ROLES.get(group.name)
        return str(Role(grant.inherits).label) if grant and grant.inherits else "–"

    @admin.display(description=_("people"))
    def people_with_it(self, group: Group) -> SafeString:
        address = f"{reverse('admin:accounts_user_changelist')}?role__name__exact={group.name}"
        return format_html('<a href="{}">{}</a>', address, getattr(group, "people_count", 0))

    @admin.display(description=_("permissions"))
    def permission_count(self, group: Group) -> int:
        return len(roles.permissions_of(group.name))

    @admin.display(description=_("may"))
    def granted(self, group: Group) -> SafeString:
        """In words, and by the name that code and log use."""
        names = {
            f"{permission.content_type.app_label}.{permission.codename}": permission.name
            for permission in Permission.objects.select_related("content_type")
        }
        lines = [(names.get(name, name), name) for name in sorted(roles.permissions_of(group.name))]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} <small>({})</small></li>", lines))
