"""Verifying the audit trail: recomputes the chain and says what was changed, removed, swapped or put in, and where.

What the database alone cannot tell is that its end was cut off together with the seals: for that the heads that the log has
kept are compared (`Head`). Entries not yet sealed are protected by the triggers alone.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import Min

from accounts.models import AuditEntry, AuditSeal
from accounts.services import audit_chain
from accounts.services.audit_removal import removals
from accounts.services.audit_sealing import Head

CHUNK = 2000


@dataclass
class Report:
    """What a verification found.

    Attributes:
        problems: One sentence each, with the place in it.
        end: Where the chain ends.
        removed_until: The last number that was removed as too old.
        unsealed: Entries that wait for their seal.
    """

    problems: list[str] = field(default_factory=list)
    checked: int = 0
    end: Head = field(default_factory=lambda: Head(0, audit_chain.START))
    removed_until: int = 0
    unsealed: int = 0
    unsealed_since: dt.datetime | None = None


def verify(heads: Sequence[Head] = ()) -> Report:
    """Walk the whole chain in one snapshot of the database.

    Args:
        heads: Where the chain ended at some time, as the log says.
    """
    with _one_snapshot():
        walk = _Walk(heads)
        for anchor in removals():
            if walk.begin_after(anchor):
                break
        for row in _in_order():
            if isinstance(row, AuditSeal):
                walk.meet_seal(row)
            else:
                walk.meet_entry(row)
        walk.finish()
        waiting = AuditEntry.objects.filter(number=None)
        walk.report.unsealed = waiting.count()
        walk.report.unsealed_since = waiting.aggregate(at=Min("created_at"))["at"]
    return walk.report


class _Walk:
    """One pass over entries and seals, in the order of their numbers."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self.report = Report()
        self._heads = heads
        self._seen: dict[int, str] = {}  # the seals at the places that the heads name
        self._number = 0  # of the last entry met, or known to be gone
        self._previous: str | None = audit_chain.START  # None: gone with the entry before
        self._sealed_to = 0

    def begin_after(self, anchor: AuditSeal) -> bool:
        """Start behind what was removed as too old, if it was us who removed it."""
        if not audit_chain.is_ours(anchor):
            self._say(
                f"Seal {anchor.pk} calls entries up to {anchor.last_number} removed as too old, and is not ours."
            )
            return False
        self.report.removed_until = self._number = self._sealed_to = anchor.last_number
        self._previous = anchor.hash  # from which the entry after it is checked
        self._note(anchor.last_number, anchor.hash)
        return True

    def meet_entry(self, entry: dict[str, Any]) -> None:
        """An entry must be the next one, and be what was sealed."""
        number, seal = entry["number"], entry["hash"]
        where = f"Entry {number} (id {entry['id']}, {entry['created_at']:%Y-%m-%d %H:%M:%S} UTC, {entry['action']})"
        if number <= self._number:
            self._say(f"{where} stands among entries that were removed as too old.")
            return
        if number > self._number + 1:
            self._say(f"Gone: {_entries(self._number + 1, number - 1)}.")
            self._previous = None
        self.report.checked += 1
        if self._previous is not None and not audit_chain.is_sealed(
            entry, number=number, previous=self._previous, seal=seal
        ):
            self._say(f"{where} is not what was sealed at this place: changed, swapped or put in.")
        self._number, self._previous = number, seal
        self._note(number, seal)

    def meet_seal(self, seal: AuditSeal) -> None:
        """A seal must be ours, follow the one before, and name the seal of the entry it ends with."""
        if seal.last_number <= self.report.removed_until:
            return
        if not audit_chain.is_ours(seal):
            if not seal.is_removal:  # else it was named at the beginning
                self._say(f"Seal {seal.pk}, up to entry {seal.last_number}, is not ours: changed or put in.")
            return
        if seal.first_number > self._sealed_to + 1:
            self._say(f"Gone: the seal of {_entries(self._sealed_to + 1, seal.first_number - 1)}.")
        if self._number < seal.last_number:
            self._say(f"Gone: {_entries(self._number + 1, seal.last_number)}, which seal {seal.pk} covers.")
        elif self._previous != seal.hash:
            self._say(f"Entry {seal.last_number} does not bear the seal that seal {seal.pk} names.")
        self._sealed_to = self._number = seal.last_number
        self._previous = seal.hash
        self._note(seal.last_number, seal.hash)

    def finish(self) -> None:
        """Past the last row: nothing may stand behind the seals, and the log's heads must be in the chain."""
        if self._number > self._sealed_to:
            self._say(f"No seal covers {_entries(self._sealed_to + 1, self._number)}.")
        self.report.end = Head(self._number, self._previous or audit_chain.START)
        for head in self._heads:
            self._compare(head)

    def _compare(self, head: Head) -> None:
        known = self._seen.get(head.number)
        if known == head.hash or (known is None and head.number < self.report.removed_until):
            return
        if known is None and head.number > self._number:
            self._say(
                f"The log has seen {head.number} entries; the trail ends with {self._number}: its end was cut off."
            )
        else:
            self._say(
                f"Entry {head.number} had another seal when the log saw it: the trail was written anew."
            )

    def _note(self, number: int, seal: str) -> None:
        if any(head.number == number for head in self._heads):
            self._seen.setdefault(number, seal)

    def _say(self, text: str) -> None:
        self.report.problems.append(text)


def _entries(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _in_order() -> Iterator[Any]:
    """Entries and seals by number; a seal comes behind the entry it ends with."""
    entries = AuditEntry.objects.filter(number__isnull=False).order_by("number")
    seals = AuditSeal.objects.order_by("last_number", "pk")
    numbered = (
        (row["number"], 0, row["id"], row)
        for row in entries.values("number", "hash", *audit_chain.FIELDS).iterator(CHUNK)
    )
    named = ((seal.last_number, 1, seal.pk, seal) for seal in seals.iterator(CHUNK))
    for *_place, row in heapq.merge(numbered, named, key=lambda item: item[:3]):
        yield row


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Everything as of one moment, so that sealing and removal may go on meanwhile."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
