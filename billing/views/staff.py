"""The console's pages about one customer's money. The admin wraps them: only staff comes here."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from billing import selectors
from billing.enums import AccountKind, ApprovalKind
from billing.exceptions import InsufficientFunds, KeyReused
from billing.forms import AdjustmentForm
from billing.models import Account, Transfer
from billing.services import approvals, ledger, staff_log
from namaskah.lib.money import format_money


def adjust(request: HttpRequest, account_id: int, site: dict[str, Any]) -> HttpResponse:
    """Amount and reason, then a page that shows what will happen, then the transfer. Confirming twice is one transfer.

    Above `APPROVAL_ABOVE` confirming asks a second member of staff, who carries it out.
    """
    actor = request.user
    if not isinstance(actor, User) or not actor.has_perm("billing.adjust_balance"):
        raise PermissionDenied
    account = _customer_account(account_id)
    form = AdjustmentForm(request.POST or None, initial={"key": uuid.uuid4()})
    is_confirming = False
    if request.method == "POST" and form.is_valid():
        is_confirming = True
        if "confirm" in request.POST and approvals.needs_second(form.cleaned_data["amount"]):
            if _asked(form, account, actor):
                messages.success(
                    request, _("Above the limit: the request waits for a second member of staff.")
                )
                return redirect("admin:billing_account_statement", account.pk)
            is_confirming = False
        elif "confirm" in request.POST:
            transfer = _adjusted(form, account, actor)
            if transfer is not None:
                messages.success(request, _done(account, form))
                return redirect("admin:billing_account_statement", account.pk)
            is_confirming = False
    context = site | {
        "title": _("Credit or debit %(customer)s") % {"customer": account.user},
        "account": account,
        "figures": selectors.wallet(account.user_id or 0),
        "form": form,
        "is_confirming": is_confirming,
        "needs_second": is_confirming and approvals.needs_second(form.cleaned_data["amount"]),
        "approval_above": settings.APPROVAL_ABOVE,
        "amount": form.cleaned_data["amount"] if is_confirming else None,
    }
    return render(request, "admin/billing/account/adjust.html", context)


def statement(request: HttpRequest, account_id: int, site: dict[str, Any]) -> HttpResponse:
    """The customer's statement with reasons, keys and who did it."""
    actor = request.user
    if not isinstance(actor, User) or not actor.has_perm("billing.view_transfer"):
        raise PermissionDenied
    account = _customer_account(account_id)
    user_id = account.user_id or 0
    page = selectors.statement(
        user_id,
        before=selectors.place(request.GET.get("before", "")),
        after=selectors.place(request.GET.get("after", "")),
    )
    notes = selectors.staff_notes(page.rows)
    here = reverse("admin:billing_account_statement", args=[account.pk])
    context = site | {
        "title": _("Statement of %(customer)s") % {"customer": account.user},
        "account": account,
        "figures": selectors.wallet(user_id),
        "rows": [(row, notes[row.sequence]) for row in page.rows],
        "older_url": f"{here}?before={page.older}" if page.older else None,
        "newer_url": f"{here}?after={page.newer}" if page.newer else None,
        "may_adjust": actor.has_perm("billing.adjust_balance"),
    }
    return render(request, "admin/billing/account/statement.html", context)


def _customer_account(account_id: int) -> Account:
    return get_object_or_404(Account.objects.select_related("user"), pk=account_id, kind=AccountKind.CUSTOMER)


def _adjusted(form: AdjustmentForm, account: Account, actor: User) -> Transfer | None:
    """The transfer, or None with the refusal on the form."""
    assert isinstance(account.user, User)
    data = form.cleaned_data
    try:
        with transaction.atomic():
            transfer = ledger.adjust(
                user=account.user,
                amount=data["amount"],
                reason=data["reason"],
                actor=actor,
                key=form.transfer_key,
            )
            staff_log.note(actor, account, f"Adjusted by {data['amount']}", data["reason"])
    except InsufficientFunds as error:
        form.add_error(
            "amount",
            _("Only %(available)s is available.")
            % {"available": format_money(error.available, account.currency)},
        )
        return None
    except KeyReused:
        form.add_error(
            None, _("This form was already used with other values. Look at the statement, then start again.")
        )
        return None
    return transfer


def _asked(form: AdjustmentForm, account: Account, actor: User) -> bool:
    """Whether the request was written; if not, the refusal is on the form."""
    data = form.cleaned_data
    try:
        with transaction.atomic():
            approvals.ask(
                kind=ApprovalKind.ADJUSTMENT,
                subject=f"user:{account.user_id}",
                amount=data["amount"],
                reason=data["reason"],
                actor=actor,
            )
            staff_log.note(actor, account, f"Asked to adjust by {data['amount']}", data["reason"])
    except approvals.AlreadyAsked as error:
        form.add_error(None, str(error.message))
        return False
    return True


def _done(account: Account, form: AdjustmentForm) -> str:
    amount = form.cleaned_data["amount"]
    return _("%(amount)s booked for %(customer)s.") % {
        "amount": format_money(amount, account.currency),
        "customer": account.user,
    }
