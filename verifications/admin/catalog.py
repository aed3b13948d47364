"""Services, countries, offers and price rules in the staff console."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from namaskah.lib.admin import AnyModelAdmin, ReadOnlyAdmin
from namaskah.lib.money import format_money
from verifications.admin.history import HistoryAdmin
from verifications.models import Country, Offer, PriceRule, Service
from verifications.services import catalog_load, catalog_summary
from verifications.services.pricing import Markup

EXAMPLE_COSTS = (Decimal("0.05"), Decimal("0.20"), Decimal("1.00"))


def wallet_money(amount: Decimal | None) -> str:
    """An amount in the wallet currency, or a dash."""
    return "–" if amount is None else format_money(amount, settings.WALLET_CURRENCY)


@admin.register(Service)
class ServiceAdmin(AnyModelAdmin):
    """What is sold and where it ranks; a service that was ever ordered stays, switched off if need be."""

    list_display = ("name", "code", "slug", "rank", "is_active", "lowest_price", "country_count")
    list_editable = ("rank", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug", "code", "keywords")
    readonly_fields = ("lowest_price", "country_count", "prices_seen_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A code in use is on orders and in addresses; what our own table says is changed there."""
        fields = tuple(self.readonly_fields)
        if obj is None:
            return fields
        known = {entry.code for entry in catalog_load.service_table()}
        return (*fields, "code", "slug", *(("name", "icon", "keywords") if obj.code in known else ()))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("from"), ordering="from_price")
    def lowest_price(self, service: Service) -> str:
        return wallet_money(service.from_price)


@admin.register(Country)
class CountryAdmin(AnyModelAdmin):
    """Where numbers are sold from."""

    list_display = ("flag_and_name", "iso2", "dial_code", "rank", "is_active")
    list_editable = ("rank", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "=iso2", "=dial_code")
    list_per_page = 250

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("iso2", "name", "dial_code")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(catalog_summary.refresh)

    @admin.display(description=_("country"), ordering="name")
    def flag_and_name(self, country: Country) -> str:
        return f"{country.flag} {country.name}"


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    """What the providers list, as last read."""

    list_display = (
        "service", "country", "provider", "operator", "cost", "provider_cost", "stock", "success_rate", "read_at",
    )  # fmt: skip
    list_filter = ("provider", "service", "country")
    list_select_related = ("service", "country", "provider", "price_list")
    search_fields = ("=operator", "=service_code")
    ordering = ("pk",)
    sortable_by = ()  # sorting half a million rows by anything but their key is no page of a console

    @admin.display(description=_("read at"))
    def read_at(self, offer: Offer) -> Any:
        return offer.price_list.prices_seen_at


@admin.register(PriceRule)
class PriceRuleAdmin(HistoryAdmin):
    """How costs become prices. The most specific rule wins: both, then service, then country, then neither."""

    list_display = ("scope", "kind", "value", "minimum_margin", "examples", "updated_at")
    list_display_links = ("scope",)
    list_filter = ("kind",)
    list_select_related = ("service", "country")
    autocomplete_fields = ("service", "country")
    search_fields = ("service__name", "country__name")
    readonly_fields = ("examples",)
    fields = (("service", "country"), ("kind", "value"), "minimum_margin", "examples")

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(catalog_summary.refresh)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        transaction.on_commit(catalog_summary.refresh)

    @admin.display(description=_("applies to"))
    def scope(self, rule: PriceRule) -> str:
        parts = [str(part) for part in (rule.service, rule.country) if part is not None]
        return ", ".join(parts) or str(_("Everything else"))

    @admin.display(description=_("cost and price"))
    def examples(self, rule: PriceRule) -> str:
        if rule._state.adding:
            return "–"
        markup = Markup(rule.kind, rule.value, rule.minimum_margin)
        return " · ".join(
            f"{wallet_money(cost)} → {wallet_money(markup.price(cost))}" for cost in EXAMPLE_COSTS
        )
