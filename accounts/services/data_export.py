"""Copies of everything we know about somebody: asked for, made by a job, kept sealed for a day.

The row is the intention. Making it is claimed for the time of a lease; a worker that dies leaves it to the next one, three
times in all. Source: docs/privacy.md
"""

from __future__ import annotations

import datetime as dt
import io
import uuid
from collections.abc import Iterator
from typing import IO, cast
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit_actions import AuditAction
from accounts.models import DataExport, ExportPart, User
from accounts.privacy import copying
from accounts.services import audit, notices
from namaskah.exceptions import DomainError
from namaskah.lib import sealing
from namaskah.lib.queueing import enqueue

log = structlog.get_logger(__name__)

MAKE_TASK = "accounts.make_export"
LEASE = dt.timedelta(minutes=15)
TRIES = 3
PART_BYTES = 1024 * 1024
SWEEP_ROWS = 5
SALT = "accounts.data_export"


class ExportNotNow(DomainError):
    """One is being made, or there were enough today."""

    code = "export_not_now"
    status = 429


class _Parts(io.RawIOBase):
    """A file that seals what is written to it, piece by piece, into rows."""

    def __init__(self, export_id: uuid.UUID) -> None:
        super().__init__()
        self.size = 0
        self._export_id = export_id
        self._number = 0
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        piece = bytes(cast("bytes", content))
        self._waiting += piece
        self.size += len(piece)
        while len(self._waiting) >= PART_BYTES:
            self._put(PART_BYTES)
        return len(piece)

    def finish(self) -> None:
        """Write down what is left."""
        if self._waiting:
            self._put(len(self._waiting))

    def _put(self, count: int) -> None:
        sealed = sealing.seal_bytes(bytes(self._waiting[:count]))
        ExportPart.objects.create(export_id=self._export_id, number=self._number, sealed=sealed)
        del self._waiting[:count]
        self._number += 1


def ask(*, user: User) -> DataExport:
    """Ask for a copy.

    Raises:
        ExportNotNow: One is on its way, or there were as many as a day has.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        _check_limits(user)
        export = DataExport.objects.create(user=user)
        audit.record(AuditAction.EXPORT_ASKED, actor=user, subject=user, target=f"export:{export.pk}")
        enqueue(MAKE_TASK, str(export.pk))
    return export


def make(export_id: uuid.UUID) -> bool:
    """Make a copy that is due, unless somebody else is at it. Returns whether it is ready by this."""
    export = _claim(export_id)
    if export is None:
        return False
    if export.tries > TRIES:  # each try ended without a word: its worker died
        _fail(export)
        return False
    try:
        size = _write(export)
    except Exception as error:
        log.exception("Export not made", export=str(export.pk), error=error.__class__.__name__)
        if export.tries >= TRIES:
            _fail(export)
        return False
    return _finish(export, size)


def make_due() -> int:
    """Make what is due: later tries, and what no task was queued for. Returns how many were made."""
    due = DataExport.objects.filter(next_try_at__lte=timezone.now()).order_by("next_try_at")
    return sum(make(export_id) for export_id in list(due.values_list("pk", flat=True)[:SWEEP_ROWS]))


def latest(user_id: int) -> DataExport | None:
    """The newest one, whatever became of it."""
    return DataExport.objects.filter(user_id=user_id).order_by("-created_at").first()


def link(export: DataExport) -> str:
    """Where its owner gets it, for a day."""
    token = signing.TimestampSigner(salt=SALT).sign(f"{export.pk}:{export.user_id}")
    return f"{reverse('settings:export-download', args=[export.pk])}?{urlencode({'token': token})}"


def open_for(*, user: User, export_id: uuid.UUID, token: str) -> DataExport | None:
    """The copy, if the link is ours and not too old, and it is theirs and still there."""
    age = dt.timedelta(hours=settings.EXPORT_KEEP_HOURS)
    try:
        named = signing.TimestampSigner(salt=SALT).unsign(token, max_age=age)
    except signing.BadSignature:
        return None
    if named != f"{export_id}:{user.pk}":
        return None
    return DataExport.objects.filter(
        pk=export_id, user=user, ready_at__isnull=False, expires_at__gt=timezone.now(), size__gt=0
    ).first()


def note_download(export: DataExport, *, user: User) -> None:
    """Write down that it was fetched, before the first byte leaves."""
    with transaction.atomic():
        DataExport.objects.filter(pk=export.pk).update(downloaded_at=timezone.now())
        audit.record(AuditAction.EXPORT_DOWNLOADED, actor=user, subject=user, target=f"export:{export.pk}")


def pieces(export: DataExport) -> Iterator[bytes]:
    """The archive, a piece at a time."""
    numbers = export.parts.order_by("number").values_list("pk", flat=True)
    for part_id in list(numbers):
        yield sealing.unseal_bytes(bytes(ExportPart.objects.get(pk=part_id).sealed))


def _check_limits(user: User) -> None:
    recent = DataExport.objects.filter(user=user, created_at__gt=timezone.now() - dt.timedelta(days=1))
    if recent.filter(ready_at=None, failed_at=None).exists():
        raise ExportNotNow(_("A copy is being made already. We write to you when it is ready."))
    if recent.count() >= settings.EXPORTS_A_DAY:
        raise ExportNotNow(
            _("You can ask for %(count)d copies a day. Please try again tomorrow.")
            % {"count": settings.EXPORTS_A_DAY}
        )


def _claim(export_id: uuid.UUID) -> DataExport | None:
    now = timezone.now()
    due = DataExport.objects.filter(pk=export_id, next_try_at__lte=now, ready_at=None, failed_at=None)
    if not due.update(tries=F("tries") + 1, next_try_at=now + LEASE):
        return None
    return DataExport.objects.select_related("user").get(pk=export_id)


def _write(export: DataExport) -> int:
    ExportPart.objects.filter(export=export).delete()  # of a try that was cut short
    parts = _Parts(export.pk)
    copying.write_archive(
        cast("IO[bytes]", parts), user_id=export.user_id, message_days=export.user.message_days
    )
    parts.finish()
    return parts.size


def _finish(export: DataExport, size: int) -> bool:
    now = timezone.now()
    with transaction.atomic():
        # A try that outlived its lease must not undo a later one.
        mine = DataExport.objects.filter(pk=export.pk, tries=export.tries, ready_at=None, failed_at=None)
        expires_at = now + dt.timedelta(hours=settings.EXPORT_KEEP_HOURS)
        if not mine.update(ready_at=now, next_try_at=None, size=size, expires_at=expires_at):
            return False
        audit.record(
            AuditAction.EXPORT_READY, actor=None, subject=export.user_id, target=f"export:{export.pk}"
        )
        notices.tell(
            user_id=export.user_id,
            template="export_ready",
            context={"url": link(export)},
            key=f"export-ready:{export.pk}",
        )
    log.info("Export made", export=str(export.pk), user_id=export.user_id, size=size)
    return True


def _fail(export: DataExport) -> None:
    mine = DataExport.objects.filter(pk=export.pk, ready_at=None)
    mine.update(failed_at=timezone.now(), next_try_at=None)
    ExportPart.objects.filter(export=export).delete()
    log.error("Export given up", export=str(export.pk), user_id=export.user_id)
