"""The product's settings for the test suite: same engines, cheap passwords, nothing sent anywhere.

`tests.services_plugin` has put DATABASE_URL and REDIS_URL in place before this module is read.
"""

from __future__ import annotations

import os
import tempfile

# What the developer's shell holds must not decide how a test ends.
os.environ.update(
    {
        "DEBUG": "0",
        "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "BOT_CHECK_SITE_KEY": "",
        "BREACHED_PASSWORDS_URL": "",  # nobody asks: a test that does names its stand-in
        "CODE_RATE": "1000/m",
        "DATA_KEYS": "dGVzdHMtb25seS1rZXktdGhhdC1zZWFscy1ub3RoaW4=",
        "DATABASE_POOL_SIZE": "0",  # a thread that closes its connections has really closed them
        "EMAIL_URL": "memorymail://",
        "ERASURE_LOG": f"{tempfile.gettempdir()}/namaskah-tests-erasures-{os.getpid()}.log",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "WARNING",
        "PASSWORD_RESET_RATE": "1000/m",
        "PAYSTACK_BASE_URL": "http://127.0.0.1:1/paystack",  # nobody: a test that calls out names its stand-in
        "PAYSTACK_CURRENCY": "NGN",
        "PAYSTACK_PUBLIC_KEY": "pk_test_tests",
        "PAYSTACK_SECRET_KEY": "sk_test_0123456789abcdef0123456789abcdef01234567",
        "SANDBOX_API_KEY": "sandbox-tests",
        "SANDBOX_URL": "",
        "SECOND_STEP_RATE": "1000/m",
        "SECRET_KEY": "tests-only-" + "k" * 50,
        "SENTRY_DSN": "",
        "SIGN_IN_RATE": "1000/m",
        "SIGN_UP_RATE": "1000/m",
        "BEHIND_PROXY": "0",
        "SITE_URL": "http://testserver",
        "SMS_GATEWAY_URL": "",
        "TRUSTED_PROXIES": "",
        "WALLET_CURRENCY": "USD",
    }
)

from namaskah.settings import *  # noqa: F403

# A real Argon2 hash takes 50 ms, and the suite makes hundreds of users.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A manifest needs collectstatic first.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True  # no scan of the static files at each start
WHITENOISE_USE_FINDERS = True
