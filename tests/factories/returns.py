"""Refunds and disputes in the states tests need."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from django.utils import timezone

from accounts.models import User
from billing.models import Deposit, Dispute, Refund
from billing.services import disputes, ledger, refund_sending, refunds
from tests.factories.accounts import StaffFactory
from tests.factories.billing import make_capture, make_hold
from tests.fake_paystack import FakePaystack


def make_refund(deposit: Deposit, amount_subunits: int | None = None, **more: Any) -> Refund:
    """A refund as the customer asks for it; of the whole deposit if no amount is given."""
    assert deposit.user is not None
    return refunds.request(
        deposit_id=deposit.pk,
        user=deposit.user,
        amount_subunits=deposit.amount_subunits if amount_subunits is None else amount_subunits,
        form_key=more.pop("form_key", None),
        **more,
    )


def make_sent_refund(deposit: Deposit, amount_subunits: int | None = None) -> Refund:
    """A refund that staff has approved and that was sent."""
    refund = make_refund(deposit, amount_subunits)
    refunds.approve(refund_id=refund.pk, actor=StaffFactory.create(), reason="test")
    return refund_sending.send(refund.pk)


def make_waiting_refund(deposit: Deposit, far: FakePaystack, amount_subunits: int | None = None) -> Refund:
    """A refund that needs the customer's bank details."""
    refund = make_sent_refund(deposit, amount_subunits)
    far.set_refund(refund.paystack_id or 0, "needs-attention")
    refund_sending.look(refund.pk)
    refund.refresh_from_db()
    return refund


def make_due(refund: Refund, *, sent_hours_ago: float = 0) -> None:
    """The next sweep takes it; with `sent_hours_ago` it was sent that long ago."""
    row = Refund.objects.filter(pk=refund.pk)
    row.update(next_look_at=timezone.now() - dt.timedelta(seconds=1))
    if sent_hours_ago:
        row.update(sent_at=timezone.now() - dt.timedelta(hours=sent_hours_ago))


def spend(user: User, amount: str) -> None:
    """Buy numbers for this much."""
    make_capture(make_hold(ledger.customer_account(user.pk), amount))


def make_dispute(deposit: Deposit, far: FakePaystack, **changes: Any) -> Dispute:
    """A dispute that the customer's bank has opened and that we have seen."""
    return disputes.look(far.open_dispute(deposit.reference, **changes).id)


def end_dispute(dispute: Dispute, far: FakePaystack, resolution: str, **changes: Any) -> Dispute:
    """The dispute ends at Paystack, and we look."""
    known = far.disputes_by_id[dispute.paystack_id]
    ended = replace(known, status="resolved", resolution=resolution, resolved_at=timezone.now(), **changes)
    far.disputes_by_id[dispute.paystack_id] = ended
    return disputes.look(dispute.paystack_id)
