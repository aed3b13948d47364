"""The statement: a customer's transfers, newest first, with what each did to the money available."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from django.db.models import Q

from billing import references
from billing.enums import StatementFilter, TransferCode, TransferKind
from billing.models import Account, Transfer
from billing.selectors.figures import ZERO

PAGE_ROWS = 25
CHUNK_ROWS = 2000
HoldState = Literal["", "open", "captured", "released"]
RESOLVED: dict[str, HoldState] = {
    TransferKind.POST_PENDING: "captured",
    TransferKind.VOID_PENDING: "released",
}
BADGES = {"open": "held", "captured": "charged", "released": "returned"}


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One line of a statement. All amounts are in the wallet currency.

    Attributes:
        sequence: Orders the rows; names a place to page from.
        what: Why money moved, in the customer's language.
        amount: Effect on the available money, signed: −0.35 for a hold, +0.35 for its release, 0 for a capture in full.
        charged: What a charge cost (a capture, or a debit by support); zero for other rows.
        is_hold: Reserved, not spent.
        state: Of a hold: open, captured or released; else empty.
    """

    sequence: int
    id: uuid.UUID
    at: dt.datetime
    code: str
    what: str
    memo: str
    reference: str
    url: str | None
    amount: Decimal
    charged: Decimal
    is_hold: bool
    state: HoldState
    available_after: Decimal
    balance_after: Decimal

    @property
    def hold_state(self) -> str:
        """The word of the badge beside a hold: held, charged or returned."""
        return BADGES.get(self.state, "")


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Rows newest first. `older` and `newer` are the sequences to page from, None at the ends."""

    rows: list[StatementRow]
    older: int | None
    newer: int | None


def place(text: str) -> int | None:
    """A sequence out of an address; anything that is none is the newest page."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def statement(
    user_id: int,
    *,
    before: int | None = None,
    after: int | None = None,
    kind: StatementFilter | None = None,
    code: TransferCode | None = None,
    rows: int = PAGE_ROWS,
) -> StatementPage:
    """A page of a customer's transfers, in three queries however long the history is.

    Args:
        before: Only rows older than this sequence.
        after: Only rows newer than this sequence: the page next to it.
        kind: A customer's filter.
        code: A single reason, for programs.
    """
    account_id = Account.objects.filter(user_id=user_id).values_list("pk", flat=True).first()
    if account_id is None:
        return StatementPage([], None, None)
    wanted = (
        _wanted(kind, account_id) if code is None else [side & Q(code=code) for side in _sides(account_id)]
    )
    found = _transfers(wanted, before=before, after=after, limit=rows + 1)
    more, found = len(found) > rows, found[:rows]
    if after is not None and not more:  # the newest page is always a full one
        return statement(user_id, kind=kind, code=code, rows=rows)
    if after is not None:
        found.reverse()
    has_older = more if after is None else True
    has_newer = before is not None if after is None else more
    return StatementPage(
        rows=_rows(found, account_id),
        older=found[-1].sequence if found and has_older else None,
        newer=found[0].sequence if found and has_newer else None,
    )


def whole_statement(user_id: int, *, kind: StatementFilter | None = None) -> Iterator[StatementRow]:
    """All rows, newest first, a chunk in memory at a time."""
    before: int | None = None
    while True:
        page = statement(user_id, before=before, kind=kind, rows=CHUNK_ROWS)
        yield from page.rows
        before = page.older
        if before is None:
            return


def _sides(account_id: int) -> list[Q]:
    return [Q(debit_account=account_id), Q(credit_account=account_id)]


def _wanted(kind: StatementFilter | None, account_id: int) -> list[Q]:
    """One condition per index to walk. An OR over both sides would read and sort the whole history."""
    debits, credits_ = _sides(account_id)
    if kind == StatementFilter.MONEY_IN:
        return [credits_]
    if kind == StatementFilter.CHARGES:
        return [debits & Q(kind__in=[TransferKind.POST_PENDING, TransferKind.POSTED])]
    if kind == StatementFilter.HOLDS:
        return [debits & Q(kind__in=[TransferKind.PENDING, TransferKind.VOID_PENDING])]
    return [debits, credits_]


def _transfers(walks: list[Q], *, before: int | None, after: int | None, limit: int) -> list[Transfer]:
    """The transfers next to a place: older ones newest first, or newer ones oldest first."""
    order = "-sequence" if after is None else "sequence"
    place = Q()
    if before is not None:
        place &= Q(sequence__lt=before)
    if after is not None:
        place &= Q(sequence__gt=after)
    first, *others = [Transfer.objects.filter(walk, place).order_by(order)[:limit] for walk in walks]
    if not others:
        return list(first)
    return list(first.union(*others, all=True).order_by(order)[:limit])


def _rows(transfers: list[Transfer], account_id: int) -> list[StatementRow]:
    states, held = _resolutions(transfers)
    urls = references.resolve_all(transfer.reference for transfer in transfers)
    labels = {code.value: str(code.label) for code in TransferCode}  # translated once, not for each row
    return [
        StatementRow(
            sequence=transfer.sequence,
            id=transfer.id,
            at=transfer.created_at,
            code=transfer.code,
            what=labels.get(transfer.code, transfer.code),
            memo=transfer.memo,
            reference=transfer.reference,
            url=urls[transfer.reference],
            amount=_effect(transfer, account_id, held),
            charged=transfer.amount if _is_charge(transfer, account_id) else ZERO,
            is_hold=transfer.is_hold,
            state=states.get(transfer.sequence, "open") if transfer.is_hold else "",
            available_after=transfer.available_after or ZERO,
            balance_after=transfer.balance_after or ZERO,
        )
        for transfer in transfers
    ]


def _resolutions(transfers: list[Transfer]) -> tuple[dict[int, HoldState], dict[int, Decimal]]:
    """How the holds among these were resolved, and what the resolutions among these had on hold; by the hold's sequence."""
    holds = [transfer.sequence for transfer in transfers if transfer.is_hold]
    resolved = [transfer.pending_id for transfer in transfers if transfer.pending_id is not None]
    states: dict[int, HoldState] = {}
    held: dict[int, Decimal] = {}
    if holds or resolved:
        related = Transfer.objects.filter(Q(pending__in=holds) | Q(sequence__in=resolved))
        for sequence, hold, kind, amount in related.values_list("sequence", "pending_id", "kind", "amount"):
            if kind == TransferKind.PENDING:
                held[sequence] = amount
            elif hold:
                states[hold] = RESOLVED[kind]
    return states, held


def _effect(transfer: Transfer, account_id: int, held: dict[int, Decimal]) -> Decimal:
    """What this did to the money available."""
    if transfer.kind == TransferKind.POST_PENDING and transfer.pending_id is not None:
        return held[transfer.pending_id] - transfer.amount
    if transfer.kind == TransferKind.VOID_PENDING or transfer.credit_account_id == account_id:
        return transfer.amount
    return -transfer.amount


def _is_charge(transfer: Transfer, account_id: int) -> bool:
    return transfer.kind == TransferKind.POST_PENDING or (
        transfer.kind == TransferKind.POSTED and transfer.debit_account_id == account_id
    )
