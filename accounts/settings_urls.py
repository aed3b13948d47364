"""Addresses under /settings/: what somebody decides about their own account."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "settings"
urlpatterns: list[URLPattern] = []
