"""Topping up: the form, the way to Paystack and back, and each deposit's own page."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import destinations
from accounts.http import user_id_of, user_of
from accounts.permissions import check, may
from billing.exceptions import (
    DailyTopUpLimit,
    FirstTopUpTooLarge,
    TopUpAmountRefused,
    TopUpTooLarge,
    TopUpTooSmall,
)
from billing.forms import RetryForm, TopUpForm
from billing.models import Deposit
from billing.selectors import deposits as selectors
from billing.selectors.deposit_state import badge, deposit_state
from billing.selectors.top_up import top_up_page
from billing.services import deposits
from billing.views.checkout_policy import holds_checkout, leads_to_checkout
from namaskah.exceptions import DomainError
from namaskah.lib.queueing import enqueue

# A page that somebody watches asks for a look this often; the webhook and the sweep do not depend on it.
LOOK_EVERY_S = 20
# What another amount would mend stands beside the amount, the rest above the form.
ABOUT_AMOUNT = (TopUpTooSmall, TopUpTooLarge, FirstTopUpTooLarge, DailyTopUpLimit, TopUpAmountRefused)
_WAY_BACK = "top_up_next"  # in the session: where the customer was going, and by which deposit


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("billing.top_up")
@holds_checkout
def top_up(request: HttpRequest) -> HttpResponse:
    """Choose an amount and go on to pay it."""
    if request.method == "POST":
        return _pay(request)
    return _form_page(request)


@never_cache
@require_safe
@login_required
def top_up_return(request: HttpRequest) -> HttpResponse:
    """Where Paystack sends the customer afterwards, paid or not."""
    reference = request.GET.get("reference") or request.GET.get("trxref", "")
    return _come_back(selectors.by_reference(user_id_of(request), reference))


@never_cache
@require_safe
@login_required
def top_up_cancelled(request: HttpRequest) -> HttpResponse:
    """Where Paystack sends a customer who left the checkout, without saying which. They may have paid all the same."""
    reference = request.GET.get("reference", "")
    user_id = user_id_of(request)
    known = selectors.by_reference(user_id, reference) if reference else selectors.last_begun(user_id)
    response = _come_back(known)
    messages.info(request, _("You left the payment page before the end. You can continue where you were."))
    return response


@never_cache
@require_safe
@login_required
@leads_to_checkout
def deposit(request: HttpRequest, deposit_id: uuid.UUID) -> HttpResponse:
    """One deposit; with htmx only its live part."""
    own = _own(request, deposit_id)
    if own.is_open:
        _ask_for_a_look(own)
    template = "billing/deposit.html"
    if request.headers.get("HX-Request") == "true":
        template += "#live"
    context = {
        "deposit": own,
        "state": deposit_state(own),
        "retry": RetryForm(initial={"form_key": uuid.uuid4()}),
        "way_back": _way_back(request, own),
        "check_url": f"{reverse('billing:top-up-return')}?{urlencode({'reference': own.reference})}",
    }
    return render(request, template, context)


@require_POST
@may("billing.top_up")
def deposit_retry(request: HttpRequest, deposit_id: uuid.UUID) -> HttpResponse:
    """Pay the same amount again, under a new reference."""
    own = _own(request, deposit_id)
    form = RetryForm(request.POST)
    form_key = form.cleaned_data["form_key"] if form.is_valid() else None
    try:
        made = deposits.retry(deposit=own, form_key=form_key)
    except DomainError as error:
        messages.error(request, str(error.message))
        return redirect("billing:deposit", own.pk)
    _remember_way_back(request, made, _way_back(request, own))
    return redirect(_way_on(made))


@never_cache
@require_safe
@login_required
def deposit_list(request: HttpRequest) -> HttpResponse:
    """One page of deposits, newest first."""
    page = selectors.deposit_page(
        user_id_of(request), older=request.GET.get("older", ""), newer=request.GET.get("newer", "")
    )
    context = {
        "rows": [(row, *badge(row)) for row in page.rows],
        "older_url": f"?{urlencode({'older': page.older})}" if page.older else None,
        "newer_url": f"?{urlencode({'newer': page.newer})}" if page.newer else None,
    }
    return render(request, "billing/deposits.html", context)


def _come_back(known: Deposit | None) -> HttpResponse:
    """Anyone can open these addresses, so being opened says nothing: it only has us look at one's own deposit."""
    if known is None:
        raise Http404
    enqueue("billing.settle_deposit", str(known.pk))
    return redirect("billing:deposit", known.pk)


