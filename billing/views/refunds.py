"""Refunds: what can go back, asking for it, and each refund's own page."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts import step_up
from accounts.http import user_id_of, user_of
from accounts.permissions import check, may
from billing.enums import RefundStatus
from billing.exceptions import BankDetailsNotWanted, BankDetailsRefused
from billing.forms_refunds import BankDetailsForm, RefundForm
from billing.models import Refund
from billing.selectors import returns
from billing.selectors.refund_state import badge_of, refund_state
from billing.services import refund_details, refunds
from billing.services.refunds import Refundable
from billing.wording import rate_words
from namaskah.exceptions import DomainError
from namaskah.lib.money import from_subunits


@never_cache
@require_safe
@login_required
def refund_list(request: HttpRequest) -> HttpResponse:
    """What can go back now, and the refunds so far."""
    user_id = user_id_of(request)
    page = returns.refund_page(user_id, before=_id(request.GET.get("before", "")))
    context = {
        "possible": refunds.refundable(user_id),
        "rows": [(refund, *badge_of(refund.status)) for refund in page.rows],
        "older_url": f"{reverse('billing:refund-list')}?before={page.older}" if page.older else None,
        **_rules(),
    }
    return render(request, "billing/refunds.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("billing.request_refund")
@step_up.step_up_required
def refund_new(request: HttpRequest) -> HttpResponse:
    """Ask for money back of the deposit in the address."""
    wanted = _id(request.GET.get("deposit", ""))
    possible = next(
        (row for row in refunds.refundable(user_id_of(request)) if row.deposit.pk == wanted), None
    )
    if request.method == "POST" and (made := _made_before(request)):
        return redirect("billing:refund", made)
    if possible is None:
        return render(
            request, "billing/refund_new.html", {"possible": None, **_rules()}, status=404 if wanted else 200
        )
    form = _form(possible, request)
    if request.method == "POST" and form.is_valid():
        try:
            refund = refunds.request(
                deposit_id=possible.deposit.pk,
                user=user_of(request),
                amount_subunits=form.cleaned_data["amount"],
                form_key=form.cleaned_data["form_key"],
                reason=form.cleaned_data["reason"],
            )
        except DomainError as error:
            form.add_error("amount", str(error.message))
            return _form_page(request, form, possible, status=error.status)
        return redirect("billing:refund", refund.pk)
    return _form_page(request, form, possible, status=400 if form.is_bound else 200)


@never_cache
@sensitive_post_parameters("account_number")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def refund(request: HttpRequest, refund_id: uuid.UUID) -> HttpResponse:
    """One refund; it refreshes itself when something happens to it, unless it waits for the customer's bank details."""
    own = get_object_or_404(returns.refunds_of(user_id_of(request)).select_related("receipt"), pk=refund_id)
    if request.method == "POST":
        return cast(HttpResponse, _take_details(request, own))
    asks = own.status == RefundStatus.NEEDS_ATTENTION and step_up.is_fresh(request)
    return _refund_page(request, own, _details_form(own) if asks else None)


@step_up.step_up_required
def _take_details(request: HttpRequest, own: Refund) -> HttpResponse:
    """Hand the bank details on; what is wrong with them stands beside what was typed. They say where money goes."""
    check(request, "billing.request_refund")
    form = _details_form(own, request.POST)
    try:
        if own.status != RefundStatus.NEEDS_ATTENTION:
            raise BankDetailsNotWanted
        if not form.is_valid():
            return _refund_page(request, own, form, status=400)
        bank_id, number = form.cleaned_data["bank"], form.cleaned_data["account_number"]
        refund_details.give(refund_id=own.pk, user=user_of(request), bank_id=bank_id, account_number=number)
    except BankDetailsNotWanted as error:
        messages.info(request, str(error.message))
    except BankDetailsRefused as error:
        form.add_error(error.field or None, str(error.message))
        return _refund_page(request, own, form, status=error.status)
    return redirect("billing:refund", own.pk)


def _details_form(own: Refund, data: QueryDict | None = None) -> BankDetailsForm:
    return BankDetailsForm(refund_details.banks(own.charge_currency), data)


def _refund_page(
    request: HttpRequest, own: Refund, form: BankDetailsForm | None, *, status: int = 200
) -> HttpResponse:
    template = "billing/refund.html"
    if request.headers.get("HX-Request") == "true":
        template += "#live"
    waits = own.status == RefundStatus.NEEDS_ATTENTION and form is None
    context = {
        "refund": own,
        "state": refund_state(own),
        "form": form,
        "confirm_url": step_up.address(request.path) if waits else "",
    }
    return render(request, template, context, status=status)


def _form(possible: Refundable, request: HttpRequest) -> RefundForm:
    if request.method == "POST":
        return RefundForm(possible, request.POST)
    amount = from_subunits(possible.most_subunits)
    return RefundForm(possible, initial={"amount": f"{amount:.2f}", "form_key": uuid.uuid4()})


def _made_before(request: HttpRequest) -> uuid.UUID | None:
    """The refund that this rendered form has made already: it may have left nothing that could be asked for again."""
    form_key = _id(request.POST.get("form_key", ""))
    if form_key is None:
        return None
    own = returns.refunds_of(user_id_of(request))
    return own.filter(form_key=form_key).values_list("pk", flat=True).first()


def _form_page(request: HttpRequest, form: RefundForm, possible: Refundable, *, status: int) -> HttpResponse:
    deposit = possible.deposit
    rate = rate_words(deposit.rate, deposit.charge_currency, deposit.wallet_currency)
    context = {"form": form, "possible": possible, "rate": rate, **_rules()}
    return render(request, "billing/refund_new.html", context, status=status)


def _rules() -> dict[str, Any]:
    """What the pages say about what is refundable."""
    return {"window_days": settings.REFUND_WINDOW_DAYS}


def _id(text: str) -> uuid.UUID | None:
    """An id out of an address or a form; anything that is none names nothing."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
