"""Sums that differ although nothing found says why: a day's table and its list of differences may never contradict each other."""

from __future__ import annotations

import datetime as dt
from typing import Any

from billing.enums import DifferenceKind
from billing.services import reconciliation_sides as sides
from billing.services.reconciliation_sides import Finding
from namaskah.lib.money import format_subunits

_MISSING = frozenset(
    {
        DifferenceKind.NOT_CREDITED,
        DifferenceKind.NOT_PAID,
        DifferenceKind.UNKNOWN_TRANSACTION,
        DifferenceKind.CURRENCY,
    }
)
# Which kinds say why a figure differs. In this order: one payment that is missing moves the three first.
NAMED_BY: dict[str, frozenset[DifferenceKind]] = {
    "payments": _MISSING,
    "paid": _MISSING | {DifferenceKind.AMOUNT},
    "fees": _MISSING | {DifferenceKind.FEES},
    "refunds": frozenset({DifferenceKind.REFUND}),
    "disputes": frozenset({DifferenceKind.CLEARING}),
    "settled": frozenset({DifferenceKind.SETTLEMENT}),
}
_KIND = {
    "paid": DifferenceKind.AMOUNT,
    "fees": DifferenceKind.FEES,
    "refunds": DifferenceKind.REFUND,
    "disputes": DifferenceKind.CLEARING,
    "settled": DifferenceKind.SETTLEMENT,
}


def unnamed(day: dt.date, currency: str, figures: dict[str, Any], found: list[Finding]) -> list[Finding]:
    """One finding for each figure that differs while none of `found` is of a kind that could be the reason.

    Args:
        found: What the comparison of single things has named; what it has put right is no reason any more.
    """
    kinds = {finding.kind for finding in found if not finding.is_gone}
    made = []
    for name, reasons in NAMED_BY.items():
        here, there = figures["ours"][name], figures["theirs"][name]
        if here == there or kinds & reasons:
            continue
        finding = _finding(day, currency, name, here, there)
        kinds.add(finding.kind)
        made.append(finding)
    return made


def _finding(day: dt.date, currency: str, name: str, here: int, there: int) -> Finding:
    is_count = name == "payments"
    shown = [str(value) if is_count else format_subunits(value, currency) for value in (here, there)]
    missing = DifferenceKind.NOT_PAID if here > there else DifferenceKind.NOT_CREDITED
    return Finding(
        _KIND.get(name, missing),
        f"sum:{name}",
        f"{name}: {shown[0]} here, {shown[1]} there, and nothing found says why",
        currency,
        sides.start_of(day),
        0 if is_count else there - here,
    )
