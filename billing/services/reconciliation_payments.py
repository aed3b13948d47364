"""Payments of both sides, joined by Paystack's id and then by the reference.

What was paid there and is not booked here is booked by the code that books every payment. What is booked here and not paid
there is only named: no program takes a customer's money back on the word of a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from django.db.models import Q

from billing.enums import DepositStatus, DifferenceKind
from billing.models import Deposit
from billing.paystack import client
from billing.paystack.base import Transaction
from billing.paystack.errors import NotFound, PaystackError
from billing.services import reconciliation_sides as sides
from billing.services import settling
from billing.services.reconciliation_sides import FarSide, Finding
from namaskah.lib.money import format_subunits

log = structlog.get_logger(__name__)

# Money that came, whether or not it is on its way back.
PAID_THERE = frozenset({"success", "reversal-pending", "reversed"})
# A deposit in one of these claims that its money arrived.
CLAIMS_MONEY = (DepositStatus.SUCCEEDED, DepositStatus.NEEDS_REVIEW, DepositStatus.REVERSED)
ASKED_AT_MOST = (
    100  # singly, after the list did not have them; a list that lost more than this is not worth the calls
)


@dataclass(slots=True)
class _Ours:
    """Our deposits of a run, by both of their names at Paystack, and which of them stand in the ledger."""

    by_id: dict[int, Deposit]
    by_reference: dict[str, Deposit]
    booked: set[str]

    def match(self, payment: Transaction) -> Deposit | None:
        return self.by_id.get(payment.id) or self.by_reference.get(payment.reference)

    def is_booked(self, deposit: Deposit | None) -> bool:
        return deposit is not None and _subject(deposit) in self.booked


def findings(far: FarSide) -> list[Finding]:
    """Compare the payments of a run; book what is missing here.

    Payments that the lists lack and Paystack has join the far side, so that its sums count them; one that came and went back
    before it was booked leaves it, as it is nothing to book.

    Raises:
        PaystackError: A payment that the list lacks could not be asked for.
    """
    ours = _ours(far)
    found = _not_paid(far, ours)
    for payment in list(far.payments.values()):
        deposit = ours.match(payment)
        if ours.is_booked(deposit):
            assert deposit is not None
            found += _compared(deposit, payment)
        elif payment.status == "success":
            found.append(_repaired(deposit, payment, far))
        else:
            del far.payments[payment.id]
    return found


def of_time(far: FarSide) -> Iterator[Deposit]:
    """Our deposits that say they were paid in the time of this run, or whose payment is in its list."""
    seen: set[object] = set()
    of_days = Q(paid_at__gte=far.since, paid_at__lt=far.until, status__in=CLAIMS_MONEY)
    for deposit in Deposit.objects.filter(of_days).order_by("pk").iterator(sides.CHUNK):
        seen.add(deposit.pk)
        yield deposit
    payments = list(far.payments.values())
    for start in range(0, len(payments), sides.CHUNK):
        chunk = payments[start : start + sides.CHUNK]
        named = Q(paystack_id__in=[payment.id for payment in chunk])
        named |= Q(reference__in=[payment.reference for payment in chunk])
        for deposit in Deposit.objects.filter(named).order_by("pk"):
            if deposit.pk not in seen:
                seen.add(deposit.pk)
                yield deposit


def _ours(far: FarSide) -> _Ours:
    deposits = list(of_time(far))
    return _Ours(
        by_id={deposit.paystack_id: deposit for deposit in deposits if deposit.paystack_id is not None},
        by_reference={deposit.reference: deposit for deposit in deposits},
        booked=sides.booked(_subject(deposit) for deposit in deposits),
    )


def _repaired(deposit: Deposit | None, payment: Transaction, far: FarSide) -> Finding:
    """Book a payment that Paystack has and we have not, through the one way in; say whether that helped."""
    after: Deposit | None = None
    try:
        after = _booked_again(deposit, payment)
    except PaystackError as error:
        log.warning("Payment not booked by reconciliation", transaction=payment.id, reason=error.code)
    except Exception:  # one payment that cannot be booked must not hide the differences of the others
        log.exception("Payment not booked by reconciliation", transaction=payment.id)
    is_booked = after is not None and bool(sides.booked([_subject(after)]))
    money = format_subunits(payment.amount, payment.currency)
    if deposit is None:
        kind, subject = DifferenceKind.UNKNOWN_TRANSACTION, f"transaction:{payment.id}"
        text = f"{payment.reference}: {money} paid, of which we knew nothing"
    else:
        kind, subject = DifferenceKind.NOT_CREDITED, _subject(deposit)
        text = f"{payment.reference}: {money} paid, and not booked here"
    if is_booked and after is not None:
        text = f"{text}; booked by this run, {_subject(after)} is {after.status}"
    return Finding(
        kind,
        subject,
        text,
        payment.currency,
        sides.when(payment, far.since),
        payment.amount,
        is_gone=is_booked,
    )


def _booked_again(deposit: Deposit | None, payment: Transaction) -> Deposit:
    """Let Paystack be asked about this one payment, as after a webhook: a list is a hint, too."""
    if deposit is not None:
        return settling.settle(deposit.pk, force=True)
    return settling.receive(client.paystack().verify(payment.reference))


def _compared(deposit: Deposit, payment: Transaction) -> list[Finding]:
    """What two records of one payment differ in."""
    at = payment.paid_at or deposit.paid_at or deposit.created_at
    subject, name = _subject(deposit), deposit.reference

    def finding(
        kind: DifferenceKind, text: str, amount: int = 0, currency: str = payment.currency
    ) -> Finding:
        return Finding(kind, subject, f"{name}: {text}", currency, at, amount)

    if deposit.paystack_id != payment.id:
        return [
            finding(
                DifferenceKind.NOT_CREDITED, f"booked for payment {deposit.paystack_id}, not {payment.id}"
            )
        ]
    if deposit.paid_currency != payment.currency:
        text, paid = f"{deposit.paid_currency} here, {payment.currency} there", deposit.paid_subunits or 0
        return [  # the day does not add up in either currency
            finding(DifferenceKind.CURRENCY, text, payment.amount),
            finding(DifferenceKind.CURRENCY, text, -paid, deposit.paid_currency),
        ]
    found = []
    for kind, here, there in (
        (DifferenceKind.AMOUNT, deposit.paid_subunits or 0, payment.amount),
        (DifferenceKind.FEES, deposit.fees_subunits or 0, payment.fees or 0),
    ):
        if here != there:
            texts = format_subunits(here, payment.currency), format_subunits(there, payment.currency)
            found.append(finding(kind, f"{texts[0]} here, {texts[1]} there", there - here))
    return found


def _not_paid(far: FarSide, ours: _Ours) -> list[Finding]:
    """Booked here in this time, and Paystack does not have the payment, not even when asked for it by its id."""
    missing = [
        deposit
        for deposit in ours.by_reference.values()
        if ours.is_booked(deposit) and far.covers(deposit.paid_at) and deposit.paystack_id not in far.payments
    ]
    found = []
    for asked, deposit in enumerate(missing):
        payment = _paid_there(deposit) if asked < ASKED_AT_MOST else None
        if payment is not None:
            if far.covers(sides.when(payment, far.since)):
                far.payments[payment.id] = payment
            continue
        paid = deposit.paid_subunits or 0
        money = format_subunits(paid, deposit.paid_currency)
        log.error("Booked here and not paid at Paystack", deposit=str(deposit.pk))
        found.append(
            Finding(
                DifferenceKind.NOT_PAID,
                _subject(deposit),
                f"{deposit.reference}: {money} booked here, Paystack has no such payment",
                deposit.paid_currency,
                deposit.paid_at or far.since,
                -paid,
            )
        )
    return found


def _paid_there(deposit: Deposit) -> Transaction | None:
    """Ask for one payment: a list may be cut by another time than the payment's, and a refund under way has another status."""
    if deposit.paystack_id is None:
        return None
    try:
        payment = client.paystack().transaction(deposit.paystack_id)
    except NotFound:
        return None
    returns = deposit.refunded_subunits > 0 or deposit.disputes.exists()
    is_paid = payment.status in PAID_THERE or (returns and payment.status not in {"failed", "abandoned"})
    return payment if is_paid else None


def _subject(deposit: Deposit) -> str:
    return f"deposit:{deposit.pk}"
