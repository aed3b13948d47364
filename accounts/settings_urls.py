"""Addresses under /settings/: what somebody decides about their own account."""

from __future__ import annotations

from django.urls import path

from accounts.views import settings_pages

app_name = "settings"
urlpatterns = [
    path("", settings_pages.profile, name="profile"),
    path("security/", settings_pages.security, name="security"),
]
