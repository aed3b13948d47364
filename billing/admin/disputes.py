"""Disputes, the one with the nearest deadline first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.pages import StoryAdmin
from billing.enums import DisputeOutcome
from billing.models import Dispute
from billing.selectors import stories
from billing.selectors.stories import Moment
from billing.services import disputes, evidence
from billing.views.staff_payments import DISPUTE_ACTS
from namaskah.lib.money import format_money, format_subunits
from namaskah.templatetags.ui import format_relative


@admin.register(Dispute)
class DisputeAdmin(StoryAdmin):
    """An answer that is late is a lost dispute, so the deadline orders the list."""

    acts = DISPUTE_ACTS
    list_display = (
        "deadline",
        "paystack_id",
        "user",
        "status",
        "outcome",
        "amount",
        "category",
        "answered_at",
    )
    list_display_links = ("deadline", "paystack_id")
    list_filter = ("outcome", "status")
    list_select_related = ("user",)
    search_fields = ("=paystack_id", "=transaction_reference", "=user__email")
    search_help_text = gettext_lazy("A whole id or reference at Paystack, or customer's e-mail address.")
    ordering = ("outcome", "due_at", "pk")
    sortable_by = ()
    readonly_fields = ("deadline", "amount", "frozen", "missing", "evidence_link")
    fields = (
        "deadline", "paystack_id", "deposit", "user", "transaction_reference", ("status", "outcome", "resolution"), "category",
        "amount", "frozen", "missing", "evidence_link", ("answered_by", "answered_at"), "answer", ("opened_at", "closed_at"),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:dispute_id>/evidence.pdf",
            self.admin_site.admin_view(self.evidence_view),
            name="billing_dispute_evidence",
        )
        return [own, *super().get_urls()]

    def evidence_view(self, request: HttpRequest, dispute_id: int) -> HttpResponse:
        """What would be sent to the bank now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        dispute = Dispute.objects.select_related("deposit", "user").filter(pk=dispute_id).first()
        if dispute is None or dispute.deposit is None:
            raise Http404
        return HttpResponse(
            evidence.as_pdf(dispute),
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="dispute-{dispute.paystack_id}.pdf"'},
        )

    def story(self, row: Dispute) -> list[Moment]:
        return stories.of_dispute(row)

    @admin.display(description=gettext_lazy("answer until"))
    def deadline(self, dispute: Dispute) -> SafeString | str:
        """How long is left; red when it is time."""
        if dispute.due_at is None:
            return "–"
        if dispute.outcome != DisputeOutcome.OPEN or dispute.answered_at is not None:
            return f"{dispute.due_at:%Y-%m-%d %H:%M}"
        now = timezone.now()
        text = f"{dispute.due_at:%Y-%m-%d %H:%M} ({format_relative(dispute.due_at, now)})"
        return (
            format_html('<strong class="alarm">{}</strong>', text) if disputes.is_due(dispute, now) else text
        )

    @admin.display(description=gettext_lazy("disputed"))
    def amount(self, dispute: Dispute) -> str:
        return format_subunits(dispute.amount_subunits, dispute.currency)

    @admin.display(description=gettext_lazy("frozen in the wallet"))
    def frozen(self, dispute: Dispute) -> str:
        return _wallet_money(dispute, dispute.wallet_amount - dispute.shortfall)

    @admin.display(description=gettext_lazy("not covered by the wallet"))
    def missing(self, dispute: Dispute) -> str:
        return _wallet_money(dispute, dispute.shortfall)

    @admin.display(description=gettext_lazy("evidence"))
    def evidence_link(self, dispute: Dispute) -> SafeString | str:
        if dispute.deposit_id is None:
            return "–"
        return format_html(
            '<a href="{}" target="_blank" rel="noopener">{}</a>',
            reverse("admin:billing_dispute_evidence", args=[dispute.pk]),
            _("Look at it (PDF)"),
        )


def _wallet_money(dispute: Dispute, amount: Any) -> str:
    return format_money(amount, dispute.deposit.wallet_currency) if dispute.deposit else "–"
