"""What customers are told about a deposit: notices and events, in the transaction of the fact. Events come last in it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from accounts.enums import EventType
from accounts.services import events, notices
from billing.enums import DepositPurpose, ReviewReason
from billing.models import Deposit
from namaskah.lib.money import format_money, format_subunits, from_subunits


def credited(deposit: Deposit) -> None:
    """The money is in the wallet."""
    is_automatic = deposit.purpose == DepositPurpose.AUTO
    _tell(
        deposit,
        "auto_top_up_succeeded" if is_automatic else "deposit_succeeded",
        key=f"deposit-succeeded:{deposit.pk}",
    )
    _event(deposit, EventType.DEPOSIT_SUCCEEDED)


def declined(deposit: Deposit) -> None:
    """The bank said no. Of an automatic charge the standing order tells what follows from it."""
    if deposit.purpose != DepositPurpose.AUTO:
        _tell(deposit, "deposit_failed", key=f"deposit-failed:{deposit.pk}", reason=deposit.gateway_response)
    _event(deposit, EventType.DEPOSIT_FAILED)


def closed_without_money(deposit: Deposit) -> None:
    """A person has looked at it and found that no money came: what the e-mail about the review has promised to tell."""
    _tell(deposit, "deposit_closed", key=f"deposit-closed:{deposit.pk}")
    _event(deposit, EventType.DEPOSIT_FAILED)


def never_reached(deposit: Deposit) -> None:
    """It never got to Paystack, which the customer was told when starting it; programs are told by the event."""
    _event(deposit, EventType.DEPOSIT_FAILED)


def under_review(deposit: Deposit) -> None:
    """The money has come and a person looks at it first."""
    _tell(
        deposit,
        "deposit_review",
        key=f"deposit-review:{deposit.pk}",
        amount=format_subunits(deposit.paid_subunits or 0, deposit.paid_currency),
        reason=str(ReviewReason(deposit.review_reason).label),
    )


def _tell(deposit: Deposit, template: str, *, key: str, **more: str) -> None:
    if deposit.user_id is None:
        return
    context = {
        "amount": format_subunits(deposit.amount_subunits, deposit.charge_currency),
        "credit": format_money(deposit.credit_amount, deposit.wallet_currency),
        "reference": deposit.reference,
        "card": deposit.card_label or gettext("your card"),
        "url": reverse("billing:deposit", args=[deposit.pk]),
    }
    notices.tell(user_id=deposit.user_id, template=template, context=context | more, key=key)


def _event(deposit: Deposit, type: EventType) -> None:
    if deposit.user_id is not None:
        events.record(
            user_id=deposit.user_id, type=type, subject=f"deposit:{deposit.pk}", data=_data(deposit)
        )


def _data(deposit: Deposit) -> dict[str, Any]:
    return {
        "deposit": str(deposit.pk),
        "reference": deposit.reference,
        "amount": str(from_subunits(deposit.amount_subunits)),
        "currency": deposit.charge_currency,
        "status": str(deposit.status),
    }
