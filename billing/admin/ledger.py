"""The console's view of money: all of it read-only, but for the adjustment form, which goes through the ledger."""

from __future__ import annotations

import contextlib
import uuid
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from billing import selectors
from billing.enums import AccountKind
from billing.models import Account, Transfer
from billing.views import staff
from namaskah.lib.admin import ReadOnlyAdmin


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Wallets and our own accounts. Support credits and debits a customer from the wallet's page."""

    change_form_template = "admin/billing/account/change_form.html"
    list_display = ("code", "user", "currency", "available_now", "held_now", "balance_now")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("user__email", "=code")
    search_help_text = _("Part of a customer's e-mail address, or the code of a system account.")
    ordering = ("-pk",)
    fields = ("kind", "code", "user", "currency", "available_now", "held_now", "balance_now", "created_at")
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:account_id>/adjust/", view(self.adjust), name="billing_account_adjust"),
            path("<int:account_id>/statement/", view(self.statement), name="billing_account_statement"),
            *super().get_urls(),
        ]

    def adjust(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Credit or debit a customer."""
        return staff.adjust(request, account_id, self.admin_site.each_context(request))

    def statement(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """What the customer reads, with what only staff reads."""
        return staff.statement(request, account_id, self.admin_site.each_context(request))

    @admin.display(description=_("available"))
    def available_now(self, account: Account) -> Decimal | None:
        return account.available if account.kind == AccountKind.CUSTOMER else None

    @admin.display(description=_("held"))
    def held_now(self, account: Account) -> Decimal | None:
        return account.debits_pending if account.kind == AccountKind.CUSTOMER else None

    @admin.display(description=_("balance"))
    def balance_now(self, account: Account) -> Decimal | None:
        """A system account is summed on its own page only: the sum reads all its transfers."""
        if account.kind == AccountKind.CUSTOMER:
            return account.balance
        return selectors.system_balance(account.pk) if getattr(account, "is_shown_alone", False) else None

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Account | None:
        account: Account | None = super().get_object(request, object_id, from_field)
        if account is not None:
            account.is_shown_alone = True  # type: ignore[attr-defined]
        return account


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    """Every movement of money, newest first."""

    list_display = (
        "sequence",
        "created_at",
        "code",
        "kind",
        "amount",
        "debit_account",
        "credit_account",
        "reference",
    )
    list_filter = ("kind", "code", "created_at")
    list_select_related = ("debit_account__user", "credit_account__user")
    search_fields = ("reference",)
    search_help_text = _("A whole reference, idempotency key, transfer id or sequence.")
    ordering = ("-sequence",)
    fields = (
        "sequence",
        "id",
        "created_at",
        "code",
        "kind",
        "amount",
        "debit_account",
        "credit_account",
        "balance_after",
        "available_after",
        "reference",
        "memo",
        "reason",
        "actor",
        "key",
        "pending",
        "expires_at",
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Whole values only, each by its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(reference=term) | Q(key=term)
        if term.isascii() and term.isdigit() and len(term) < 19:
            wanted |= Q(sequence=int(term))
        with contextlib.suppress(ValueError):
            wanted |= Q(id=uuid.UUID(term))
        return queryset.filter(wanted), False
