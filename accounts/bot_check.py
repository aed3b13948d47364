"""A check that a person is at work, by a widget in the manner of Cloudflare Turnstile. Off unless its settings are given.

When the checker is away people are let pass: the limits on tries hold anyway, and a checker's bad day must not close the shop.

Source: https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import structlog
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ValidationError

from namaskah.lib import http, request_facts

log = structlog.get_logger(__name__)

FIELD = "cf-turnstile-response"  # the vendor's name for what its widget puts into the form
LONGEST_ANSWER = 2048
CONNECT_S, READ_S = 1.0, 3.0
NOT_PASSED = _("Please tick the box that says you are a person, and send the form again.")
View = Callable[..., HttpResponse]


class _Verdict(BaseModel):
    success: bool


def is_on() -> bool:
    """Whether pages show the widget and forms need its answer."""
    return bool(settings.BOT_CHECK_SITE_KEY and settings.BOT_CHECK_SECRET)


def widget() -> dict[str, str] | None:
    """What a page needs to show it; nothing when it is off."""
    if not is_on():
        return None
    return {"site_key": settings.BOT_CHECK_SITE_KEY, "script_url": settings.BOT_CHECK_SCRIPT_URL}


def is_passed(request: HttpRequest) -> bool:
    """Whether the form brings an answer that the checker believes. Asks it, so call it outside a transaction."""
    if not is_on():
        return True
    answer = request.POST.get(FIELD, "")
    if not answer or len(answer) > LONGEST_ANSWER:
        return False
    asked = {"secret": settings.BOT_CHECK_SECRET, "response": answer}
    address = request_facts.current().address
    try:
        reply = http.send(
            "POST",
            settings.BOT_CHECK_VERIFY_URL,
            data=asked | ({"remoteip": address} if address else {}),
            connect_timeout_s=CONNECT_S,
            read_timeout_s=READ_S,
            max_bytes=100_000,
            secrets=[settings.BOT_CHECK_SECRET, answer],
        )
        verdict = _Verdict.model_validate(reply.json(), strict=True)
    except (http.HttpError, ValidationError, ValueError):
        log.warning("Bot check away; let pass")
        return True
    if not verdict.success:
        log.info("Bot check not passed")
    return verdict.success


def may_show_widget(view: View) -> View:
    """Open the content security policy of this page, and of no other, to the widget's script and frame."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_on():
            return view(request, *args, **kwargs)
        parts = urlsplit(settings.BOT_CHECK_SCRIPT_URL)
        origin = f"{parts.scheme}://{parts.netloc}"
        updated: Any = csp_update({"script-src": [origin], "frame-src": [origin]})(view)
        response: HttpResponse = updated(request, *args, **kwargs)
        return response

    return wrapped
