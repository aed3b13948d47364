"""Addresses under /notifications/: what stands under the bell."""

from __future__ import annotations

from django.urls import path

from accounts.views import notices

app_name = "notices"
urlpatterns = [
    path("", notices.notice_list, name="list"),
    path("read/", notices.notice_read_all, name="read-all"),
    path("<uuid:notice_id>/read/", notices.notice_read, name="read"),
]
