"""Addresses that programs look for at every site: how to report a hole, where a password is changed, what may be indexed."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

PLAIN = "text/plain; charset=utf-8"
CONTACT_GOOD_FOR = dt.timedelta(days=180)  # RFC 9116 wants less than a year
# Pages of people: a robot finds nothing there but the signing in. The console is not named to whoever has not found it.
PRIVATE = ("/accounts/", "/notifications/", "/settings/", "/verifications/", "/wallet/")


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a hole. Source: https://www.rfc-editor.org/rfc/rfc9116"""
    expires = (timezone.now() + CONTACT_GOOD_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: mailto:{settings.SUPPORT_EMAIL}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Canonical: {settings.SITE_URL}{reverse('security-txt')}",
        "Preferred-Languages: en",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type=PLAIN)


@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """Where password managers send people. Source: https://w3c.github.io/webappsec-change-password-url/"""
    return redirect("settings:password")


@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    """What search engines need not ask for."""
    rules = "".join(f"Disallow: {path}\n" for path in PRIVATE)
    return HttpResponse(f"User-agent: *\n{rules}", content_type=PLAIN)
