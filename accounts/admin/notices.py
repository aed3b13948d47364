"""Notices in the staff console: that somebody was told, and when. What a notice says is its reader's."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import Notice
from namaskah.lib.admin import ReadOnlyAdmin


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """To answer "nobody told me"."""

    list_display = ("created_at", "template", "user", "is_shown", "read_at")
    list_filter = ("is_shown", "created_at")
    list_select_related = ("user",)
    search_fields = ("=key", "=user__id")
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("template", "user", "key", "is_shown", ("created_at", "read_at"))
    readonly_fields = ("created_at",)
