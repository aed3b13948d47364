"""Providers' codes and what they mean. The list opens with those that nobody has mapped: nothing is sold under them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from namaskah.lib.admin import AnyModelAdmin
from verifications.models import ProviderCountryCode, ProviderServiceCode
from verifications.services import catalog_summary, codes_sync


class MappedFilter(admin.SimpleListFilter):
    """Unmapped unless something else is asked for."""

    title = _("mapping")
    parameter_name = "mapping"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mapped", _("Mapped")), ("all", _("All"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Unmapped"),
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == str(value),
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        target = _target(queryset)
        if self.value() == "all":
            return queryset
        return queryset.filter(**{f"{target}__isnull": self.value() is None})


class CodeAdmin(AnyModelAdmin):
    """What both kinds of code share: mapping in the list, offers that follow."""

    list_filter = (MappedFilter, "provider")
    list_select_related = ("provider",)
    list_per_page = 50
    search_fields = ("code", "name")
    ordering = ("provider", "code")
    actions = ("map_by_name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("provider", "code", "seen_at") if obj else ("seen_at",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _follow(obj)

    @admin.action(description=_("Map to what the provider's name for it says"), permissions=["change"])
    def map_by_name(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        mapped = 0
        target = _target(queryset)
        for code in queryset.filter(**{f"{target}__isnull": True}):
            if meaning := _suggestion(code):
                setattr(code, target, meaning)
                with transaction.atomic():
                    code.save(update_fields=[target])
                    _follow(code)
                    self.log_change(request, code, "Mapped to what the provider's name for it says")
                mapped += 1
        messages.info(request, gettext("%(count)d codes mapped.") % {"count": mapped})


@admin.register(ProviderServiceCode)
class ProviderServiceCodeAdmin(CodeAdmin):
    list_display = ("code", "name", "provider", "service", "seen_at")
    list_editable = ("service",)
    autocomplete_fields = ("provider", "service")


@admin.register(ProviderCountryCode)
class ProviderCountryCodeAdmin(CodeAdmin):
    list_display = ("code", "name", "provider", "country", "seen_at", "offer_count", "prices_seen_at")
    list_editable = ("country",)
    autocomplete_fields = ("provider", "country")


def _target(queryset: QuerySet[Any]) -> str:
    return "service" if queryset.model is ProviderServiceCode else "country"


def _follow(code: ProviderServiceCode | ProviderCountryCode) -> None:
    if isinstance(code, ProviderServiceCode):
        codes_sync.remap_service(code)
    else:
        codes_sync.remap_country(code)
    transaction.on_commit(catalog_summary.refresh)


def _suggestion(code: ProviderServiceCode | ProviderCountryCode) -> object | None:
    if isinstance(code, ProviderServiceCode):
        return codes_sync.suggest_service(code)
    return codes_sync.suggest_country(code)
