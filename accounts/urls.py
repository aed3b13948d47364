"""Addresses under /accounts/."""

from __future__ import annotations

from django.urls import path

from accounts.views import (
    credentials,
    passkey_sign_in,
    password_reset,
    second_step,
    sign_in,
    sign_up,
    step_up,
    verify_email,
)

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-up/", sign_up.sign_up, name="sign-up"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("verify-email/", verify_email.verify_email, name="verify-email"),
    path("verify-email/resend/", verify_email.resend, name="verify-email-resend"),
    path("verify-email/<str:token>/", verify_email.link, name="verify-email-link"),
    path("password/reset/", password_reset.ask, name="password-reset"),
    path("password/reset/<str:token>/", password_reset.link, name="password-reset-link"),
    path("email-change/<str:token>/", credentials.email_link, name="email-change-link"),
    path("passkey/options/", passkey_sign_in.options, name="passkey-options"),
    path("passkey/", passkey_sign_in.verify, name="passkey-verify"),
    path("sign-in/second-factor/", second_step.show, name="second-step"),
    path("confirm/", step_up.confirm, name="step-up"),
]
