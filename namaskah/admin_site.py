"""The staff console: Django's admin under /ops/. Its start page says what needs a person today."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from namaskah.lib.console import Waiting


class StaffConsole(AdminSite):
    """Django's admin with our name on it."""

    site_header = _("Namaskah operations")
    site_title = _("Namaskah operations")
    index_title = _("Today")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page: for staff alone, and leaving its entry in the audit trail."""
        from namaskah import console_trail

        guarded = console_trail.for_staff(super().admin_view(console_trail.trailed(view), cacheable))
        return require_http_methods(["GET", "HEAD", "POST"])(guarded)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Every form: what it changes is in the audit trail."""
        from namaskah import console_forms

        super().register(model_or_iterable, console_forms.with_trail(admin_class), **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, in a session that has shown a second factor: every page of the console asks."""
        from accounts.services import sessions

        return super().has_permission(request) and sessions.is_verified(request)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Where the console sends whoever may not see a page: to what they lack. Django's own form is not offered.

        Raises:
            PermissionDenied: A customer's account.
        """
        from django.contrib.auth.views import redirect_to_login

        from accounts import destinations, step_up
        from accounts.services import factors

        wanted = destinations.wanted(request) or reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(wanted, str(settings.LOGIN_URL))
        if not super().has_permission(request):
            raise PermissionDenied
        if self.has_permission(request):
            return redirect(wanted)
        if factors.has_second_factor(int(request.user.pk)):
            return redirect(step_up.address(wanted))
        messages.info(request, gettext("The console takes a second factor. Set one up, then you are let in."))
        return redirect("settings:authenticator")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """There is one page for changing one's password, and it asks who one is first."""
        return redirect("settings:password")  # type: ignore[return-value]  # Django's own may redirect, too

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Nothing leads here."""
        return redirect("settings:password")  # type: ignore[return-value]  # Django's own may redirect, too

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """There is one way out, and it is in the audit trail."""
        from accounts.views.sign_in import sign_out

        return sign_out(request)  # type: ignore[return-value]  # Django's own may redirect, too

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The start page."""
        seen = [
            (title, [item for item in items if request.user.has_perm(item.permission)])
            for title, items in _sections()
        ]
        sections = [(title, items) for title, items in seen if items]
        waiting = any(item.count for _title, items in sections for item in items)
        return super().index(
            request, {"sections": sections, "is_anything_waiting": waiting, **(extra_context or {})}
        )


class StaffConsoleConfig(AdminConfig):
    default_site = "namaskah.admin_site.StaffConsole"


def _sections() -> list[tuple[Any, list[Waiting]]]:
    """Apps are not loaded when this module is."""
    from accounts.selectors import console as people
    from billing.selectors import console as money
    from verifications.selectors import console as orders

    return [(_("Money"), money.waiting()), (_("Orders"), orders.waiting()), (_("People"), people.waiting())]
