"""Providers in the staff console: how they are, and their switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from accounts.http import user_of
from verifications.admin.history import HistoryAdmin
from verifications.models import Provider, ProviderCountryCode, ProviderServiceCode
from verifications.services import catalog_sync, codes_sync, health, provider_accounts, provider_switch

if TYPE_CHECKING:
    ProviderModelForm = forms.ModelForm[Provider]
else:
    ProviderModelForm = forms.ModelForm


class ProviderForm(ProviderModelForm):
    """Refuses dialect flags that the protocol does not know."""

    class Meta:
        model = Provider
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("adapter") and "dialect" in cleaned:
            row = Provider(
                adapter=cleaned["adapter"], dialect=cleaned["dialect"] or {}, base_url="http://check"
            )
            if problem := provider_accounts.dialect_problem(row):
                self.add_error("dialect", problem)
        return cleaned


@admin.register(Provider)
class ProviderAdmin(HistoryAdmin):
    """The switch is an action with a reason, so that the history says why; keys are never shown."""

    form = ProviderForm
    list_display = (
        "name", "adapter", "in_use", "breaker", "shown_balance", "offers_refreshed_at", "offer_count", "unmapped", "priority",
    )  # fmt: skip
    list_editable = ("priority",)
    list_filter = ("is_enabled", "is_low_on_balance", "adapter")
    search_fields = ("name", "slug")
    actions = ("switch_off", "switch_on", "refresh_offers", "check_balance")
    readonly_fields = (
        "in_use", "key", "breaker", "shown_balance", "balance_checked_at", "offers_refreshed_at", "offer_count", "unmapped",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("name", "slug", "in_use", "breaker", "priority")}),
        (
            _("How it is reached"),
            {"fields": ("adapter", "base_url", "credential_variable", "key", "dialect")},
        ),
        (
            _("Money"),
            {"fields": ("currency", "rate", "low_balance_threshold", "shown_balance", "balance_checked_at")},
        ),
        (_("Limits"), {"fields": (("rate_limit_per_s", "burst"), ("lifetime_s", "cancel_lock_s"))}),
        (_("Price lists"), {"fields": ("offers_refreshed_at", "offer_count", "unmapped")}),
    )

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The slug names the provider's breaker, bucket and webhook address.
        return (*self.readonly_fields, "slug") if obj else tuple(self.readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        """With the number of offers from the lists' own counts, and of codes nobody has mapped."""
        lists = ProviderCountryCode.objects.filter(provider=OuterRef("pk")).order_by().values("provider")
        services = ProviderServiceCode.objects.filter(provider=OuterRef("pk")).order_by().values("provider")
        queryset: QuerySet[Provider] = super().get_queryset(request)
        return queryset.annotate(
            offers_listed=_figure(lists.annotate(figure=Sum("offer_count"))),
            services_unmapped=_figure(services.annotate(figure=Count("pk", filter=Q(service=None)))),
            countries_unmapped=_figure(lists.annotate(figure=Count("pk", filter=Q(country=None)))),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Who may take a provider out of use."""
        return request.user.has_perm("verifications.switch_provider")

    def has_refresh_permission(self, request: HttpRequest) -> bool:
        """Who may have it asked for prices and balance."""
        return request.user.has_perm("verifications.refresh_provider")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            codes_sync.seed_codes(obj)

    # --- Columns ---
    @admin.display(description=_("in use"))
    def in_use(self, provider: Provider) -> str:
        if not provider.is_enabled:
            reason = provider.disabled_reason
            return gettext("Off: %(reason)s") % {"reason": reason} if reason else gettext("Off")
        return gettext("On, low on balance") if provider.is_low_on_balance else gettext("On")

    @admin.display(description=_("breaker"))
    def breaker(self, provider: Provider) -> str:
        words = {
            health.State.CLOSED: gettext("Well"),
            health.State.OPEN: gettext("Open: not called"),
            health.State.HALF_OPEN: gettext("On trial"),
        }
        return words[health.state(provider.slug)] if provider.slug else "–"

    @admin.display(description=_("balance"), ordering="balance")
    def shown_balance(self, provider: Provider) -> str:
        return "–" if provider.balance is None else f"{provider.balance:.2f} {provider.currency}"

    @admin.display(description=_("offers"))
    def offer_count(self, provider: Provider) -> int:
        return getattr(provider, "offers_listed", 0)

    @admin.display(description=_("unmapped codes"))
    def unmapped(self, provider: Provider) -> SafeString:
        query = f"?provider__id__exact={provider.pk}"
        return format_html(
            '<a href="{}{}">{}</a> · <a href="{}{}">{}</a>',
            reverse("admin:verifications_providerservicecode_changelist"),
            query,
            gettext("%(count)d services") % {"count": getattr(provider, "services_unmapped", 0)},
            reverse("admin:verifications_providercountrycode_changelist"),
            query,
            gettext("%(count)d countries") % {"count": getattr(provider, "countries_unmapped", 0)},
        )

    @admin.display(description=_("key"))
    def key(self, provider: Provider) -> str:
        if not provider.credential_variable:
            return "–"
        return provider_accounts.credential_problem(provider) or gettext("Set")

    # --- Actions ---
    @admin.action(description=_("Switch off with a reason"), permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Provider]) -> HttpResponse:
        ids = ",".join(str(pk) for pk in queryset.values_list("pk", flat=True))
        return HttpResponseRedirect(f"{reverse('admin:verifications_provider_switch_off')}?ids={ids}")

    @admin.action(description=_("Switch on"), permissions=["switch"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        ready = []
        for provider in queryset:
            if problem := provider_accounts.credential_problem(provider):
                messages.error(request, f"{provider}: {problem}")
            else:
                ready.append(provider.pk)
        switched = provider_switch.switch_on(
            ready, reason=gettext("Switched on in the console"), actor=user_of(request)
        )
        _tell(
            request,
            ngettext("%(count)d provider is on.", "%(count)d providers are on.", len(switched)),
            switched,
        )

    @admin.action(description=_("Refresh offers now"), permissions=["refresh"])
    def refresh_offers(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        from verifications.tasks import refresh_provider_offers

        try:
            for provider in queryset:
                refresh_provider_offers.delay(provider.pk)
                self.log_change(request, provider, "Refresh of offers asked for")
        except OperationalError:
            messages.error(request, gettext("The queue cannot be reached; nothing was started."))
            return
        messages.success(request, gettext("Started. The time of the last refresh shows when it is done."))

    @admin.action(description=_("Check balance now"), permissions=["refresh"])
    def check_balance(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        for provider in queryset:
            self.log_change(request, provider, "Balance asked for")
            amount = catalog_sync.check_balance(provider)
            if amount is None:
                messages.error(
                    request, gettext("%(provider)s did not tell its balance.") % {"provider": provider}
                )
            else:
                messages.success(request, f"{provider}: {amount:.2f} {provider.currency}")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch_off_view)
        return [path("switch-off/", view, name="verifications_provider_switch_off"), *super().get_urls()]

    def switch_off_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the reason, then switch off."""
        if not self.has_switch_permission(request):
            raise PermissionDenied
        ids = [int(part) for part in request.GET.get("ids", "").split(",") if part.isdecimal()]
        back_url = reverse("admin:verifications_provider_changelist")
        reason = request.POST.get("reason", "").strip()
        if request.method == "POST" and reason:
            switched = provider_switch.switch_off(ids, reason=reason, actor=user_of(request))
            _tell(
                request,
                ngettext("%(count)d provider is off.", "%(count)d providers are off.", len(switched)),
                switched,
            )
            return HttpResponseRedirect(back_url)
        names = Provider.objects.filter(pk__in=ids).values_list("name", flat=True)
        context = self.admin_site.each_context(request) | {
            "title": gettext("Switch off"),
            "subject": ", ".join(names),
            "opts": self.opts,
            "explanation": gettext("Nothing more is sold from there. Open orders run on to their end."),
            "is_reason_missing": request.method == "POST",
            "back_url": back_url,
        }
        return render(request, "admin/verifications/confirm_with_reason.html", context)


def _figure(rows: Any) -> Coalesce:
    """One number of a grouped subquery, 0 where there is no group."""
    return Coalesce(Subquery(rows.values("figure"), output_field=IntegerField()), 0)


def _tell(request: HttpRequest, text: str, switched: list[Provider]) -> None:
    messages.success(request, text % {"count": len(switched)})
