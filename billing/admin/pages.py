"""What the console's pages about payments share: the story of a row first, acts beside it, filters without a query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import WithActs
from billing.currencies import CHARGE_CURRENCIES
from billing.selectors import stories
from billing.selectors.stories import Moment
from billing.views import staff_acts
from namaskah.lib.admin import ReadOnlyAdmin

CHANNELS = (
    "card", "bank_transfer", "ussd", "bank", "mobile_money", "qr", "eft", "dedicated_nuban", "direct_debit", "apple_pay",
)  # fmt: skip


def shortened(text: str, longest: int = 20) -> SafeString | str:
    """A name that fits beside the other columns of a list; all of it on hovering, and on the row's page."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return format_html('<span title="{}">{}…{}</span>', text, text[:half], text[-half:])


class FixedFilter(admin.SimpleListFilter):
    """A filter whose values are written down: to collect them from the rows would read the whole table."""

    field = ""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


class CurrencyFilter(FixedFilter):
    title = _("currency")
    parameter_name = field = "charge_currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(code, code) for code in CHARGE_CURRENCIES]


class ChannelFilter(FixedFilter):
    title = _("channel")
    parameter_name = field = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(channel, channel.replace("_", " ")) for channel in CHANNELS]


class StoryAdmin(WithActs, ReadOnlyAdmin):
    """Rows that are read here and changed by acts alone, each with its permission and its reason."""

    change_form_template = "admin/billing/story.html"
    perform = staticmethod(staff_acts.perform)

    def story(self, row: Any) -> list[Moment]:
        """What happened to the row, in order."""
        return stories.of_row(row)

    def notices(self, row: Any) -> list[Any]:
        """Sentences above the story."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        row = options.get("obj") or context.get("original")
        if row is not None:
            context |= {"story": self.story(row), "notices": self.notices(row)}
        return super().render_change_form(request, context, *args, **options)
