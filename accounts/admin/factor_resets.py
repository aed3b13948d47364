"""Resets of second factors in the staff console: one member of staff asks with a reason, another decides."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.http import user_of
from accounts.models import FactorReset, User
from accounts.services import factor_resets
from accounts.step_up import step_up_required
from namaskah.exceptions import DomainError
from namaskah.lib.admin import ReadOnlyAdmin


class ReasonForm(forms.Form):
    """Why. It is kept in the audit trail."""

    reason = forms.CharField(
        max_length=300, label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3, "cols": 60})
    )


class AskForm(ReasonForm):
    """Whose factors, and why."""

    field_order = ("email", "reason")
    email = forms.EmailField(label=gettext_lazy("E-mail address of the account"), max_length=254)

    def clean_email(self) -> str:
        try:
            self.user = User.objects.get_by_natural_key(self.cleaned_data["email"])
        except User.DoesNotExist:
            raise ValidationError(_("There is no such account.")) from None
        return self.user.email


class WaitingFilter(admin.SimpleListFilter):
    title = gettext_lazy("decision")
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("pending", gettext_lazy("Waiting")), ("decided", gettext_lazy("Decided"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() is None:
            return queryset
        return queryset.filter(decided_at__isnull=self.value() == "pending")


@admin.register(FactorReset)
class FactorResetAdmin(ReadOnlyAdmin):
    """Rows are read here; asking and deciding have pages of their own."""

    list_display = ("asked_at", "user", "reason", "asked_by", "is_approved", "decided_by")
    list_filter = (WaitingFilter,)
    list_select_related = ("user", "asked_by", "decided_by")
    search_fields = ("=user__email",)
    ordering = ("-asked_at",)
    sortable_by = ()
    fields = (
        "user", "reason", ("asked_by", "asked_at"), ("decided_by", "decided_at"), "is_approved", "decision",
    )  # fmt: skip
    readonly_fields = ("asked_at", "decision")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("accounts.add_factorreset")

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("add/", self.admin_site.admin_view(self.ask), name="accounts_factorreset_add"),
            path(
                "<uuid:reset_id>/decide/",
                self.admin_site.admin_view(step_up_required(self.decide)),
                name="accounts_factorreset_decide",
            ),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description=gettext_lazy("decision"))
    def decision(self, reset: FactorReset) -> SafeString | str:
        if reset.decided_at is not None:
            return _("Decided")
        address = reverse("admin:accounts_factorreset_decide", args=[reset.pk])
        return format_html('<a href="{}">{}</a>', address, _("Decide"))

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Ask for a reset."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AskForm(request.POST) if request.method == "POST" else AskForm(initial=_initial(request))
        if request.method == "POST" and form.is_valid():
            try:
                reset = factor_resets.ask(
                    user_id=form.user.pk, actor=user_of(request), reason=form.cleaned_data["reason"]
                )
            except DomainError as error:
                form.add_error(None, str(error.message))
            else:
                messages.success(request, _("Asked. Another member of staff decides."))
                return redirect("admin:accounts_factorreset_change", reset.pk)
        return self._page(request, form, title=_("Ask for a reset of second factors"))

    def decide(self, request: HttpRequest, reset_id: uuid.UUID) -> HttpResponse:
        """Decide on one, after showing again who one is."""
        if not request.user.has_perm("accounts.decide_factorreset"):
            raise PermissionDenied
        reset = get_object_or_404(FactorReset.objects.select_related("user", "asked_by"), pk=reset_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        is_approved = request.POST.get("decision") == "approve"
        if request.method == "POST" and form.is_valid():
            try:
                factor_resets.decide(
                    reset_id=reset.pk,
                    actor=user_of(request),
                    approve=is_approved,
                    reason=form.cleaned_data["reason"],
                )
            except DomainError as error:
                messages.error(request, str(error.message))
            else:
                messages.success(request, _("Removed.") if is_approved else _("Refused."))
            return redirect("admin:accounts_factorreset_change", reset.pk)
        return self._page(request, form, title=_("Decide on a reset of second factors"), reset=reset)

    def _page(self, request: HttpRequest, form: forms.Form, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "form": form}
        status = 400 if form.errors else 200
        return render(request, "admin/accounts/factorreset/act.html", {**shared, **context}, status=status)


def _initial(request: HttpRequest) -> dict[str, str]:
    """The person whose page led here."""
    user_id = request.GET.get("user", "")
    user = User.objects.filter(pk=int(user_id)).first() if user_id.isdecimal() and len(user_id) < 19 else None
    return {"email": user.email} if user is not None else {}
