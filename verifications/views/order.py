"""The order page: service, country, price, one button."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.exceptions import EmailNotVerified
from accounts.http import signed_in_user_id
from accounts.permissions import check
from namaskah.exceptions import DomainError
from verifications.exceptions import PriceChanged
from verifications.forms import OrderForm
from verifications.models import Country, Service
from verifications.selectors import catalog
from verifications.selectors.verifications import recent_services
from verifications.services import ordering, pricing


@require_http_methods(["GET", "HEAD", "POST"])
def order_new(request: HttpRequest) -> HttpResponse:
    """Show what can be ordered and order it."""
    if request.method == "POST":
        return _order(request)
    service = Service.objects.filter(slug=_asked(request, "service"), is_active=True).first()
    country = Country.objects.filter(iso2=_asked(request, "country").upper(), is_active=True).first()
    return _page(request, service, country if service else None, operator=_asked(request, "operator"))


def _asked(request: HttpRequest, name: str) -> str:
    """A choice in the address, without the character that PostgreSQL cannot hold."""
    return request.GET.get(name, "").replace("\x00", "")


def _order(request: HttpRequest) -> HttpResponse:
    form = OrderForm(request.POST)
    user_id = signed_in_user_id(request)
    if user_id is None:
        return redirect_to_login(_choice_url(request.POST), reverse("accounts:sign-up"))
    check(request, "verifications.order_number")
    if not form.is_valid():
        return _refused(request, form)
    data = form.cleaned_data
    try:
        verification = ordering.order(
            ordering.Order(
                user_id=user_id,
                service=data["service"],
                country=data["country"],
                operator=data["operator"],
                quote=pricing.Quote.from_signed(data["quote"]) if data["quote"] else None,
                form_key=data["form_key"],
            )
        )
    except DomainError as error:
        return _refused(request, form, error)
    return redirect("verifications:detail", verification.pk)


def _refused(request: HttpRequest, form: OrderForm, error: DomainError | None = None) -> HttpResponse:
    """The page again with the reason; nothing was ordered, so the next press is a new order at the price now shown."""
    data = getattr(form, "cleaned_data", {})
    return _page(
        request,
        data.get("service"),
        data.get("country"),
        operator=data.get("operator", ""),
        errors=form,
        problem=error,
    )


def _page(
    request: HttpRequest,
    service: Service | None,
    country: Country | None,
    *,
    operator: str,
    errors: OrderForm | None = None,
    problem: DomainError | None = None,
) -> HttpResponse:
    quote, unavailable = _quote(service, country, operator)
    shown_problem = problem or unavailable
    sort = request.GET.get("sort", "price")
    initial = {
        "service": service.slug if service else "",
        "country": country.iso2 if country else "",
        "operator": operator,
        "form_key": uuid.uuid4(),
        "quote": quote.signed() if quote else "",
    }
    user_id = signed_in_user_id(request)
    query = _asked(request, "q").strip()
    refused = errors is not None and not errors.is_valid()
    context: dict[str, Any] = {
        # A refused form comes back with its errors beside the fields, under a new key.
        "form": OrderForm(request.POST.dict() | {"form_key": initial["form_key"]}, initial=initial)
        if refused
        else OrderForm(initial=initial),
        "errors": errors.errors if errors is not None and refused else None,
        "service": service,
        "country": country,
        "operator": operator,
        "cards": [] if service else catalog.service_cards(query=query),
        "query": query,
        "recent": recent_services(user_id) if user_id and not service else [],
        "rows": catalog.country_rows(service, sort) if service and not country else [],
        "sort": sort,
        "operators": catalog.operator_rows(service, country) if service and country else [],
        "quote": quote,
        "choice_url": _choice_url(initial),
        "problem": shown_problem.message if shown_problem else None,
        "price_changed": isinstance(problem, PriceChanged),
        "is_unproved": isinstance(problem, EmailNotVerified),
    }
    status = problem.status if problem else (400 if context["errors"] else 200)
    return render(request, "verifications/order_new.html", context, status=status)


def _quote(
    service: Service | None, country: Country | None, operator: str
) -> tuple[pricing.Quote | None, DomainError | None]:
    if service is None or country is None:
        return None, None
    try:
        return pricing.quote(service, country, operator), None
    except DomainError as error:
        return None, error


def _choice_url(values: Mapping[str, Any]) -> str:
    """Where a choice shows again, after whatever stood in between."""
    query = urlencode({name: values[name] for name in ("service", "country", "operator") if values.get(name)})
    return reverse("verifications:order-new") + (f"?{query}" if query else "")
