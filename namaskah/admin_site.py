"""The staff console: Django's admin under /ops/."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class StaffConsole(AdminSite):
    """Django's admin with our name on it."""

    site_header = _("Namaskah operations")
    site_title = _("Namaskah operations")
    index_title = _("Today")


class StaffConsoleConfig(AdminConfig):
    default_site = "namaskah.admin_site.StaffConsole"
