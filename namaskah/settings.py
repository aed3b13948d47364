"""All settings, read from the environment (or from the file that `NAME_FILE` names). `.env.example` documents each variable."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
import sentry_sdk
from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from namaskah.lib import redis_pause
from namaskah.lib.logging import logging_config
from namaskah.lib.sentry import sentry_options

# --- Core -------------------------------------------------------------------------------------------------------------
BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # what earlier ones signed stays good
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"] if DEBUG else [])
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])
IS_HTTPS = SITE_URL.startswith("https://")
ROOT_URLCONF = "namaskah.urls"
WSGI_APPLICATION = "namaskah.wsgi.application"
ASGI_APPLICATION = "namaskah.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]

# --- Apps -------------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "namaskah",
    "accounts",
    "billing",
    "verifications",
    "namaskah.admin_site.StaffConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "simple_history",
    "django_otp",
    "django_structlog",
    "corsheaders",
    "csp",
    "lucide",
]
MIDDLEWARE = [
    "namaskah.client_address.ClientAddressMiddleware",
    "namaskah.middleware.RequestIdMiddleware",
    "namaskah.security.BoundsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # random padding makes its length useless to guess a secret by (BREACH)
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "namaskah.security.PrivateAnswersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.session_user.SessionUserMiddleware",
    "namaskah.middleware.RequestLogMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "namaskah.context_processors.site",
            ],
            "builtins": ["namaskah.templatetags.ui", "template_partials.templatetags.partials"],
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------------------------
# The threads of one process share the pool, which grows only as far as they need it.
WEB_THREADS = env.int("WEB_THREADS", default=12)
WEBHOOK_THREADS = env.int("WEBHOOK_THREADS", default=4)
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=40)
DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres://namaskah@127.0.0.1:5432/namaskah")}
DATABASES["default"].update(
    {
        "ATOMIC_REQUESTS": False,
        "CONN_HEALTH_CHECKS": True,
    }
)
DATABASES["default"].setdefault("OPTIONS", {})
# PostgreSQL plans a statement once and not each time; off for a PgBouncer older than 1.21.
if env.bool("DATABASE_PREPARED", default=True):
    DATABASES["default"]["OPTIONS"].update({"server_side_binding": True, "prepare_threshold": 3})
if DATABASE_POOL_SIZE > 0:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 5}

# --- Cache, Redis and Celery ------------------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")


def _broker_url(redis_url: str) -> str:
    """Celery spells a Unix socket differently from redis-py."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"


CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "namaskah",
        # A page must not wait for a cache that is away or hangs; after a failure the pool asks nobody for a few seconds.
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": redis_pause.TIMEOUT_S,
            "SOCKET_TIMEOUT": redis_pause.TIMEOUT_S,
            "CONNECTION_POOL_CLASS": "namaskah.lib.redis_pause.PausingPool",
        },
    }
}
DJANGO_REDIS_IGNORE_EXCEPTIONS = True  # a lost cache is slower, never an error page
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

CELERY_BROKER_URL = _broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 10, "max_retries": 1}
CELERY_TASK_PUBLISH_RETRY = False  # a sweep does the work of a task that could not be queued
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"

# --- Authentication and sessions --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = [
    "auth.W004"
]  # the e-mail is unique without regard to case, which the check cannot see
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.password_checks.StrengthValidator"},
]
LOGIN_URL = reverse_lazy("accounts:sign-in")
LOGIN_REDIRECT_URL = reverse_lazy("verifications:order-new")
LOGOUT_REDIRECT_URL = reverse_lazy("landing")
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 24 * 3600
SESSION_REMEMBERED_AGE_S = 30 * 24 * 3600
STAFF_SESSION_AGE_S = 12 * 3600
STAFF_IDLE_S = 30 * 60
MAX_SESSIONS = env.int("MAX_SESSIONS", default=10)
DEVICE_COOKIE_NAME = "__Host-device" if IS_HTTPS else "device"
DEVICE_COOKIE_AGE = 365 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "namaskah.views.csrf_failure"
SECOND_FACTOR_THROTTLE_S = env.int("SECOND_FACTOR_THROTTLE_S", default=1)
SECOND_STEP_S = 600  # how long after the password the second factor may be shown
SECOND_STEP_RATE = env.str("SECOND_STEP_RATE", default="20/m")
STEP_UP_S = env.int("STEP_UP_S", default=600)  # how long showing again who one is counts
AUDIT_KEEP_DAYS = env.int("AUDIT_KEEP_DAYS", default=365)
SIGN_IN_RATE = env.str("SIGN_IN_RATE", default="20/m")
SIGN_UP_RATE = env.str("SIGN_UP_RATE", default="20/h")
PASSWORD_RESET_RATE = env.str("PASSWORD_RESET_RATE", default="5/h")
CODE_RATE = env.str("CODE_RATE", default="30/h")  # typing codes, opening links, asking for another message
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="support@namaskah.example")
# Stolen passwords, asked for by the first five digits of a digest; empty: not asked.
BREACHED_PASSWORDS_URL = env.str(
    "BREACHED_PASSWORDS_URL", default="https://api.pwnedpasswords.com/range"
).rstrip("/")
# A check that a person is at work, as Cloudflare Turnstile; without a site key and a secret there is none. When the checker
# is away, people are let pass: limits and locks hold anyway, and its bad day must not close the shop.
BOT_CHECK_SITE_KEY = env.str("BOT_CHECK_SITE_KEY", default="")
BOT_CHECK_SECRET = env.str("BOT_CHECK_SECRET", default="")
BOT_CHECK_VERIFY_URL = env.str("BOT_CHECK_VERIFY_URL", default="")
BOT_CHECK_SCRIPT_URL = env.str("BOT_CHECK_SCRIPT_URL", default="")

