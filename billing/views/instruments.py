"""Saved cards, automatic top-up and the bank account number. Every page is of the person signed in and of nobody else."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import user_id_of, user_of
from accounts.permissions import may
from billing.enums import StopReason
from billing.exceptions import AutoTopUpRefused, BankAccountRefused
from billing.forms_instruments import AutoTopUpForm, BankAccountForm
from billing.models import DedicatedAccount
from billing.paystack.errors import PaystackError
from billing.selectors import instruments as selectors
from billing.selectors.auto_top_up_page import auto_top_up_page
from billing.services import auto_top_up as standing_order
from billing.services import dedicated_accounts, exchange_rates, saved_cards
from billing.wording import rate_words


@never_cache
@require_safe
@login_required
def cards(request: HttpRequest) -> HttpResponse:
    """The cards kept for this customer, and which of them automatic top-up charges."""
    user_id = user_id_of(request)
    order = selectors.auto_top_up_of(user_id)
    context = {
        "cards": selectors.cards_of(user_id),
        "charged_card_id": order.card_id if order is not None and order.is_on else None,
    }
    return render(request, "billing/cards.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("billing.forget_card")
def card_remove(request: HttpRequest, card_id: int) -> HttpResponse:
    """Ask once more, then forget the card."""
    user = user_of(request)
    card = get_object_or_404(selectors.cards_of(user.pk), pk=card_id)
    if request.method == "POST":
        saved_cards.remove(card_id=card.pk, user=user)
        messages.success(
            request, _("%(card)s is removed. It is not charged any more.") % {"card": card.label}
        )
        return redirect("billing:cards")
    order = selectors.auto_top_up_of(user.pk)
    is_charged = order is not None and order.is_on and order.card_id == card.pk
    return render(request, "billing/card_remove.html", {"card": card, "is_charged": is_charged})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("billing.set_autotopup")
def auto_top_up(request: HttpRequest) -> HttpResponse:
    """Switch automatic top-up on or off, and see what it does."""
    user = user_of(request)
    if request.method == "POST" and "off" in request.POST:
        standing_order.switch_off(user_id=user.pk, reason=StopReason.CUSTOMER)
        messages.success(request, _("Automatic top-up is off. No card is charged by itself."))
        return redirect("billing:auto-top-up")
    order = selectors.auto_top_up_of(user.pk)
    form = AutoTopUpForm(
        request.POST if request.method == "POST" else None,
        user_id=user.pk,
        initial=AutoTopUpForm.initial_of(order),
    )
    if request.method == "POST" and form.is_valid():
        try:
            standing_order.save(user=user, **form.wishes())
        except AutoTopUpRefused as refusal:
            form.add_error(refusal.field, str(refusal.message))
        else:
            messages.success(request, _("Automatic top-up is on."))
            return redirect("billing:auto-top-up")
    context = {"form": form, "page": auto_top_up_page(user.pk, order), "cards": selectors.cards_of(user.pk)}
    return render(request, "billing/auto_top_up.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may("billing.open_dedicatedaccount")
def bank_account(request: HttpRequest) -> HttpResponse:
    """Ask for a bank account number, see it, and let late money be looked for."""
    if not dedicated_accounts.is_offered():
        raise Http404
    if request.method == "POST" and "sent" in request.POST:
        return _look_for_money(request)
    form = BankAccountForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            dedicated_accounts.open(user=user_of(request), **form.cleaned_data)
        except BankAccountRefused as refusal:
            form.add_error(None, str(refusal.message))
        else:
            return redirect("billing:bank-account")
    account = selectors.dedicated_account_of(user_id_of(request))
    return render(request, "billing/bank_account.html", _bank_context(account) | {"form": form})


def _look_for_money(request: HttpRequest) -> HttpResponse:
    try:
        was_asked = dedicated_accounts.requery(user=user_of(request))
    except PaystackError:
        messages.warning(
            request, _("The bank cannot be asked at the moment. Your money is credited when it arrives.")
        )
        return redirect("billing:bank-account")
    if was_asked:
        messages.success(request, _("We asked the bank. What it has received is credited within minutes."))
    else:
        messages.info(request, _("The bank was asked less than ten minutes ago. Please wait a little."))
    return redirect("billing:bank-account")


def _bank_context(account: DedicatedAccount | None) -> dict[str, Any]:
    rate = exchange_rates.current()
    return {
        "account": account,
        "is_waiting": account is not None and not account.account_number and not account.failure,
        "rate": rate,
        "rate_words": rate_words(rate.rate, rate.charge_currency, rate.wallet_currency) if rate else "",
    }
