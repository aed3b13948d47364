"""The one exception to the strict content security policy: pages that lead to Paystack's checkout."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def leads_to_checkout(view: View) -> View:
    """Let forms of this page end at the checkout: browsers hold `form-action` against redirects of a POST, too."""
    return _with_policy(view, _leading)


def holds_checkout(view: View) -> View:
    """Let this page show the checkout itself, in a frame that Paystack's script makes."""
    return _with_policy(view, _holding)


def _with_policy(view: View, directives: Callable[[], dict[str, list[str]]]) -> View:
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # At each request: settings are not read while the addresses of the site are put together.
        updated: Any = csp_update(directives())(view)
        response: HttpResponse = updated(request, *args, **kwargs)
        return response

    return wrapped


def _leading() -> dict[str, list[str]]:
    return {"form-action": list(settings.PAYSTACK_CHECKOUT_ORIGINS)}


def _holding() -> dict[str, list[str]]:
    checkout = list(settings.PAYSTACK_CHECKOUT_ORIGINS)
    if not settings.PAYSTACK_INLINE_URL:
        return _leading()
    return _leading() | {
        "script-src": _once([_origin(settings.PAYSTACK_INLINE_URL), *checkout]),
        "frame-src": checkout,
        "connect-src": _once([_origin(settings.PAYSTACK_BASE_URL), *checkout]),
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _once(sources: list[str]) -> list[str]:
    return list(dict.fromkeys(sources))
