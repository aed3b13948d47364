"""The inbox of Paystack's webhooks, with what they said and without what would let somebody charge a card."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.admin.pages import StoryAdmin
from billing.models import WebhookEvent
from billing.views.staff_payments import WEBHOOK_ACTS

HIDDEN = frozenset({
    "account_name", "account_number", "authorization_code", "authorization_url", "access_code", "bin", "bvn", "customer_name",
    "email", "email_token", "first_name", "identification", "international_format_phone", "ip_address", "last_name", "metadata",
    "name", "narration", "phone", "receiver_bank_account_number", "sender_bank_account_number", "sender_name", "signature",
    "token", "value",
})  # fmt: skip
LONGEST = 20_000


def redacted(value: Any) -> Any:
    """The same document with every value hidden that names a person or charges a card; empty ones stay, they say something."""
    if isinstance(value, dict):
        return {
            key: "…" if key in HIDDEN and part not in (None, "", {}, []) else redacted(part)
            for key, part in value.items()
        }
    return [redacted(part) for part in value] if isinstance(value, list) else value


@admin.register(WebhookEvent)
class WebhookEventAdmin(StoryAdmin):
    """Read-only; an event may be worked on again."""

    acts = WEBHOOK_ACTS
    list_display = (
        "received_at",
        "event",
        "semantic_key",
        "state",
        "deliveries",
        "tries",
        "note",
        "is_known_address",
    )
    list_display_links = ("received_at", "event")
    list_filter = ("state", "is_known_address")
    search_fields = ("semantic_key",)
    search_help_text = _("A whole name of a fact, such as charge:5120043377, or the number of the event.")
    ordering = ("-received_at",)
    sortable_by = ()
    readonly_fields = ("shown_body",)
    fields = (
        "event", "semantic_key", "state", "note", ("received_at", "done_at", "next_try_at"), ("deliveries", "tries"),
        ("source_address", "is_known_address"), "body_sha256", "shown_body",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """Lists leave the bodies where they are."""
        queryset: QuerySet[WebhookEvent] = super().get_queryset(request)
        return queryset.defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(semantic_key=term)
        if term.isascii() and term.isdigit() and len(term) < 19:
            wanted |= Q(pk=int(term))
        return queryset.filter(wanted), False

    @admin.display(description=_("body, names and codes hidden"))
    def shown_body(self, event: WebhookEvent) -> SafeString | str:
        try:
            document = json.loads(bytes(event.body))
        except (ValueError, RecursionError):
            return "–"
        text = json.dumps(redacted(document), indent=2, ensure_ascii=False)
        return format_html('<pre class="document">{}</pre>', text[:LONGEST])
