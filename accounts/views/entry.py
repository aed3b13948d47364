"""What the pages for visitors share: drawing a form, and saying that there were too many tries."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from accounts import destinations
from accounts.exceptions import TooManyTries
from accounts.forms.fields import EntryForm
from accounts.throttle import seconds_to_wait


def data(request: HttpRequest) -> QueryDict | None:
    """What a form was sent with; an empty one was sent, too."""
    return request.POST if request.method == "POST" else None


def page(
    request: HttpRequest, template: str, form: EntryForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page with one form, which carries on where the visitor was going."""
    values = {"form": form, "next": destinations.wanted(request), **context}
    return render(request, template, values, status=status)


def refused(
    request: HttpRequest, template: str, form: EntryForm, error: TooManyTries, **context: Any
) -> HttpResponse:
    """The page again, with nothing looked at that was typed."""
    form.refuse(error.message)
    response = page(request, template, form, status=429, **context)
    response["Retry-After"] = str(error.wait_s)
    return response


def too_many(request: HttpRequest, *, group: str, rate: str, account: str = "") -> TooManyTries | None:
    """Count one try; the error to show when it is one too many."""
    wait_s = seconds_to_wait(request, group=group, rate=rate, email=account)
    return TooManyTries(wait_s) if wait_s else None
