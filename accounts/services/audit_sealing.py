"""The sealing job: gives the entries of the audit trail their numbers and chains them.

What is not sealed is found by having no number, never by an id that comes after the last one: ids are drawn before their
transactions commit, so a lower one may come to light after a higher one is sealed. It then gets the next number. Nothing can
be passed over, and one transaction that stays open delays nobody else's seal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry, AuditSeal
from accounts.services import audit_chain

log = structlog.get_logger(__name__)

BATCH = 1000
CHAIN_LOCK = 0x6175646974  # of PostgreSQL's advisory locks, the chain's; removal takes it too
WRITE = """
UPDATE accounts_auditentry AS entry SET number = sealed.number, hash = sealed.hash
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS sealed (id, number, hash) WHERE entry.id = sealed.id
"""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands: the last number, and the seal of the entry that has it."""

    number: int
    hash: str


def seal_pending(batch: int = BATCH) -> int:
    """Seal what waits; returns how many entries. Does nothing while another process seals."""
    total = 0
    while sealed := _seal_batch(batch):
        total += sealed
    if total:
        # The log is out of reach of who can change the database: `verify_audit --head` compares with this line.
        end = head()
        log.info("Audit sealed", number=end.number, hash=end.hash, entries=total)
    return total


def head() -> Head:
    """Where the seals say that the chain stands."""
    seal = AuditSeal.objects.order_by("-last_number", "-pk").first()
    return Head(seal.last_number, seal.hash) if seal else Head(0, audit_chain.START)


def lock_chain() -> bool:
    """Take the chain for this transaction; False when another one has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s::bigint)", [CHAIN_LOCK])
        return bool(cursor.fetchone()[0])


def write_seal(*, first: int, end: Head, is_removal: bool = False) -> None:
    """Add a row of seals, with its proof."""
    seal = AuditSeal(
        created_at=timezone.now(),
        first_number=first,
        last_number=end.number,
        hash=end.hash,
        is_removal=is_removal,
    )
    seal.mac = audit_chain.mac_of(seal, audit_chain.keys()[0])
    seal.save(force_insert=True)


def _seal_batch(size: int) -> int:
    with transaction.atomic():
        if not lock_chain():
            return 0
        entries = list(
            AuditEntry.objects.filter(number=None).order_by("id").values(*audit_chain.FIELDS)[:size]
        )
        if not entries:
            return 0
        start = _sound_head()
        end = _number(entries, start)
        write_seal(first=start.number + 1, end=end)
    return len(entries)


def _number(entries: list[dict[str, Any]], start: Head) -> Head:
    """Chain entries behind `start`; returns the new end."""
    key = audit_chain.keys()[0]
    number, seal = start.number, start.hash
    seals: list[str] = []
    for number, entry in enumerate(entries, start.number + 1):
        seal = audit_chain.seal_of(entry, number=number, previous=seal, key=key)
        seals.append(seal)
    numbers = list(range(start.number + 1, number + 1))
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [[entry["id"] for entry in entries], numbers, seals])
    return Head(number, seal)


def _sound_head() -> Head:
    """The chain's end. When seals and entries disagree somebody was at the tables: say so, and go on behind the longer one."""
    sealed = head()
    last = AuditEntry.objects.filter(number__isnull=False).order_by("-number").only("number", "hash").first()
    found = Head(last.number, last.hash) if last and last.number is not None else None
    if found == sealed or (found is None and _is_all_removed(sealed)):
        return sealed
    log.error(
        "Audit trail does not end where its seals do", sealed=sealed.number, found=found and found.number
    )
    return found if found and found.number > sealed.number else sealed


def _is_all_removed(end: Head) -> bool:
    """Whether it is right that no sealed entry is there: none was made yet, or all were too old."""
    if not end.number:
        return True
    return AuditSeal.objects.filter(is_removal=True, last_number=end.number).exists()
