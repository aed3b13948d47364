"""What the staff console's pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyInline = admin.TabularInline[Any, Any]
else:
    AnyPaginator, AnyModelAdmin, AnyInline = Paginator, admin.ModelAdmin, admin.TabularInline

COUNTED_AT_MOST = 10_000


class UncountedPaginator(AnyPaginator):
    """Counts up to a limit: counting millions of rows costs more than the page that is asked for."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        # Nothing but keys: a list's columns may look things up for each row.
        return rows.order_by().values("pk")[:COUNTED_AT_MOST].count()


class ReadOnly:
    """For rows that only the product writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, AnyModelAdmin):
    """A page of rows that only the product writes, of which there may be millions."""

    show_full_result_count = False
    paginator = UncountedPaginator
    list_per_page = 50


class ReadOnlyInline(ReadOnly, AnyInline):
    """Such rows on the page of what they belong to."""

    extra = 0
    can_delete = False
