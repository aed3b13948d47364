"""The record of a reconciled day: its figures, its differences one by one, their explanations, and its closing.

Every writer locks the day's row, so two reconcilers and a person agree on how many differences are open. A closed day is not
touched as long as it still says what was signed; when it no longer does, it is open again.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.models import Difference, ReconciledDay
from billing.services import reconciliation_sides as sides
from billing.services import staff_log
from billing.services.reconciliation_figures import FIXED
from billing.services.reconciliation_sides import Finding
from namaskah.exceptions import DomainError

log = structlog.get_logger(__name__)


class DayNotOver(DomainError):
    """The day has not ended, or was not compared since it did."""

    code = "invalid_state"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("A day can be closed once it is over and has been compared after its end."))


class DayHasDifferences(DomainError):
    """Differences are open and nobody signs for them."""

    code = "reason_needed"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("Differences are open. Explain each of them, or close the day with a reason."))


def write(
    day: dt.date, currency: str, figures: dict[str, Any], findings: list[Finding], ran_at: dt.datetime
) -> ReconciledDay:
    """Bring the record of a day up to what a run has found.

    A difference that this run no longer finds is gone; one that is found again is back, without its explanation.
    """
    ReconciledDay.objects.bulk_create([ReconciledDay(day=day, currency=currency)], ignore_conflicts=True)
    with transaction.atomic():
        row = _lock(day=day, currency=currency)
        has_news = _write_differences(row, findings)
        if row.closed_at is not None and (has_news or not _is_as_signed(row, figures)):
            log.error("A closed day no longer adds up", day=day.isoformat(), currency=currency)
            row.closed_at, row.closed_by, row.reason = None, None, ""
        if row.closed_at is None:
            row.figures = figures
        row.ran_at = ran_at
        row.open_differences = _open(row)
        row.save()
    return row


def explain(*, difference_id: int, actor: User, explanation: str) -> Difference:
    """Say why a difference is all right; it then no longer keeps its day open.

    Raises:
        ValueError: No explanation.
    """
    explanation = explanation.strip()
    if not explanation:
        raise ValueError("An explanation says something.")
    day_id = Difference.objects.values_list("day_id", flat=True).get(pk=difference_id)
    with transaction.atomic():
        day = _lock(pk=day_id)
        difference = Difference.objects.get(pk=difference_id)
        before = staff_log.state_of(day)
        difference.explained_by, difference.explanation = actor, explanation[:500]
        difference.save(update_fields=["explained_by", "explanation"])
        day.open_differences = _open(day)
        day.save(update_fields=["open_differences"])
        what = f"Explained {difference.kind} {difference.subject}"
        staff_log.note(actor, day, what, explanation, before=before)
    log.info("Difference explained", difference=difference_id, actor=actor.pk)
    return difference


def close(*, day_id: int, actor: User, reason: str) -> ReconciledDay:
    """Close a day: at zero, or with the reason of the one who signs for what is open. A closed one is left as it is.

    Raises:
        DayHasDifferences: Differences are open and there is no reason.
        DayNotOver: It is too early.
    """
    reason = reason.strip()[:500]
    with transaction.atomic():
        day = _lock(pk=day_id)
        if day.closed_at is not None:
            return day
        over_at = sides.start_of(day.day + dt.timedelta(days=1)) + sides.FRESH
        if day.ran_at is None or day.ran_at < over_at:
            raise DayNotOver
        before = staff_log.state_of(day)
        day.open_differences = _open(day)
        if day.open_differences and not reason:
            raise DayHasDifferences
        day.closed_at, day.closed_by, day.reason = timezone.now(), actor, reason
        day.save(update_fields=["open_differences", "closed_at", "closed_by", "reason"])
        what = f"Closed with {day.open_differences} open differences"
        staff_log.note(actor, day, what, reason, before=before)
    log.info("Day closed", day=day.day.isoformat(), currency=day.currency, actor=actor.pk)
    return day


def _lock(**names: Any) -> ReconciledDay:
    return ReconciledDay.objects.select_for_update(of=("self",)).get(**names)


def _open(day: ReconciledDay) -> int:
    return day.differences.filter(gone_at__isnull=True, explained_by__isnull=True).count()


def _is_as_signed(day: ReconciledDay, figures: dict[str, Any]) -> bool:
    """Whether the sums of payments are those of the moment of closing; what is refunded later does not count."""
    return all(
        day.figures.get(side, {}).get(name) == figures.get(side, {}).get(name)
        for side in ("ours", "theirs")
        for name in FIXED
    )


def _write_differences(day: ReconciledDay, findings: list[Finding]) -> bool:
    """Insert, update and end the day's differences; say whether one is open that was not."""
    now = timezone.now()
    known = {(row.kind, row.subject): row for row in day.differences.all()}
    has_news = False
    for finding in findings:
        row = known.pop((finding.kind.value, finding.subject), None)
        if row is None:
            row = Difference(day=day, kind=finding.kind, subject=finding.subject)
            has_news |= not finding.is_gone
        elif row.gone_at is not None and not finding.is_gone:
            row.explained_by, row.explanation = None, ""
            has_news = True
        elif row.amount_subunits != finding.amount_subunits:  # what was explained was something else
            row.explained_by, row.explanation = None, ""
            has_news |= not finding.is_gone
        row.text, row.amount_subunits = finding.text[:400], finding.amount_subunits
        row.gone_at = (row.gone_at or now) if finding.is_gone else None
        row.save()
    gone = [row.pk for row in known.values() if row.gone_at is None]
    Difference.objects.filter(pk__in=gone).update(gone_at=now)
    return has_news
