"""Where a visitor was going before they were asked who they are: only ever a page of this site."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

LONGEST = 2000  # characters; the longest address of ours, an order with every choice made, has a tenth of it


def wanted(request: HttpRequest) -> str:
    """The `next` of a form or an address, if it is a page of this site; else nothing."""
    return checked(request, request.POST.get("next") or request.GET.get("next", ""))


def checked(request: HttpRequest, url: str) -> str:
    """The address if it is a page of this site; else nothing."""
    if len(url) > LONGEST or "\x00" in url:
        return ""
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours and _is_from_the_root(url) else ""


def _is_from_the_root(url: str) -> bool:
    """Whether the path begins with one slash: `evil.example` would stay with us and lead nowhere."""
    path = urlsplit(url).path
    return path.startswith("/") and not path.startswith("//")


def of(request: HttpRequest, url: str = "") -> str:
    """Where to go now: the address given, or the request's `next`, or the page people start from."""
    return checked(request, url) or wanted(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