# --- Privacy ----------------------------------------------------------------------------------------------------------
# Each of these is what the privacy pages promise; accounts/privacy/ carries it out.
ERASURE_GRACE_DAYS = env.int("ERASURE_GRACE_DAYS", default=7)
ERASURE_LOG = env.str("ERASURE_LOG", default=str(BASE_DIR / "var" / "erasures.log"))  # outlives a restore
LOG_KEEP_DAYS = env.int("LOG_KEEP_DAYS", default=90)  # sessions, devices, e-mails, notices, webhooks
PROOF_KEEP_DAYS = env.int("PROOF_KEEP_DAYS", default=7)  # links, codes and wrong tries, after their end
EXPORT_KEEP_HOURS = 24
EXPORTS_A_DAY = 3

# --- Security ---------------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = IS_HTTPS and not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
# Nothing a client writes is believed: these headers count when a proxy in TRUSTED_PROXIES sends them (client_address.py).
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
TRUSTED_PROXIES = [each for each in env.list("TRUSTED_PROXIES", default=[]) if each.strip()]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SECURE = IS_HTTPS
if IS_HTTPS:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: []
    for name in (
        "accelerometer",
        "camera",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "payment",
        "usb",
    )
}
REQUEST_MAX_BYTES = 1_000_000  # no page, call or webhook takes more
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_MAX_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS = ["namaskah.security.RefuseFiles"]
# Sites whose pages may call the API from a browser; none unless named. Keys belong on servers.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False

# --- Static files -----------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))()
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = False

# --- E-mail -----------------------------------------------------------------------------------------------------------
vars().update(env.email_url("EMAIL_URL", default=f"filemail:///{BASE_DIR / 'var' / 'mail'}"))
EMAIL_TIMEOUT = (
    20  # seconds for each step with the mail server; without it a dead one keeps a worker for ever
)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Namaskah SMS <hello@namaskah.example>")

# --- SMS to customers -------------------------------------------------------------------------------------------------
# Codes for the second factor: docs/providers/sms-gateway.md. Without an address SMS is not offered.
SMS_GATEWAY_URL = env.str("SMS_GATEWAY_URL", default="")
SMS_GATEWAY_KEY = env.str("SMS_GATEWAY_KEY", default="")
SMS_SENDER = env.str("SMS_SENDER", default="Namaskah")

# --- Wallet -----------------------------------------------------------------------------------------------------------
WALLET_CURRENCY = env.str("WALLET_CURRENCY", default="USD")
PRICE_STEP = Decimal("0.01")  # prices are rounded up to whole cents
WALLET_LOW_BELOW = Decimal(env.str("WALLET_LOW_BELOW", default="1.00"))  # the customer is told once below it
# Seals what must be read back and not leak (charge codes of cards); the first key seals, all open. 32 bytes, base64 for URLs.
DATA_KEYS = env.list("DATA_KEYS", default=[])
# Staff moves more than this only with a second member of staff; wallet currency.
APPROVAL_ABOVE = Decimal(env.str("APPROVAL_ABOVE", default="200"))

