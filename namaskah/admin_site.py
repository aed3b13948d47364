"""The staff console: Django's admin under /ops/. Its start page says what needs a person today."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from namaskah.lib.console import Waiting


class StaffConsole(AdminSite):
    """Django's admin with our name on it."""

    site_header = _("Namaskah operations")
    site_title = _("Namaskah operations")
    index_title = _("Today")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The start page."""
        sections = [
            (title, [(item, request.user.has_perm(item.permission)) for item in items])
            for title, items in _sections()
        ]
        waiting = any(item.count for _title, items in sections for item, _may_see in items)
        return super().index(
            request, {"sections": sections, "is_anything_waiting": waiting, **(extra_context or {})}
        )


class StaffConsoleConfig(AdminConfig):
    default_site = "namaskah.admin_site.StaffConsole"


def _sections() -> list[tuple[Any, list[Waiting]]]:
    """Apps are not loaded when this module is."""
    from billing.selectors import console as money
    from verifications.selectors import console as orders

    return [(_("Money"), money.waiting()), (_("Orders"), orders.waiting())]
