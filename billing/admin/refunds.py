"""Refunds: asked for, decided, sent, and those whose answer was lost."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.pages import CurrencyFilter, StoryAdmin, shortened
from billing.enums import RefundStatus
from billing.models import Refund
from billing.selectors import stories
from billing.selectors.stories import Moment
from billing.services import approvals
from billing.views.staff_payments import REFUND_ACTS
from namaskah.lib.money import format_money, format_subunits


class LostFilter(admin.SimpleListFilter):
    """Sent, and Paystack's list does not have it: only a person can say what happened."""

    title = gettext_lazy("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("lost", gettext_lazy("Lost: a person decides"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() != "lost":
            return queryset
        deadline = timezone.now() - dt.timedelta(seconds=settings.REFUND_MATCH_S)
        return queryset.filter(status=RefundStatus.SENT, paystack_id=None, sent_at__lte=deadline)


@admin.register(Refund)
class RefundAdmin(StoryAdmin):
    """Those that wait for a decision are this list, filtered by its status."""

    acts = REFUND_ACTS
    list_display = ("created_at", "status", "amount", "from_wallet", "short_user", "short_token", "note")
    list_display_links = ("created_at", "short_token")
    list_filter = ("status", LostFilter, CurrencyFilter)
    list_select_related = ("user",)
    search_fields = ("=token", "=deposit__reference", "=user__email")
    search_help_text = gettext_lazy("A whole token, reference of the deposit, or customer's e-mail address.")
    ordering = ("-created_at",)
    sortable_by = ()
    readonly_fields = ("amount", "from_wallet")
    fields = (
        "token", "deposit", "user", "status", "amount", "from_wallet", "reason", "note", ("asked_by", "decided_by"),
        "paystack_id", ("created_at", "sent_at", "closed_at"), ("looks", "next_look_at"),
    )  # fmt: skip

    def story(self, row: Refund) -> list[Moment]:
        return stories.of_refund(row)

    def notices(self, row: Refund) -> list[Any]:
        if row.status == RefundStatus.REQUESTED and approvals.needs_second(row.wallet_amount):
            return [_("Above the limit: approving asks a second member of staff.")]
        return []

    @admin.display(description=gettext_lazy("customer"))
    def short_user(self, refund: Refund) -> SafeString | str:
        return shortened(str(refund.user)) if refund.user else "–"

    @admin.display(description=gettext_lazy("token"))
    def short_token(self, refund: Refund) -> SafeString | str:
        return shortened(refund.token)

    @admin.display(description=gettext_lazy("amount"))
    def amount(self, refund: Refund) -> str:
        return format_subunits(refund.amount_subunits, refund.charge_currency)

    @admin.display(description=gettext_lazy("from the wallet"))
    def from_wallet(self, refund: Refund) -> str:
        return format_money(refund.wallet_amount, settings.WALLET_CURRENCY)