def _pay(request: HttpRequest) -> HttpResponse:
    form = TopUpForm(request.POST)
    if not form.is_valid():
        return _refused(request, form, status=400)
    if form.cleaned_data["save_card"]:
        check(request, "billing.save_card")
    try:
        made = deposits.start(
            user=user_of(request),
            amount_subunits=form.amount_subunits,
            form_key=form.cleaned_data["form_key"],
            save_card=form.cleaned_data["save_card"],
        )
    except DomainError as error:
        form.add_error("amount" if isinstance(error, ABOUT_AMOUNT) else None, str(error.message))
        return _refused(request, form, status=error.status)
    _remember_way_back(request, made, destinations.checked(request, form.cleaned_data["next"]))
    if _wants_json(request):
        return JsonResponse(_payment(made))
    return redirect(_way_on(made))


def _refused(request: HttpRequest, form: TopUpForm, *, status: int) -> HttpResponse:
    """The page again with the reason; nothing was begun, so the next press is a new payment."""
    if _wants_json(request):
        return JsonResponse({"errors": form.errors}, status=status)
    return _form_page(request, form, status=status)


def _form_page(request: HttpRequest, form: TopUpForm | None = None, *, status: int = 200) -> HttpResponse:
    way_back = destinations.checked(request, request.POST.get("next") or request.GET.get("next", ""))
    amount = request.GET.get("amount", "")
    if form is None:
        form = TopUpForm(initial={"amount": amount})
    page = top_up_page(user_id_of(request), str(form["amount"].value() or ""))
    form.fields["amount"].help_text = page.limits  # named by the field's aria-describedby
    context: dict[str, Any] = {
        "form": form,
        "form_key": uuid.uuid4(),
        "page": page,
        "next": way_back,
        "inline_url": settings.PAYSTACK_INLINE_URL,
        "refund_window_days": settings.REFUND_WINDOW_DAYS,
    }
    return render(request, "billing/top_up.html", context, status=status)


def _payment(made: Deposit) -> dict[str, str]:
    """What Paystack's script needs to show the transaction. Amount, currency and customer were fixed by our server."""
    return {
        "access_code": made.access_code if made.is_open else "",
        "authorization_url": made.authorization_url if made.is_open else "",
        "deposit_url": reverse("billing:deposit", args=[made.pk]),
        "return_url": f"{reverse('billing:top-up-return')}?{urlencode({'reference': made.reference})}",
    }


def _way_on(made: Deposit) -> str:
    """The checkout while there is something to pay, else the deposit's page."""
    if made.is_open and made.authorization_url:
        return made.authorization_url
    return reverse("billing:deposit", args=[made.pk])


def _ask_for_a_look(own: Deposit) -> None:
    if cache.add(f"deposit-look:{own.pk}", 1, LOOK_EVERY_S):
        enqueue("billing.settle_deposit", str(own.pk))


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _own(request: HttpRequest, deposit_id: uuid.UUID) -> Deposit:
    known = selectors.owned_or_none(user_id_of(request), deposit_id)
    if known is None:
        raise Http404
    return known


def _remember_way_back(request: HttpRequest, made: Deposit, address: str) -> None:
    if address:
        request.session[_WAY_BACK] = {"deposit": str(made.pk), "url": address}
    else:
        request.session.pop(_WAY_BACK, None)


def _way_back(request: HttpRequest, own: Deposit) -> str:
    known = request.session.get(_WAY_BACK)
    return known["url"] if known and known["deposit"] == str(own.pk) else ""
