"""System checks that name each missing or weak setting, and the refusal to start with one in production.

`manage.py check` shows them. `namaskah/asgi.py`, `namaskah/wsgi.py` and the Celery worker and beat refuse to start on an error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from namaskah.client_address import networks

TAG = "configuration"
SECRET_LENGTH = 50  # characters; 256 bits in the narrowest alphabet people use
SECRET_VARIETY = 5  # different characters; Django asks for as many
OWN_WAIT_S = 1.0  # for a token of our own rate limit, before the call
NOT_SENDING = frozenset(
    f"django.core.mail.backends.{name}.EmailBackend" for name in ("console", "dummy", "filebased")
)
LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "[::1]", "localhost", "testserver"})


@register(TAG)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """SECRET_KEY signs sessions: it must be there, and in production be hard to guess."""
    try:
        key = str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        key = ""
    hint = "Set it to `python -c 'import secrets; print(secrets.token_urlsafe(48))'`."
    if not key:
        return [Error("SECRET_KEY is not set.", hint=hint, id="namaskah.E001")]
    is_weak = len(key) < SECRET_LENGTH or len(set(key)) < SECRET_VARIETY or key.startswith("django-insecure")
    if is_weak and not settings.DEBUG:
        return [
            Error(
                f"SECRET_KEY is shorter than {SECRET_LENGTH} characters or easy to guess.",
                hint=hint,
                id="namaskah.E002",
            )
        ]
    return []


@register(TAG)
def check_debug(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """DEBUG shows source code and settings to whoever provokes an error."""
    public = [host for host in _hosts() if not is_local(host)]
    if not settings.DEBUG or not public:
        return []
    return [
        Error(
            f"DEBUG is on and the site answers as {', '.join(public)}.",
            hint="Unset DEBUG, or let ALLOWED_HOSTS and SITE_URL name this machine only.",
            id="namaskah.E003",
        )
    ]


@register(TAG)
def check_services(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """In production a forgotten address must not fall back to some server on this machine."""
    if settings.DEBUG:
        return []
    return [
        Error(
            f"{name} is not set.", hint=f"Give {name}, or {name}_FILE with the path of a secret.", id=number
        )
        for name, number in (("DATABASE_URL", "namaskah.E004"), ("REDIS_URL", "namaskah.E005"))
        if not os.environ.get(name) and not os.environ.get(f"{name}_FILE")
    ]


@register(TAG)
def check_email(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Nobody gets into an account without e-mails, and what is printed or written here reaches nobody, or the log."""
    is_sent = settings.EMAIL_BACKEND not in NOT_SENDING
    if settings.DEBUG or is_sent or is_local(urlsplit(settings.SITE_URL).hostname or ""):
        return []
    return [
        Error(
            "EMAIL_URL is not set, or names no mail server.",
            hint="Give it as smtp+tls://user:password@host:587; codes and links go by e-mail.",
            id="namaskah.E019",
        )
    ]


@register(TAG)
def check_addresses(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """SITE_URL decides on secure cookies and HTTPS; ALLOWED_HOSTS on whom we believe."""
    if settings.DEBUG:
        return []
    errors: list[CheckMessage] = []
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https" and not is_local(site.hostname or ""):
        errors.append(
            Error(
                "SITE_URL does not begin with https://.",
                hint="Cookies travel in clear without it.",
                id="namaskah.E006",
            )
        )
    if not settings.ALLOWED_HOSTS:
        errors.append(
            Error("ALLOWED_HOSTS is empty.", hint="Name the hosts the site answers as.", id="namaskah.E007")
        )
    elif "*" in settings.ALLOWED_HOSTS:
        errors.append(
            Error(
                "ALLOWED_HOSTS allows every host.",
                hint="Name the hosts the site answers as.",
                id="namaskah.E008",
            )
        )
    return errors


@register(TAG)
def check_proxies(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Whose headers are believed must be said, and be readable."""
    try:
        trusted = networks(tuple(settings.TRUSTED_PROXIES))
    except ValueError as error:
        return [
            Error(
                f"TRUSTED_PROXIES cannot be read: {error}.",
                hint="Addresses and networks, comma separated: 10.0.0.5,172.16.0.0/12.",
                id="namaskah.E016",
            )
        ]
    if any(network.prefixlen == 0 for network in trusted):
        return [
            Error(
                "TRUSTED_PROXIES trusts everybody.",
                hint="Whoever connects could then choose an address. Name your proxies only.",
                id="namaskah.E017",
            )
        ]
    if settings.BEHIND_PROXY and not trusted:
        return [
            Error(
                "BEHIND_PROXY is on and TRUSTED_PROXIES is empty.",
                hint="Name the addresses of your proxies, or every visitor has theirs and no request is secure.",
                id="namaskah.E018",
            )
        ]
    return []


@register(TAG)
def check_timings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A purchase call counts as lost after CALL_DEADLINE_S; one still under way then could be made twice in our books."""
    longest_call_s = settings.PROVIDER_CONNECT_TIMEOUT_S + settings.PROVIDER_READ_TIMEOUT_S + OWN_WAIT_S
    if longest_call_s <= settings.CALL_DEADLINE_S:
        return []
    return [
        Error(
            f"CALL_DEADLINE_S is {settings.CALL_DEADLINE_S}, but a call may last {longest_call_s:g} seconds.",
            hint="Raise it, or lower PROVIDER_CONNECT_TIMEOUT_S and PROVIDER_READ_TIMEOUT_S.",
            id="namaskah.E009",
        )
    ]


def refuse_bad_configuration() -> None:
    """End the process with a list of what is wrong; called where a server starts.

    Raises:
        SystemExit: At least one check failed. In development too: each error there is one that would not work.
    """
    errors = [message for message in run_checks(tags=[TAG]) if message.is_serious()]
    if errors:
        lines = [f"  {error.msg} ({error.id})\n    {error.hint}" for error in errors]
        print("Namaskah does not start with this configuration:", *lines, sep="\n", file=sys.stderr)  # noqa: T201
        raise SystemExit(1)


def _hosts() -> list[str]:
    return [*settings.ALLOWED_HOSTS, urlsplit(settings.SITE_URL).hostname or ""]


def is_local(host: str) -> bool:
    """Whether a host name or address is this machine."""
    return host in LOCAL_HOSTS or host.startswith("127.") or host.endswith(".localhost")
