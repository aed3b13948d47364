"""Orders in the staff console: read what happened, and act only through the services."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.http import user_of
from billing.models import Transfer
from namaskah.exceptions import DomainError
from namaskah.lib.admin import ReadOnlyAdmin, ReadOnlyInline
from namaskah.lib.logging import mask_phone
from verifications.enums import Outcome
from verifications.models import Attempt, HistoryEntry, Message, StrayOrder, Verification
from verifications.services import staff, transitions

CANCEL = "verifications.cancel_any_order"
GUARDED = {"staff_actions": CANCEL, "transfers": "billing.view_transfer"}


class HistoryInline(ReadOnlyInline):
    model = HistoryEntry
    fields = ("at", "step", "status", "actor", "detail")
    readonly_fields = fields


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fk_name = "verification"
    fields = (
        "number", "provider", "outcome", "error_code", "offer_cost", "cost", "latency_ms", "provider_order_id", "closing",
    )  # fmt: skip
    readonly_fields = fields


class MessageInline(ReadOnlyInline):
    """When and whether a message came; what it says is the customer's."""

    model = Message
    fields = ("received_at", "sent_at", "sender", "visibility")
    readonly_fields = fields


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "id",
        "user",
        "service",
        "country",
        "status",
        "price",
        "masked_number",
        "failure_code",
    )
    list_filter = ("status", "failure_code", "attempt__provider", "created_at")
    list_select_related = ("user", "service", "country")
    search_fields = ("=id", "=user__email", "=phone_number")
    date_hierarchy = None
    ordering = ("-id",)  # ids are in order of time
    inlines = (HistoryInline, AttemptInline, MessageInline)
    readonly_fields = ("masked_number", "transfers", "staff_actions")
    fields = (
        "staff_actions", "user", ("service", "country", "operator"), ("status", "failure_code"), ("price", "currency"),
        "masked_number", ("created_at", "expires_at", "cancellable_at"), ("cancel_requested_at", "received_at", "closed_at"),
        ("first_code_ms", "another_sms_count"), "transfers",
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Verification | None = None) -> list[Any]:
        """Without what another permission guards."""
        hidden = {name for name, permission in GUARDED.items() if not request.user.has_perm(permission)}
        return [name for name in self.fields if name not in hidden]

    @admin.display(description=gettext_lazy("number"))
    def masked_number(self, order: Verification) -> str:
        return mask_phone(order.phone_number) if order.phone_number else "–"

    @admin.display(description=gettext_lazy("transfers"))
    def transfers(self, order: Verification) -> SafeString:
        rows = Transfer.objects.filter(reference=transitions.reference(order)).order_by("sequence")
        return format_html(
            "<ul>{}</ul>",
            SafeString("").join(
                format_html(
                    "<li>{} · {} · {}</li>",
                    row.created_at.isoformat(timespec="seconds"),
                    row.get_code_display(),
                    row.amount,
                )
                for row in rows
            ),
        )

    @admin.display(description=gettext_lazy("actions"))
    def staff_actions(self, order: Verification) -> SafeString | str:
        if not order.is_open:
            return "–"
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:verifications_verification_cancel", args=[order.pk]),
            _("Cancel with refund"),
        )

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:verification_id>/cancel/",
            self.admin_site.admin_view(self.cancel_view),
            name="verifications_verification_cancel",
        )
        return [own, *super().get_urls()]

    def cancel_view(self, request: HttpRequest, verification_id: uuid.UUID) -> HttpResponse:
        """Ask for a reason, then cancel through the service."""
        order = get_object_or_404(
            Verification.objects.select_related("service", "country", "user"), pk=verification_id
        )
        if not request.user.has_perm(CANCEL):
            raise PermissionDenied
        title, reason = _("Cancel with refund"), request.POST.get("reason", "").strip()
        if request.method == "POST" and reason:
            try:
                staff.cancel(order.pk, actor=user_of(request), reason=reason)
                messages.success(
                    request, _("Cancel accepted. The order page shows when the network has confirmed it.")
                )
            except DomainError as error:
                messages.error(request, str(error.message))
            return HttpResponseRedirect(reverse("admin:verifications_verification_change", args=[order.pk]))
        context = self.admin_site.each_context(request) | {
            "title": title,
            "subject": order,
            "opts": self.opts,
            "explanation": _(
                "The number goes back to the network and the money to the customer, unless a code arrives first."
            ),
            "is_reason_missing": request.method == "POST",
            "back_url": reverse("admin:verifications_verification_change", args=[order.pk]),
        }
        return render(request, "admin/verifications/confirm_with_reason.html", context)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at", "verification", "provider", "number", "outcome", "error_code", "latency_ms", "closing", "closing_tries",
    )  # fmt: skip
    list_filter = ("outcome", "closing", "provider", "error_code")
    list_select_related = ("provider",)
    search_fields = ("=id", "=verification__id", "=provider_order_id")
    ordering = ("-id",)
    actions = ("resolve_doubtful", "resolve_not_bought", "close_again")
    exclude = ("phone_number",)

    @admin.action(
        description=gettext_lazy("Settle doubtful attempts: ask the provider now"), permissions=["resolve"]
    )
    def resolve_doubtful(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> None:
        decided = staff.settle(queryset.filter(outcome=Outcome.DOUBTFUL), actor=user_of(request))
        messages.info(request, _("%(count)d attempts are decided now.") % {"count": decided})

    @admin.action(
        description=gettext_lazy("Doubtful attempts: nothing was bought, return the money"),
        permissions=["resolve"],
    )
    def resolve_not_bought(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> None:
        decided = staff.settle_as_not_bought(
            queryset.filter(outcome=Outcome.DOUBTFUL), actor=user_of(request)
        )
        messages.info(request, _("%(count)d attempts are settled as not bought.") % {"count": decided})

    @admin.action(
        description=gettext_lazy("Try again to close the order at the provider"), permissions=["resolve"]
    )
    def close_again(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> None:
        tried = staff.close_again(queryset, actor=user_of(request))
        messages.info(request, _("%(count)d orders will be closed again.") % {"count": tried})

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        """Who may decide for an attempt."""
        return request.user.has_perm("verifications.settle_attempt")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """That a message came, never what it says."""

    list_display = ("received_at", "verification", "sender", "visibility")
    list_filter = ("visibility", "received_at")
    search_fields = ("=id", "=verification__id")
    fields = ("verification", "attempt", "sender", "visibility", "sent_at", "received_at")
    ordering = ("-id",)


@admin.register(HistoryEntry)
class HistoryEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "verification", "step", "status", "actor")
    list_filter = ("step", "status")
    search_fields = ("=verification__id",)
    list_select_related = ("actor",)
    ordering = ("-id",)


@admin.register(StrayOrder)
class StrayOrderAdmin(ReadOnlyAdmin):
    list_display = (
        "first_seen_at",
        "provider",
        "provider_order_id",
        "service_code",
        "country_code",
        "resolution",
    )
    list_filter = ("resolution", "provider")
    list_select_related = ("provider",)
    search_fields = ("=provider_order_id",)
    exclude = ("phone_number",)
    ordering = ("-first_seen_at",)
