"""Views that do what any such view has to: read a form and redirect as an order does, read a body as a webhook does."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path


def view(request: HttpRequest) -> HttpResponse:
    """Redirect; the form is parsed, since the order page has to do that, too."""
    request.POST.get("service")
    return HttpResponseRedirect("/")


def hook(request: HttpRequest) -> HttpResponse:
    """Take the bytes and say yes."""
    return HttpResponse("ok" if request.body else "", content_type="text/plain")


urlpatterns = [path("", view), path("verifications/new/", view), path("webhooks/paystack", hook)]
