"""Addresses under /ops/mail/."""

from __future__ import annotations

from django.urls import path

from accounts.views import mail

app_name = "mail"
urlpatterns = [
    path("", mail.inbox, name="inbox"),
    path("<str:name>/", mail.message, name="message"),
    path("<str:name>/html", mail.message_html, name="message-html"),
]