# --- Paystack ---------------------------------------------------------------------------------------------------------
# Facts about the vendor that may change without us: docs/providers/paystack.md says where each comes from.
PAYSTACK_SECRET_KEY = env.str("PAYSTACK_SECRET_KEY", default="")  # empty: top-ups are not offered
PAYSTACK_PREVIOUS_SECRET_KEY = env.str("PAYSTACK_PREVIOUS_SECRET_KEY", default="")  # while a key is rotated
PAYSTACK_PUBLIC_KEY = env.str("PAYSTACK_PUBLIC_KEY", default="")
PAYSTACK_BASE_URL = env.str("PAYSTACK_BASE_URL", default="https://api.paystack.co").rstrip("/")
PAYSTACK_CURRENCY = env.str("PAYSTACK_CURRENCY", default="NGN")
PAYSTACK_CHECKOUT_ORIGINS = env.list("PAYSTACK_CHECKOUT_ORIGINS", default=["https://checkout.paystack.com"])
PAYSTACK_INLINE_URL = env.str("PAYSTACK_INLINE_URL", default="https://js.paystack.co/v2/inline.js")
PAYSTACK_CHANNELS = env.list("PAYSTACK_CHANNELS", default=["card", "bank_transfer", "ussd", "bank"])
PAYSTACK_CONNECT_TIMEOUT_S = env.float("PAYSTACK_CONNECT_TIMEOUT_S", default=3.0)
PAYSTACK_READ_TIMEOUT_S = env.float("PAYSTACK_READ_TIMEOUT_S", default=10.0)
PAYSTACK_CHARGE_READ_TIMEOUT_S = env.float("PAYSTACK_CHARGE_READ_TIMEOUT_S", default=20.0)
PAYSTACK_RATE_PER_S = env.float("PAYSTACK_RATE_PER_S", default=5.0)
PAYSTACK_BURST = env.int("PAYSTACK_BURST", default=10)
PAYSTACK_VERIFY_PER_S = env.float("PAYSTACK_VERIFY_PER_S", default=2.0)
PAYSTACK_REFUND_PER_S = env.float("PAYSTACK_REFUND_PER_S", default=1.0)
PAYSTACK_WEBHOOK_ADDRESSES = env.list(
    "PAYSTACK_WEBHOOK_ADDRESSES", default=["52.31.139.75", "52.49.173.169", "52.214.14.220"]
)
PAYSTACK_WEBHOOK_ADDRESSES_ENFORCED = env.bool("PAYSTACK_WEBHOOK_ADDRESSES_ENFORCED", default=False)
PAYSTACK_WEBHOOK_MAX_BYTES = 256 * 1024
PAYSTACK_DEDICATED_ACCOUNTS = env.bool("PAYSTACK_DEDICATED_ACCOUNTS", default=False)
PAYSTACK_DEDICATED_BANK = env.str("PAYSTACK_DEDICATED_BANK", default="wema-bank")

# --- Deposits and refunds ---------------------------------------------------------------------------------------------
# Whole units of the charge currency; empty: what billing/currencies.py says for it.
TOP_UP_MIN = env.str("TOP_UP_MIN", default="")
TOP_UP_MAX = env.str("TOP_UP_MAX", default="")
FIRST_TOP_UP_MAX = env.str("FIRST_TOP_UP_MAX", default="")
TOP_UP_DAILY_MAX = env.str("TOP_UP_DAILY_MAX", default="")
TOP_UP_OPEN_MAX = env.int("TOP_UP_OPEN_MAX", default=5)
DECLINES_PER_HOUR = env.int("DECLINES_PER_HOUR", default=5)
CARDS_PER_USER = env.int("CARDS_PER_USER", default=5)
USERS_PER_CARD = env.int("USERS_PER_CARD", default=2)
DEPOSIT_WATCH_S = env.int("DEPOSIT_WATCH_S", default=7 * 24 * 3600)  # late payments are credited until then
# Seconds until the first look at a deposit of which no webhook told anything.
DEPOSIT_FIRST_LOOK_S = env.int("DEPOSIT_FIRST_LOOK_S", default=120)
REFUND_WINDOW_DAYS = env.int("REFUND_WINDOW_DAYS", default=90)
REFUND_AUTO_MAX = Decimal(
    env.str("REFUND_AUTO_MAX", default="0")
)  # up to this staff is not asked; wallet currency
REFUND_MATCH_S = env.int("REFUND_MATCH_S", default=24 * 3600)  # then a person decides about a lost answer
FRAUD_DISPUTES_SUSPEND = env.int("FRAUD_DISPUTES_SUSPEND", default=2)  # open or lost; 0 leaves it to staff
EXCHANGE_RATE_URL = env.str("EXCHANGE_RATE_URL", default="https://open.er-api.com/v6/latest")
EXCHANGE_RATE_REFRESH_S = env.int("EXCHANGE_RATE_REFRESH_S", default=6 * 3600)
EXCHANGE_RATE_MAX_AGE_S = env.int("EXCHANGE_RATE_MAX_AGE_S", default=72 * 3600)
EXCHANGE_RATE_MARGIN_PERCENT = Decimal(env.str("EXCHANGE_RATE_MARGIN_PERCENT", default="0"))
RECONCILE_DAYS = env.int("RECONCILE_DAYS", default=3)

