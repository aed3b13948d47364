"""The clearing account, fact by fact: each payment, refund, dispute and settlement must have moved it by what it says.

Paystack owes us what customers paid, less its fees, less what went back, less what it paid out. The account says the same in
transfers; when each fact fits its transfers, so do the sums.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Case, DecimalField, F, Q, QuerySet, Sum, When

from billing.enums import (
    AccountKind,
    DifferenceKind,
    DisputeOutcome,
    RefundStatus,
    SystemCode,
    TransferCode,
)
from billing.models import Account, Deposit, Dispute, Refund, Settlement, Transfer
from billing.services import reconciliation_sides as sides
from billing.services.reconciliation_sides import Finding
from namaskah.lib.money import format_money, from_subunits

ZERO = Decimal("0.0000")
# What a reference's prefix is a fact of, and how to know that it exists.
FACTS = ("deposit", "refund", "dispute", "settlement")


def findings(day: dt.date, currency: str) -> list[Finding]:
    """What of a day moved the clearing account by something else than it says."""
    account = account_of(currency)
    wanted = _payments(day, currency) | _refunds(day, currency) | _disputes(day, currency)
    wanted |= _settlements(day, currency)
    moved = _moved(account, wanted)
    found = [
        _finding(day, currency, reference, f"moved the clearing account by {_text(moved[reference], currency)}, "
                 f"should have by {_text(amount, currency)}", amount - moved[reference])
        for reference, amount in wanted.items()
        if moved[reference] != amount
    ]  # fmt: skip
    return found + [
        _finding(
            day, currency, f"transfer:{sequence}", f"{_text(amount, currency)} of nothing we know", -amount
        )
        for sequence, amount in _strays(account, day)
    ]


def account_of(currency: str) -> Account | None:
    """The clearing account of a currency, if anything was ever paid in it."""
    return Account.objects.filter(
        kind=AccountKind.SYSTEM, code=SystemCode.PAYSTACK_CLEARING, currency=currency
    ).first()


def movement(
    account: Account | None, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> Decimal:
    """By how much Paystack owes us more after a time than before it; without limits, what it owes us."""
    if account is None:
        return ZERO
    transfers = _of(account)
    if since is not None:
        transfers = transfers.filter(created_at__gte=since)
    if until is not None:
        transfers = transfers.filter(created_at__lt=until)
    net: Decimal = transfers.aggregate(net=_net(account))["net"] or ZERO
    return net


def _of(account: Account) -> QuerySet[Transfer]:
    return Transfer.objects.filter(Q(debit_account=account) | Q(credit_account=account))


def _net(account: Account) -> Sum:
    """Debits less credits: the account is money that is owed to us."""
    signed = Case(
        When(debit_account=account, then=F("amount")), default=-F("amount"), output_field=DecimalField()
    )
    return Sum(signed)


def _payments(day: dt.date, currency: str) -> dict[str, Decimal]:
    """Paid less fees, for what stands in the ledger or says it is credited."""
    since, until = sides.start_of(day), sides.start_of(day + dt.timedelta(days=1))
    deposits = list(
        Deposit.objects.filter(paid_at__gte=since, paid_at__lt=until, paid_currency=currency).values_list(
            "pk", "paid_subunits", "fees_subunits", "credited_at"
        )
    )
    booked = sides.booked(f"deposit:{pk}" for pk, *_ in deposits)
    return {
        f"deposit:{pk}": from_subunits((paid or 0) - max(fees or 0, 0))
        for pk, paid, fees, credited_at in deposits
        if credited_at is not None or f"deposit:{pk}" in booked
    }


def _refunds(day: dt.date, currency: str) -> dict[str, Decimal]:
    since, until = sides.start_of(day), sides.start_of(day + dt.timedelta(days=1))
    done = Refund.objects.filter(
        status=RefundStatus.PROCESSED, closed_at__gte=since, closed_at__lt=until, charge_currency=currency
    )
    return {
        # Money under review, which no wallet held, goes back as a movement of its deposit.
        f"refund:{refund.pk}" if refund.hold_id else f"suspense:{refund.deposit_id}": -from_subunits(
            refund.amount_subunits
        )
        for refund in done
    }


def _disputes(day: dt.date, currency: str) -> dict[str, Decimal]:
    """Lost ones. Paystack may take less than was disputed, and the transfer is our record of how much."""
    since, until = sides.start_of(day), sides.start_of(day + dt.timedelta(days=1))
    lost = Dispute.objects.filter(
        outcome=DisputeOutcome.LOST, closed_at__gte=since, closed_at__lt=until, currency=currency
    ).exclude(deposit=None)
    wanted = {}
    for pk, amount in lost.values_list("pk", "amount_subunits"):
        posted = (
            Transfer.objects.filter(reference=f"dispute:{pk}", code=TransferCode.DISPUTE_PAID)
            .values_list("amount", flat=True)
            .first()
        )
        is_part = posted is not None and posted <= from_subunits(amount)
        wanted[f"dispute:{pk}"] = -posted if is_part and posted else -from_subunits(amount)
    return wanted


def _settlements(day: dt.date, currency: str) -> dict[str, Decimal]:
    paid = Settlement.objects.filter(settled_on=day, currency=currency, is_posted=True)
    return {
        f"settlement:{paystack_id}": -from_subunits(total)
        for paystack_id, total in paid.values_list("paystack_id", "total_subunits")
    }


def _moved(account: Account | None, references: Iterable[str]) -> dict[str, Decimal]:
    """What each reference moved; a deposit's payment and its way out of suspense count apart."""
    moved = dict.fromkeys(references, ZERO)
    if account is None:
        return moved
    plain = [name.replace("suspense:", "deposit:") for name in moved]
    for chunk in sides.chunks(plain):
        rows = _of(account).filter(reference__in=chunk).order_by().values("reference", "code")
        for reference, code, net in rows.annotate(net=_net(account)).values_list("reference", "code", "net"):
            name = _name(reference, code)
            if name in moved:
                moved[name] += net
    return moved


