"""The outbox of e-mails in the staff console."""

from __future__ import annotations

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import OutgoingEmail
from accounts.services import emails
from namaskah.lib.admin import ReadOnlyAdmin


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    """The outbox. What an e-mail says is made when it is sent and is its reader's."""

    list_display = ("created_at", "template", "user", "tries", "sent_at", "given_up_at", "error")
    actions = ("send_again",)
    list_filter = (("given_up_at", admin.EmptyFieldListFilter), ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("=key", "=to")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        "template", "user", "to", "key", "tries", "error", ("created_at", "next_try_at"), ("sent_at", "given_up_at"),
    )  # fmt: skip
    readonly_fields = ("created_at",)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.resend_outgoingemail")

    @admin.action(description=_("Send again: those given up"), permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingEmail]) -> None:
        """Start anew with what was given up; what was sent or still waits is left alone."""
        with transaction.atomic():
            revived = [email for email in queryset if emails.send_again(email.pk)]
            for email in revived:
                self.log_change(request, email, "Sent again")
        count = len(revived)
        text = ngettext("%(count)d e-mail starts anew.", "%(count)d e-mails start anew.", count)
        self.message_user(request, text % {"count": count})
