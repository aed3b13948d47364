"""Addresses under /settings/: what somebody decides about their own account."""

from __future__ import annotations

from django.urls import path

from accounts.views import (
    credentials,
    factors,
    message_codes,
    notices,
    passkeys,
    privacy,
    security_log,
    sessions,
    settings_pages,
)

app_name = "settings"
urlpatterns = [
    path("", settings_pages.profile, name="profile"),
    path("security/", settings_pages.security, name="security"),
    path("notifications/", notices.preferences, name="notifications"),
    path("password/", credentials.password, name="password"),
    path("email/", credentials.email, name="email"),
    path("email/cancel/", credentials.email_cancel, name="email-cancel"),
    path("email/resend/", credentials.email_resend, name="email-resend"),
    path("security/log/", security_log.log, name="security-log"),
    path("security/sessions/", sessions.session_list, name="sessions"),
    path("security/sessions/end-others/", sessions.session_end_others, name="session-end-others"),
    path("security/sessions/<uuid:session_id>/end/", sessions.session_end, name="session-end"),
    path("security/devices/<int:device_id>/forget/", sessions.device_forget, name="device-forget"),
    path("security/devices/<int:device_id>/ask-again/", sessions.device_distrust, name="device-distrust"),
    path("security/authenticator/", factors.authenticator, name="authenticator"),
    path("security/recovery-codes/", factors.recovery, name="recovery-codes"),
    path("security/recovery-codes/download/", factors.recovery_download, name="recovery-codes-download"),
    path("security/codes-by-message/", message_codes.show, name="message-codes"),
    path("security/passkeys/", passkeys.passkey_list, name="passkeys"),
    path("security/passkeys/options/", passkeys.add_options, name="passkey-options"),
    path("security/passkeys/add/", passkeys.add, name="passkey-add"),
    path("security/passkeys/<int:passkey_id>/", passkeys.passkey, name="passkey"),
    path("security/passkeys/<int:passkey_id>/remove/", passkeys.passkey_remove, name="passkey-remove"),
    path("privacy/", privacy.privacy, name="privacy"),
    path("privacy/messages/", privacy.keep_messages, name="privacy-messages"),
    path("privacy/news/", privacy.news, name="privacy-news"),
    path("privacy/export/", privacy.export, name="export"),
    path("privacy/export/<uuid:export_id>/", privacy.export_download, name="export-download"),
    path("privacy/erasure/", privacy.erase, name="erasure"),
    path("privacy/erasure/cancel/", privacy.erase_cancel, name="erasure-cancel"),
]
