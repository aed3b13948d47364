"""The history of exchange rates. A rate is entered with its reason and never changed; the newest is in force."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.http import user_of
from billing.models import ExchangeRate
from billing.services import exchange_rates, staff_log
from billing.views.staff_acts import ReasonForm
from namaskah.lib.admin import ReadOnlyAdmin
from namaskah.lib.money import RATE_PLACES


class RateForm(ReasonForm):
    """A rate by staff; confirming a rate far from the last one is asked for in so many words."""

    rate = forms.DecimalField(
        max_digits=18,
        decimal_places=RATE_PLACES,
        min_value=Decimal(1).scaleb(-RATE_PLACES),
        label=gettext_lazy("Rate"),
        help_text=gettext_lazy("Units of the charge currency for one unit of the wallet currency."),
    )
    is_sure = forms.BooleanField(
        required=False, label=gettext_lazy("Yes, it is more than a quarter away from the last one")
    )
    field_order = ("rate", "reason", "is_sure")

    def clean(self) -> dict[str, Any]:
        """A slipped decimal point sells dollars at a tenth of their price."""
        cleaned = super().clean() or {}
        last = exchange_rates.current()
        rate = cleaned.get("rate")
        if last is not None and rate is not None and not cleaned.get("is_sure"):
            step = abs(rate / last.rate - 1)
            if step > exchange_rates.LARGEST_STEP:
                shown = f"{last.rate.normalize():f}"
                self.add_error(
                    "is_sure", _("The rate in force is %(rate)s. Confirm that you mean it.") % {"rate": shown}
                )
        return cleaned


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    list_display = (
        "as_of",
        "charge_currency",
        "wallet_currency",
        "rate",
        "source",
        "note",
        "created_by",
        "created_at",
    )
    list_display_links = ("as_of",)
    list_filter = ("charge_currency",)
    list_select_related = ("created_by",)
    ordering = ("-as_of", "-pk")
    sortable_by = ()
    readonly_fields = ("created_at",)
    fields = (
        ("charge_currency", "wallet_currency"), "rate", "source", "as_of", "note", ("created_by", "created_at"),
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By the form below, and never when both currencies are one."""
        may = bool(request.user.has_perm("billing.add_exchangerate"))
        return may and settings.PAYSTACK_CURRENCY != settings.WALLET_CURRENCY

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Enter a rate: in force from now on, until the source has a newer one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        back_url = reverse("admin:billing_exchangerate_changelist")
        form = RateForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            self._enter(request, form)
            return HttpResponseRedirect(back_url)
        context = self.admin_site.each_context(request) | {
            "title": _("Enter a rate"),
            "subject": _("Exchange rates"),
            "opts": self.opts,
            "act": {
                "explanation": _(
                    "New top-ups are sold at this rate from now on; those already started keep theirs."
                )
            },
            "form": form,
            "back_url": back_url,
        }
        return render(request, "admin/act.html", context)

    def _enter(self, request: HttpRequest, form: RateForm) -> None:
        data, actor = form.cleaned_data, user_of(request)
        with transaction.atomic():
            rate = exchange_rates.enter(rate=data["rate"], reason=data["reason"], actor=actor)
            staff_log.note(actor, rate, f"Entered {rate}", data["reason"], before={})
        messages.success(request, _("In force: %(rate)s.") % {"rate": rate})