def _name(reference: str, code: str) -> str:
    """A deposit is what was received; its return from suspense is a fact of its own, a reversal or correction is no part."""
    if not reference.startswith("deposit:") or code in sides.RECEIVED:
        return reference
    return reference.replace("deposit:", "suspense:") if code == TransferCode.SUSPENSE_OUT else ""


def _strays(account: Account | None, day: dt.date) -> list[tuple[int, Decimal]]:
    """Transfers of the clearing account that name no fact; a correction by staff carries its reason instead."""
    if account is None:
        return []
    since, until = sides.start_of(day), sides.start_of(day + dt.timedelta(days=1))
    rows = list(
        _of(account)
        .filter(created_at__gte=since, created_at__lt=until)
        .exclude(code=TransferCode.CLEARING_CORRECTION)
        .order_by("sequence")
        .values_list("sequence", "reference", "amount", "debit_account_id")
    )
    known = _known({reference for _, reference, _, _ in rows})
    return [
        (sequence, amount if debit == account.pk else -amount)
        for sequence, reference, amount, debit in rows
        if reference not in known
    ]


def _known(references: set[str]) -> set[str]:
    """Those references whose row exists."""
    ids: dict[str, list[str]] = {prefix: [] for prefix in FACTS}
    for reference in references:
        prefix, _, identifier = reference.partition(":")
        if prefix in ids and _is_id(prefix, identifier):
            ids[prefix].append(identifier)
    rows: dict[str, Iterable[object]] = {
        "deposit": Deposit.objects.filter(pk__in=ids["deposit"]).values_list("pk", flat=True),
        "refund": Refund.objects.filter(pk__in=ids["refund"]).values_list("pk", flat=True),
        "dispute": Dispute.objects.filter(pk__in=ids["dispute"]).values_list("pk", flat=True),
        "settlement": Settlement.objects.filter(paystack_id__in=ids["settlement"]).values_list(
            "paystack_id", flat=True
        ),
    }
    return {f"{prefix}:{pk}" for prefix, found in rows.items() for pk in found}


def _is_id(prefix: str, identifier: str) -> bool:
    if prefix in ("dispute", "settlement"):
        return identifier.isascii() and identifier.isdigit() and len(identifier) < 19
    try:
        uuid.UUID(identifier)
    except ValueError:
        return False
    return True


def _finding(day: dt.date, currency: str, subject: str, text: str, amount: Decimal) -> Finding:
    return Finding(
        DifferenceKind.CLEARING,
        subject,
        f"{subject}: {text}",
        currency,
        sides.start_of(day),
        int(amount * 100),
    )


def _text(amount: Decimal, currency: str) -> str:
    return format_money(amount, currency)
