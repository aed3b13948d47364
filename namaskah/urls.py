"""All addresses of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from accounts import legal
from accounts.views.stream import stream
from namaskah import health, well_known
from namaskah.legal_pages import legal_page
from verifications.views.catalog import landing

urlpatterns = [
    path("", landing, name="landing"),
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path(".well-known/security.txt", well_known.security_txt, name="security-txt"),
    path(".well-known/change-password", well_known.change_password, name="change-password"),
    path("robots.txt", well_known.robots_txt, name="robots-txt"),
    path("events/stream", stream, name="events-stream"),
    path("accounts/", include("accounts.urls")),
    path("settings/", include("accounts.settings_urls")),
    path("notifications/", include("accounts.notice_urls")),
    *[path(f"legal/{slug}/", legal_page, {"slug": slug}, name=f"legal-{slug}") for slug in legal.PAGES],
    path("", include("billing.urls")),
    path("", include("verifications.urls")),
    path("ops/mail/", include("accounts.mail_urls")),
    path("ops/", admin.site.urls),
]
handler400 = "namaskah.views.bad_request"
handler403 = "namaskah.views.permission_denied"
handler404 = "namaskah.views.not_found"
handler500 = "namaskah.views.server_error"
