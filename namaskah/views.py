"""Error pages. Each names the request, so support finds it in the log."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.translation import gettext

from accounts.models import User
from accounts.services import refusals

ErrorView = Callable[[HttpRequest, Exception], HttpResponse]
FORM_METHODS = ("GET", "HEAD", "POST")
log = structlog.get_logger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request was malformed."""
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The person asking may not see this. Whoever is signed in leaves an entry in the audit trail."""
    person = getattr(request, "user", None)
    if isinstance(person, User):
        match = request.resolver_match
        refusals.note(
            actor=person,
            page=match.view_name if match else "",
            method=request.method or "",
            at=match.kwargs if match else None,
        )
    return render(request, "403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was sent from another session or another site; or a method came that no form sends and no page knows."""
    if request.method not in FORM_METHODS:
        return HttpResponseNotAllowed(FORM_METHODS)
    log.info("Form refused", reason=reason)
    return render(request, "403_csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing here, or somebody else's."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Something of ours failed, so nothing of ours may be needed: no session, no database, no hashed file names."""
    request_id = str(getattr(request, "request_id", ""))
    try:
        page = get_template("500.html").render(
            {
                "request_id": request_id,
                "title": gettext("Something failed on our side"),
                "text": gettext(
                    "It has been recorded. Your money is safe: an order is either in your list of orders or was not "
                    "made, and a hold without an order returns by itself. Try again in a minute."
                ),
                "action": gettext("To the start page"),
                "hint": gettext("If you write to support, name this request:"),
            }
        )
    except Exception:
        log.exception("The error page failed")
        page = format_html(
            "<!DOCTYPE html><title>500</title><p>Something failed on our side. {}</p>", request_id
        )
    return HttpResponseServerError(page)
