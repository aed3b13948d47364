"""What customers pay with again: saved cards, automatic top-ups, bank account numbers. Charge codes are never shown."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from billing.admin.pages import StoryAdmin
from billing.models import AutoTopUp, DedicatedAccount, SavedCard
from billing.views.staff_payments import CARD_ACTS
from namaskah.lib.admin import ReadOnlyAdmin
from namaskah.lib.money import format_money, format_subunits


@admin.register(SavedCard)
class SavedCardAdmin(StoryAdmin):
    acts = CARD_ACTS
    list_display = ("created_at", "user", "brand", "last4", "bank", "declined_at", "removed_at")
    list_display_links = ("created_at", "last4")
    list_filter = (("removed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    search_help_text = _("The customer's whole e-mail address.")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        "user", ("brand", "last4", "bank", "country_code"), ("exp_month", "exp_year"), "email", "consented_at", "declined_at",
        ("removed_at", "deactivate_due_at"),
    )  # fmt: skip


@admin.register(AutoTopUp)
class AutoTopUpAdmin(ReadOnlyAdmin):
    list_display = ("user", "is_on", "below", "amount", "monthly_cap", "stop_reason", "updated_at")
    list_filter = ("is_on", "stop_reason")
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    ordering = ("-pk",)
    sortable_by = ()
    readonly_fields = ("below", "amount", "monthly_cap", "updated_at")
    fields = ("user", "card", "is_on", "below", "amount", "monthly_cap", "stop_reason", "updated_at")

    @admin.display(description=_("below"))
    def below(self, order: AutoTopUp) -> str:
        return format_money(order.threshold, settings.WALLET_CURRENCY)

    @admin.display(description=_("amount"))
    def amount(self, order: AutoTopUp) -> str:
        return format_subunits(order.amount_subunits, order.charge_currency)

    @admin.display(description=_("at most a month"))
    def monthly_cap(self, order: AutoTopUp) -> str:
        return format_subunits(order.monthly_cap_subunits, order.charge_currency)


@admin.register(DedicatedAccount)
class DedicatedAccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "bank_name", "account_number", "is_active", "failure", "created_at")
    list_filter = ("is_active",)
    list_select_related = ("user",)
    search_fields = ("=user__email", "=account_number")
    ordering = ("-pk",)
    sortable_by = ()
    readonly_fields = ("created_at",)
    fields = (
        "user", "bank_name", "account_number", "account_name", "customer_code", "is_active", "failure", "created_at",
    )  # fmt: skip
