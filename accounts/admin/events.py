"""What customers were told, in the staff console."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import Event

if TYPE_CHECKING:
    EventModelAdmin = admin.ModelAdmin[Event]
else:
    EventModelAdmin = admin.ModelAdmin

HIDDEN_KEYS = frozenset({"code", "messages", "phone_number", "sender", "text"})


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


def masked(data: Any) -> Any:
    """The same shape without what only the customer may read."""
    if isinstance(data, dict):
        return {key: "•••" if key in HIDDEN_KEYS and value else masked(value) for key, value in data.items()}
    if isinstance(data, list):
        return [masked(item) for item in data]
    return data
