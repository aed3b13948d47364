"""Deposits: every try to pay in, and the queue of money that a person has to decide about."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.pages import ChannelFilter, CurrencyFilter, StoryAdmin, shortened
from billing.models import Deposit
from billing.selectors import stories
from billing.selectors.stories import Moment
from billing.services import deposit_limits
from billing.views.staff_payments import DEPOSIT_ACTS, is_under_review, review_worth
from namaskah.lib.money import format_money, format_subunits


@admin.register(Deposit)
class DepositAdmin(StoryAdmin):
    """The review queue is this list, filtered by its status."""

    acts = DEPOSIT_ACTS
    list_display = (
        "created_at",
        "status",
        "asked",
        "credit",
        "short_user",
        "purpose",
        "why",
        "channel",
        "short_reference",
    )
    list_display_links = ("created_at", "short_reference")
    list_filter = ("status", "purpose", CurrencyFilter, ChannelFilter, "review_reason")
    list_select_related = ("user",)
    search_fields = ("reference",)
    search_help_text = gettext_lazy(
        "A whole reference, deposit id, id at Paystack, or customer's e-mail address."
    )
    ordering = ("-created_at",)
    sortable_by = ()
    readonly_fields = ("customer", "asked", "credit", "paid", "fees", "refunded", "tries", "why")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "reference", "id", "status", "purpose", "customer", "email", "asked", "credit", ("rate", "rate_as_of"),
                )
            },
        ),
        (
            gettext_lazy("What Paystack says"),
            {
                "fields": (
                    "paystack_id", "paid", "fees", "channel", "gateway_response", "card_label", "payer", "paid_at", "looks",
                )
            },
        ),
        (gettext_lazy("Review"), {"fields": ("why", "reviewed_by", "reviewed_at", "review_note")}),
        (gettext_lazy("Afterwards"), {"fields": ("credited_at", "closed_at", "refunded", "tries")}),
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Whole values only, each by its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(reference=term)
        if "@" in term:
            wanted |= Q(user__email__iexact=term)
        if term.isascii() and term.isdigit() and len(term) < 19:
            wanted |= Q(paystack_id=int(term))
        with contextlib.suppress(ValueError):
            wanted |= Q(pk=uuid.UUID(term))
        return queryset.filter(wanted), False

    def story(self, row: Deposit) -> list[Moment]:
        return stories.of_deposit(row)

    def notices(self, row: Deposit) -> list[Any]:
        """What a decision is about, and what the customer has used of each limit."""
        notices: list[Any] = []
        if is_under_review(row):
            worth = format_money(review_worth(row), row.wallet_currency)
            notices.append(_("To decide about: %(amount)s, what was paid at this rate") % {"amount": worth})
        if row.user is None:
            return notices
        return notices + [
            format_html(
                '<span class="{}">{}: {}</span>',
                "alarm" if limit.is_reached else "",
                limit.what,
                _("%(used)s of %(allowed)s") % {"used": limit.used, "allowed": limit.allowed}
                if limit.used
                else limit.allowed,
            )
            for limit in deposit_limits.limits_of(row.user)
        ]

    @admin.display(description=gettext_lazy("customer"))
    def customer(self, deposit: Deposit) -> SafeString | str:
        if deposit.user is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:accounts_user_change", args=[deposit.user.pk]),
            deposit.user,
        )

    @admin.display(description=gettext_lazy("customer"))
    def short_user(self, deposit: Deposit) -> SafeString | str:
        return shortened(str(deposit.user)) if deposit.user else "–"

    @admin.display(description=gettext_lazy("reference"))
    def short_reference(self, deposit: Deposit) -> SafeString | str:
        return shortened(deposit.reference)

    @admin.display(description=gettext_lazy("asked for"))
    def asked(self, deposit: Deposit) -> str:
        return format_subunits(deposit.amount_subunits, deposit.charge_currency)

    @admin.display(description=gettext_lazy("credit"))
    def credit(self, deposit: Deposit) -> str:
        return format_money(deposit.credit_amount, deposit.wallet_currency)

    @admin.display(description=gettext_lazy("paid"))
    def paid(self, deposit: Deposit) -> str:
        return _paid_money(deposit, deposit.paid_subunits)

    @admin.display(description=gettext_lazy("fees"))
    def fees(self, deposit: Deposit) -> str:
        return _paid_money(deposit, deposit.fees_subunits)

    @admin.display(description=gettext_lazy("refunded or being refunded"))
    def refunded(self, deposit: Deposit) -> str:
        return _paid_money(deposit, deposit.refunded_subunits)

    @admin.display(description=gettext_lazy("other tries"))
    def tries(self, deposit: Deposit) -> SafeString | str:
        others = [deposit.retry_of] if deposit.retry_of else []
        others += list(deposit.retries.all())
        links = [
            format_html(
                '<a href="{}">{}</a> ',
                reverse("admin:billing_deposit_change", args=[other.pk]),
                other.reference,
            )
            for other in others
        ]
        return SafeString("").join(links) if links else "–"

    @admin.display(description=gettext_lazy("why it needs review"))
    def why(self, deposit: Deposit) -> str:
        return deposit.get_review_reason_display() if deposit.review_reason else "–"


def _paid_money(deposit: Deposit, subunits: int | None) -> str:
    if subunits is None:
        return "–"
    return format_subunits(subunits, deposit.paid_currency or deposit.charge_currency)
