"""One view that reads a form and redirects, as an order does."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path


def view(request: HttpRequest) -> HttpResponse:
    """Redirect; the form is parsed, since the order page has to do that, too."""
    request.POST.get("service")
    return HttpResponseRedirect("/")


urlpatterns = [path("", view), path("verifications/new/", view)]