# --- Receipts ---------------------------------------------------------------------------------------------------------
SELLER_NAME = env.str("SELLER_NAME", default="Namaskah SMS")
SELLER_ADDRESS = env.str("SELLER_ADDRESS", default="")  # lines separated by |
SELLER_EMAIL = env.str("SELLER_EMAIL", default="")
SELLER_TAX_ID = env.str("SELLER_TAX_ID", default="")
TAX_LINE = env.str("TAX_LINE", default="")  # as `VAT 7.5% included`; no line when empty

# --- Orders -----------------------------------------------------------------------------------------------------------
MAX_OPEN_ORDERS = env.int("MAX_OPEN_ORDERS", default=20)
MAX_OPEN_ORDERS_PREMIUM = env.int("MAX_OPEN_ORDERS_PREMIUM", default=100)
QUOTE_TTL_S = 15 * 60
MAX_ROUTES_PER_ORDER = 4
ORDER_PLACING_BUDGET_S = 25  # after this a customer's patience is gone: no further route is tried
# No single provider call lasts longer; an attempt still `calling` after it is in doubt
CALL_DEADLINE_S = env.int("CALL_DEADLINE_S", default=15)
# A doubtful purchase that shows up nowhere by then was not made
SETTLE_GIVE_UP_S = env.int("SETTLE_GIVE_UP_S", default=120)
# How long after its end an order is still watched for an SMS
LATE_SMS_WINDOW_S = env.int("LATE_SMS_WINDOW_S", default=600)
LATE_CHECK_INTERVAL_S = env.float("LATE_CHECK_INTERVAL_S", default=20.0)
# The ledger's own safety net; every order is decided long before
HOLD_TTL_S = env.int("HOLD_TTL_S", default=24 * 3600)
# Between the provider's deadline and ours, for an SMS in flight
EXPIRY_GRACE_S = env.int("EXPIRY_GRACE_S", default=5)
INLINE_BUYS = env.int(
    "INLINE_BUYS", default=8
)  # provider calls a web process makes at once; beyond that the worker makes them

# --- SMS providers ----------------------------------------------------------------------------------------------------
PROVIDER_CONNECT_TIMEOUT_S = env.float("PROVIDER_CONNECT_TIMEOUT_S", default=3.0)
PROVIDER_READ_TIMEOUT_S = env.float("PROVIDER_READ_TIMEOUT_S", default=10.0)
POLL_INTERVAL_S = env.float("POLL_INTERVAL_S", default=2.0)
POLL_CONCURRENCY = env.int("POLL_CONCURRENCY", default=16)
APPLY_CONCURRENCY = env.int(
    "APPLY_CONCURRENCY", default=4
)  # database transactions at once within one poll cycle
OFFER_REFRESH_S = env.int("OFFER_REFRESH_S", default=300)
OFFER_MAX_AGE_S = env.int("OFFER_MAX_AGE_S", default=3600)  # an older price is not sold
BREAKER_FAILURES = 5
BREAKER_WINDOW_S = 30
BREAKER_OPEN_S = 30
NO_STOCK_TTL_S = 45
SANDBOX_URL = env.str("SANDBOX_URL", default="")  # set by `make run`; a production system leaves it empty
SANDBOX_API_KEY = env.str("SANDBOX_API_KEY", default="")

# --- Observability ----------------------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
LOGGING_CONFIG = None
logging_config(level=LOG_LEVEL, log_format=LOG_FORMAT)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
HEARTBEAT_MAX_AGE_S = 45
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    sentry_sdk.init(dsn=SENTRY_DSN, **sentry_options())

# --- Admin and API ----------------------------------------------------------------------------------------------------
SIMPLE_HISTORY_HISTORY_ID_USE_UUID = False
REST_FRAMEWORK: dict[str, Any] = {"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]}
