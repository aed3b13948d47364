"""What happened to a deposit, refund or dispute, in order of time, for the staff console."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import Approval, Deposit, Dispute, Receipt, Refund, Transfer, WebhookEvent
from namaskah.lib.money import format_money, format_subunits

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a story. `url` leads to the row it is about."""

    at: dt.datetime
    what: StrOrPromise
    detail: str = ""
    url: str = ""


def of_deposit(deposit: Deposit) -> list[Moment]:
    """Everything that is known of one deposit, in nine queries however much that is."""
    moments = [Moment(deposit.created_at, _("Started"), f"{_asked(deposit)} → {_credit(deposit)}")]
    if deposit.retry_of_id:
        moments.append(
            Moment(deposit.created_at, _("Second try of another"), "", _page("deposit", deposit.retry_of_id))
        )
    if deposit.paid_at:
        paid = format_subunits(deposit.paid_subunits or 0, deposit.paid_currency or deposit.charge_currency)
        moments.append(Moment(deposit.paid_at, _("Paid, says Paystack"), f"{paid} {deposit.channel}".strip()))
    if deposit.closed_at:
        moments.append(Moment(deposit.closed_at, _("Ended"), deposit.get_status_display()))
    moments += _movements(f"deposit:{deposit.pk}")
    moments += _webhooks(deposit)
    moments += [_refund(refund) for refund in deposit.refunds.all()]
    moments += [_dispute(dispute) for dispute in deposit.disputes.all()]
    moments += [
        Moment(receipt.issued_at, _("Receipt"), receipt.number)
        for receipt in Receipt.objects.filter(deposit=deposit)
    ]
    return _ordered(moments + list(_approvals(f"deposit:{deposit.pk}")) + list(_acts(deposit)))


def of_refund(refund: Refund) -> list[Moment]:
    """Everything that is known of one refund."""
    moments = [Moment(refund.created_at, _("Asked for"), refund.reason)]
    if refund.sent_at:
        moments.append(Moment(refund.sent_at, _("Sent to Paystack"), refund.token))
    if refund.closed_at:
        moments.append(Moment(refund.closed_at, _("Ended"), refund.get_status_display()))
    moments += _movements(f"refund:{refund.pk}")
    return _ordered(moments + list(_approvals(f"refund:{refund.pk}")) + list(_acts(refund)))


def of_dispute(dispute: Dispute) -> list[Moment]:
    """Everything that is known of one dispute."""
    moments = [
        Moment(dispute.opened_at, _("Opened"), format_subunits(dispute.amount_subunits, dispute.currency))
    ]
    if dispute.due_at:
        moments.append(Moment(dispute.due_at, _("Answer due")))
    if dispute.answered_at:
        moments.append(Moment(dispute.answered_at, _("Answered"), dispute.answer))
    if dispute.closed_at:
        moments.append(Moment(dispute.closed_at, _("Ended"), dispute.get_outcome_display()))
    moments += _movements(f"dispute:{dispute.pk}")
    return _ordered(moments + list(_acts(dispute)))


def of_approval(approval: Approval) -> list[Moment]:
    """A request and its decision."""
    moments = [Moment(approval.asked_at, _("Asked for"), f"{approval.asked_by}: {approval.reason}")]
    if approval.decided_at:
        word = _("Approved") if approval.is_approved else _("Refused")
        moments.append(Moment(approval.decided_at, word, f"{approval.decided_by} {approval.outcome}".strip()))
    return moments


def of_row(row: Model) -> list[Moment]:
    """What staff did to any other row."""
    return _ordered(list(_acts(row)))


def _movements(reference: str) -> list[Moment]:
    rows = Transfer.objects.filter(reference=reference).order_by("sequence")
    return [
        Moment(
            row.created_at,
            row.get_code_display(),
            f"{row.debit_account.code} → {row.credit_account.code}: {format_money(row.amount, row.debit_account.currency)}",
            reverse("admin:billing_transfer_change", args=[row.sequence]),
        )
        for row in rows.select_related("debit_account", "credit_account")
    ]


def _webhooks(deposit: Deposit) -> list[Moment]:
    if deposit.paystack_id is None:
        return []
    rows = WebhookEvent.objects.filter(semantic_key=f"charge:{deposit.paystack_id}").defer("body")
    return [
        Moment(
            row.received_at,
            _("Webhook %(event)s") % {"event": row.event},
            f"{row.get_state_display()} {row.note}".strip(),
            _page("webhookevent", row.pk),
        )
        for row in rows
    ]


def _refund(refund: Refund) -> Moment:
    money = format_subunits(refund.amount_subunits, refund.charge_currency)
    return Moment(
        refund.created_at,
        _("Refund asked for"),
        f"{money}, {refund.get_status_display()}",
        _page("refund", refund.pk),
    )


def _dispute(dispute: Dispute) -> Moment:
    money = format_subunits(dispute.amount_subunits, dispute.currency)
    return Moment(
        dispute.opened_at,
        _("Dispute opened"),
        f"{money}, {dispute.get_outcome_display()}",
        _page("dispute", dispute.pk),
    )


def _approvals(subject: str) -> Iterator[Moment]:
    for approval in Approval.objects.filter(subject=subject).select_related("asked_by"):
        yield Moment(
            approval.asked_at,
            _("Second member of staff asked for"),
            f"{approval.asked_by}: {approval.reason}",
            _page("approval", approval.pk),
        )


def _acts(row: Model) -> Iterator[Moment]:
    """The console's own history of the row: what staff did and why."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk)
    )
    for entry in entries.select_related("user"):
        yield Moment(entry.action_time, str(entry.user), entry.get_change_message())


def _ordered(moments: list[Moment]) -> list[Moment]:
    return sorted(moments, key=lambda moment: moment.at)


def _page(model: str, pk: object) -> str:
    return reverse(f"admin:billing_{model}_change", args=[pk])


def _asked(deposit: Deposit) -> str:
    return format_subunits(deposit.amount_subunits, deposit.charge_currency)


def _credit(deposit: Deposit) -> str:
    return format_money(deposit.credit_amount, deposit.wallet_currency)
