"""Money actions above the limit that wait for a second member of staff. The list opens with those."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.pages import StoryAdmin
from billing.models import Approval
from billing.selectors import stories
from billing.selectors.stories import Moment
from billing.views.staff_payments import APPROVAL_ACTS
from namaskah.lib.money import format_money

PAGES = {
    "user": "admin:accounts_user_change",
    "deposit": "admin:billing_deposit_change",
    "refund": "admin:billing_refund_change",
}


class PendingFilter(admin.SimpleListFilter):
    title = gettext_lazy("decision")
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("pending", gettext_lazy("Waiting")), ("decided", gettext_lazy("Decided"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() is None:
            return queryset
        return queryset.filter(decided_at__isnull=self.value() == "pending")


@admin.register(Approval)
class ApprovalAdmin(StoryAdmin):
    acts = APPROVAL_ACTS
    list_display = (
        "asked_at",
        "kind",
        "subject",
        "shown_amount",
        "asked_by",
        "reason",
        "is_approved",
        "decided_by",
    )
    list_display_links = ("asked_at", "kind")
    list_filter = (PendingFilter, "kind")
    list_select_related = ("asked_by", "decided_by")
    search_fields = ("=subject",)
    search_help_text = gettext_lazy("A whole subject, such as user:12.")
    ordering = ("-asked_at",)
    sortable_by = ()
    readonly_fields = ("about", "shown_amount")
    fields = (
        "kind", "about", "shown_amount", "reason", ("asked_by", "asked_at"), ("decided_by", "decided_at"), "is_approved",
        "outcome",
    )  # fmt: skip

    def story(self, row: Approval) -> list[Moment]:
        return stories.of_approval(row)

    def notices(self, row: Approval) -> list[Any]:
        if row.decided_at is None:
            return [_("Whoever asked cannot decide. Approving carries it out at once.")]
        return []

    @admin.display(description=gettext_lazy("about"))
    def about(self, approval: Approval) -> SafeString | str:
        prefix, _separator, pk = approval.subject.partition(":")
        page = PAGES.get(prefix)
        if page is None:
            return approval.subject
        return format_html('<a href="{}">{}</a>', reverse(page, args=[pk]), approval.subject)

    @admin.display(description=gettext_lazy("amount"))
    def shown_amount(self, approval: Approval) -> str:
        return format_money(approval.amount, settings.WALLET_CURRENCY)
