"""Prices in the open: the landing page, the list of services, one service by country."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from verifications.models import Country, Service
from verifications.selectors import catalog

LANDING_CARDS = 12
_QUERY_LENGTH = 80
_SORTS = ("price", "stock", "name")


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What we do, and the services most asked for."""
    context = {
        "cards": catalog.service_cards(limit=LANDING_CARDS),
        "service_count": Service.objects.filter(is_active=True).count(),
        "country_count": Country.objects.filter(is_active=True).count(),
    }
    return render(request, "landing.html", context)


@require_safe
@vary_on_headers("HX-Request")
@cache_control(private=True, no_cache=True)
def service_list(request: HtmxRequest) -> HttpResponse:
    """Every service, or those a search finds; htmx asks for the results alone while somebody types."""
    query = request.GET.get("q", "").strip()[:_QUERY_LENGTH]
    context = {"cards": catalog.service_cards(query), "query": query}
    is_fragment = request.htmx and not request.htmx.history_restore_request
    template = "verifications/service_list.html#results" if is_fragment else "verifications/service_list.html"
    return render(request, template, context)


@require_safe
def service_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One service: price and stock by country."""
    service = get_object_or_404(Service, slug=slug, is_active=True)
    sort = request.GET.get("sort", "price")
    if sort not in _SORTS:
        sort = "price"
    context = {"service": service, "rows": catalog.country_rows(service, sort), "sort": sort}
    return render(request, "verifications/service_detail.html", context)
