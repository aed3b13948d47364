"""What a deposit's page says of disputes: where the customer's bank stands, and what it did when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.enums import DepositStatus, DisputeOutcome
from billing.models import Deposit, Dispute
from namaskah.lib.money import format_money, format_subunits

_WITH_MONEY = {DepositStatus.SUCCEEDED, DepositStatus.NEEDS_REVIEW, DepositStatus.REVERSED}
ZERO = Decimal(0)


def standing(deposit: Deposit, disputes: list[Dispute]) -> str:
    """`disputed` while a bank decides, `taken_back` after it has taken something, empty when no dispute counts."""
    if deposit.status not in _WITH_MONEY:
        return ""
    if deposit.status != DepositStatus.REVERSED and _of(disputes, DisputeOutcome.OPEN):
        return "disputed"
    return "taken_back" if _of(disputes, DisputeOutcome.LOST) else ""


def label(standing: str) -> str:
    """The standing in a word or two, for the badge."""
    return _("Disputed") if standing == "disputed" else _("Taken back")


def sentence(deposit: Deposit, disputes: list[Dispute], standing: str) -> str:
    """What it means for the customer's money."""
    return _open_sentence(deposit, disputes) if standing == "disputed" else _lost_sentence(deposit, disputes)


def happenings(deposit: Deposit, disputes: list[Dispute]) -> Iterator[tuple[dt.datetime, str, str]]:
    """When, what, and what the money did."""
    for dispute in disputes:
        amount = format_subunits(dispute.amount_subunits, dispute.currency)
        yield dispute.opened_at, _("Disputed at your bank"), amount
        if dispute.closed_at is None:
            continue
        if dispute.outcome == DisputeOutcome.LOST:
            taken = format_money(-dispute.wallet_amount, deposit.wallet_currency)
            yield dispute.closed_at, _("Taken back by your bank"), taken if dispute.wallet_amount else ""
        else:
            yield dispute.closed_at, _("Dispute closed in your favour"), ""


def _open_sentence(deposit: Deposit, disputes: list[Dispute]) -> str:
    held = sum((row.wallet_amount - row.shortfall for row in _of(disputes, DisputeOutcome.OPEN)), ZERO)
    first = _("Your bank asks for this payment back and has not decided yet.")
    if held:
        money = format_money(held, deposit.wallet_currency)
        middle = _("Until then %(held)s of your credit is set aside.") % {"held": money}
    elif deposit.credited_at is None:
        middle = _("Nothing is added to your wallet until then.")
    else:
        middle = ""
    last = _("If you did not ask your bank for this, tell it so: the case closes sooner.")
    return " ".join(part for part in (first, middle, last) if part)


def _lost_sentence(deposit: Deposit, disputes: list[Dispute]) -> str:
    taken = sum((row.wallet_amount for row in _of(disputes, DisputeOutcome.LOST)), ZERO)
    if deposit.status == DepositStatus.NEEDS_REVIEW:
        return _(
            "Your bank took a part of this payment back. The rest is safe with us, and a person is looking at it."
        )
    if deposit.credited_at is None:
        return _("Your bank took this payment back. Nothing was added to your wallet.")
    words = {
        "taken": format_money(taken, deposit.wallet_currency),
        "credit": format_money(deposit.credit_amount, deposit.wallet_currency),
    }
    if deposit.status == DepositStatus.REVERSED:
        return _("Your bank took this payment back after it had been added to your wallet.")
    if not taken:
        return (
            _(
                "Your bank took a part of this payment back before it was added. For the rest you got %(credit)s."
            )
            % words
        )
    if taken < deposit.credit_amount:
        return (
            _(
                "Your bank took a part of this payment back: %(taken)s of its %(credit)s was charged to your wallet."
            )
            % words
        )
    return _("Your bank took this payment back, so its %(credit)s was charged to your wallet.") % words


def _of(disputes: list[Dispute], outcome: DisputeOutcome) -> list[Dispute]:
    return [row for row in disputes if row.outcome == outcome]
