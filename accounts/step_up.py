"""Showing again who one is, before what would hurt in the wrong hands. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import destinations
from accounts.audit_actions import AuditAction
from accounts.http import user_of
from accounts.services import audit, sessions

View = Callable[..., HttpResponseBase]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def step_up_required(view: View) -> View:
    """Let through whoever has shown their second factor (or, without one, their password) in the last minutes.

    Everybody else confirms first. What they had filled in is not carried over: they come back to the page and send it again.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if is_fresh(request) else _ask(request)

    return login_required(guarded)


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person asking has shown who they are in the last minutes, in this session."""
    at = sessions.stepped_up_at(request)
    return at is not None and timezone.now() - at < dt.timedelta(seconds=settings.STEP_UP_S)


def passed(request: HttpRequest, *, method: str) -> None:
    """Note that they have just shown it; the session goes on under a new key.

    Args:
        method: `password`, or what `sign_in.complete` calls the second factor shown, which opens the console too.
    """
    user = user_of(request)
    with transaction.atomic():
        if method == "password":
            sessions.mark_stepped_up(request)
        else:
            sessions.mark_verified(request)
        audit.record(AuditAction.STEPPED_UP, actor=user, subject=user, after={"method": method})


def address(url: str) -> str:
    """The page that asks, and then leads to `url`."""
    return f"{reverse('accounts:step-up')}?{urlencode({'next': url})}"


def _ask(request: HttpRequest) -> HttpResponse:
    to = address(_way_back(request))
    if request.content_type == "application/json":  # a script of ours asked: it cannot show a page
        return JsonResponse({"detail": _("Please confirm first that it is you."), "confirm": to}, status=403)
    if request.method not in SAFE_METHODS:
        messages.info(
            request, _("Nothing was changed yet: first we had to make sure it is you. Please send it again.")
        )
    return redirect(to)


def _way_back(request: HttpRequest) -> str:
    """The page itself; for a form the page it stood on, which may be another one."""
    here = request.get_full_path()
    if request.method in SAFE_METHODS:
        return here
    page = destinations.checked(request, request.headers.get("Referer", ""))
    parts = urlsplit(page)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or here
