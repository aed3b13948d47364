"""Reconciled days, both sides beside each other, and what Paystack paid out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from billing.admin.pages import StoryAdmin
from billing.models import ReconciledDay, Settlement
from billing.views import staff_reconciliation
from billing.views.staff_reconciliation import DAY_ACTS
from namaskah.lib.admin import ReadOnlyAdmin
from namaskah.lib.money import format_subunits

FIGURES = {
    "payments": gettext_lazy("Payments"),
    "paid": gettext_lazy("Paid"),
    "fees": gettext_lazy("Fees"),
    "refunds": gettext_lazy("Refunds sent"),
    "disputes": gettext_lazy("Disputes lost"),
    "settled": gettext_lazy("Paid out to our bank"),
    "clearing": gettext_lazy("Owed more by Paystack at the end of the day"),
    "owed": gettext_lazy("Owed by Paystack in all"),
}


class OpenFilter(admin.SimpleListFilter):
    """Days that keep somebody busy."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("different", gettext_lazy("Open, with differences")),
            ("open", gettext_lazy("Open")),
            ("closed", gettext_lazy("Closed")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "different":
            return queryset.filter(closed_at=None, open_differences__gt=0)
        if self.value() is None:
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "open")


@admin.register(ReconciledDay)
class ReconciledDayAdmin(StoryAdmin):
    acts = DAY_ACTS
    change_form_template = "admin/billing/reconciledday/change_form.html"
    list_display = (
        "day",
        "currency",
        "here",
        "there",
        "open_differences",
        "ran_at",
        "closed_at",
        "closed_by",
    )
    list_display_links = ("day", "currency")
    list_filter = (OpenFilter, "currency")
    list_select_related = ("closed_by",)
    ordering = ("-day", "currency")
    sortable_by = ()
    fields = ("day", "currency", "ran_at", "open_differences", ("closed_by", "closed_at"), "reason")

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "differences/<int:difference_id>/explain/",
            self.admin_site.admin_view(self.explain_view),
            name="billing_difference_explain",
        )
        return [own, *super().get_urls()]

    def explain_view(self, request: HttpRequest, difference_id: int) -> HttpResponse:
        """Say why a difference is all right."""
        return staff_reconciliation.explain(request, difference_id, self.admin_site.each_context(request))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        day = options.get("obj") or context.get("original")
        if isinstance(day, ReconciledDay):
            context |= {
                "figures": [_figure_row(name, day) for name in FIGURES],
                "differences": day.differences.select_related("explained_by").order_by("gone_at", "pk"),
                "may_explain": request.user.has_perm(staff_reconciliation.CLOSE),
            }
        return super().render_change_form(request, context, *args, **options)

    @admin.display(description=gettext_lazy("paid, our books"))
    def here(self, day: ReconciledDay) -> str:
        return _money(day, "ours", "paid")

    @admin.display(description=gettext_lazy("paid, Paystack"))
    def there(self, day: ReconciledDay) -> str:
        return _money(day, "theirs", "paid")


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    list_display = ("settled_on", "paystack_id", "status", "paid_out", "fees", "deductions", "is_posted")
    list_display_links = ("settled_on", "paystack_id")
    list_filter = ("status", "is_posted")
    search_fields = ("=paystack_id",)
    ordering = ("-settled_on", "-pk")
    sortable_by = ()
    readonly_fields = ("paid_out", "processed", "fees", "deductions", "created_at")
    fields = (
        "paystack_id", "status", "settled_on", "processed", "fees", "deductions", "paid_out", "is_posted", "created_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("paid out"))
    def paid_out(self, row: Settlement) -> str:
        return format_subunits(row.total_subunits, row.currency)

    @admin.display(description=gettext_lazy("processed"))
    def processed(self, row: Settlement) -> str:
        return format_subunits(row.processed_subunits, row.currency)

    @admin.display(description=gettext_lazy("fees"))
    def fees(self, row: Settlement) -> str:
        return format_subunits(row.fees_subunits, row.currency)

    @admin.display(description=gettext_lazy("deductions"))
    def deductions(self, row: Settlement) -> str:
        return format_subunits(row.deductions_subunits, row.currency)


def _figure_row(name: str, day: ReconciledDay) -> dict[str, Any]:
    """One line of the comparison; what only the ledger knows has no other side."""
    here, there = (day.figures.get(side, {}).get(name) for side in ("ours", "theirs"))
    return {
        "label": FIGURES[name],
        "here": _money(day, "ours", name),
        "there": _money(day, "theirs", name),
        "differs": here is not None and there is not None and here != there,
    }


def _money(day: ReconciledDay, side: str, name: str) -> str:
    value = day.figures.get(side, {}).get(name)
    if value is None:
        return "–"
    return str(value) if name == "payments" else format_subunits(value, day.currency)
