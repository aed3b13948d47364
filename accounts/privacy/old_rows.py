"""Forgetting what is too old, in batches that hold no lock for long. Source: docs/privacy.md"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from accounts.models import (
    DataExport,
    Event,
    ExportPart,
    KnownDevice,
    Notice,
    OutgoingEmail,
    Proof,
    Session,
    SignInGuard,
)
from namaskah.lib.ids import uuid7_floor

BATCH = 1000
BATCHES = 50  # of one kind in one run; the rest is for the next one


def remove() -> int:
    """Delete everything of accounts whose time is over.

    Returns:
        How many rows went.
    """
    return sum(delete_in_batches(rows) for rows in _too_old(timezone.now())) + _empty_exports()


def delete_in_batches(rows: QuerySet[Model]) -> int:
    """Delete rows, some at a time, each batch a transaction of its own."""
    gone = 0
    for _ in range(BATCHES):
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        gone += rows.filter(pk__in=ids).delete()[0]  # asked again: a device may have been used since
    return gone


def _too_old(now: dt.datetime) -> Iterator[QuerySet[Model]]:
    """Rows whose time is over. Ids of version 7 carry their time, so their own index finds the old ones."""
    logs = now - dt.timedelta(days=settings.LOG_KEEP_DAYS)
    proofs = now - dt.timedelta(days=settings.PROOF_KEEP_DAYS)
    floor = uuid7_floor(logs)
    yield Session.objects.filter(expire_date__lt=now)
    yield KnownDevice.objects.filter(last_used_at__lt=logs)
    yield OutgoingEmail.objects.filter(pk__lt=floor, next_try_at=None)
    yield Notice.objects.filter(created_at__lt=logs)
    yield Event.objects.filter(pk__lt=floor)
    yield Proof.objects.filter(expires_at__lt=proofs)
    unlocked = Q(locked_until=None) | Q(locked_until__lt=proofs)
    yield SignInGuard.objects.filter(unlocked, since__lt=proofs, due_at=None)


def _empty_exports() -> int:
    """The copies go; that they were made stays."""
    over = DataExport.objects.filter(expires_at__lt=timezone.now()).exclude(size=0)
    ids = list(over.values_list("pk", flat=True)[:BATCH])
    gone = ExportPart.objects.filter(export__in=ids).delete()[0]
    DataExport.objects.filter(pk__in=ids).update(size=0)
    return gone
