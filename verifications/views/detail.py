"""The live order page and what can be done on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.http import user_id_of
from accounts.permissions import may
from namaskah.exceptions import DomainError
from verifications.models import Verification
from verifications.selectors.order_state import order_state
from verifications.selectors.verifications import owned_or_none
from verifications.services import cancelling, finishing


@require_safe
@never_cache
@login_required
def detail(request: HttpRequest, verification_id: uuid.UUID) -> HttpResponse:
    """One order; with htmx only its live part."""
    order = _own(request, verification_id)
    template = "verifications/detail.html"
    if request.headers.get("HX-Request") == "true":
        template += "#live"
    return render(request, template, {"order": order, "state": order_state(order)})


@require_POST
@may("verifications.cancel_order")
def cancel(request: HttpRequest, verification_id: uuid.UUID) -> HttpResponse:
    """Take the order back."""
    return _act(request, verification_id, cancelling.cancel)


@require_POST
@may("verifications.request_another_sms")
def another_sms(request: HttpRequest, verification_id: uuid.UUID) -> HttpResponse:
    """Ask for one more SMS."""
    return _act(request, verification_id, finishing.request_another_sms)


@require_POST
@may("verifications.finish_order")
def finish(request: HttpRequest, verification_id: uuid.UUID) -> HttpResponse:
    """Say that the code was used."""
    return _act(request, verification_id, finishing.finish)


def _act(
    request: HttpRequest, verification_id: uuid.UUID, action: Callable[..., Verification]
) -> HttpResponse:
    order = _own(request, verification_id)
    try:
        action(order.pk, actor_id=user_id_of(request))
    except DomainError as error:
        messages.error(request, str(error.message))
    return redirect("verifications:detail", order.pk)


def _own(request: HttpRequest, verification_id: uuid.UUID) -> Verification:
    order = owned_or_none(user_id_of(request), verification_id)
    if order is None:
        raise Http404
    return order
