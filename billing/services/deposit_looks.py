"""When Paystack is asked about a deposit, and by whom.

Looks follow the deposit's age: soon at first, hourly for a day, four times a day for a week. A look is a lease on the row, so
that a storm of triggers asks once; a trigger that comes while somebody is asking makes the next look due at once, because the
answer on its way may be older than what the trigger knows of.

Source: docs/providers/paystack.md, reconciliation
"""

from __future__ import annotations

import datetime as dt
import random
import uuid

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from billing.enums import DepositStatus
from billing.models import Deposit

LEASE = dt.timedelta(seconds=45)  # longer than one question and its repetitions last
SHOWN_OPEN = dt.timedelta(hours=24)  # after it an unfinished deposit is shown as abandoned
FAILED_WATCH = dt.timedelta(hours=24)
NEVER_REACHED = dt.timedelta(minutes=15)  # by then a reference that Paystack does not know never got there
SETTLED = (DepositStatus.SUCCEEDED, DepositStatus.NEEDS_REVIEW, DepositStatus.REVERSED)
_MINUTE = 60
_EARLY_S = (5 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 40 * _MINUTE)
_HOUR_S, _QUARTER_DAY_S, _DAY_S = 3600, 6 * 3600, 24 * 3600
_JITTER = 0.1
_JITTER_MOST_S = 300
_SOON_S = (20, 60)


def first_look(now: dt.datetime) -> dt.datetime:
    """When to look at a deposit of which nothing was heard since its start."""
    return now + dt.timedelta(seconds=settings.DEPOSIT_FIRST_LOOK_S)


def claim(deposit: Deposit, *, force: bool = False) -> bool:
    """Take the look at this deposit, unless there is nothing to look for or somebody is looking.

    Args:
        force: Also look at one that is settled.
    """
    if is_settled(deposit) and not force:
        return False
    now = timezone.now()
    if deposit.looking_until is None or deposit.looking_until < now:
        free = Deposit.objects.filter(Q(looking_until__isnull=True) | Q(looking_until__lt=now), pk=deposit.pk)
        if not force:
            free = free.exclude(status__in=SETTLED)
        if free.update(looking_until=now + LEASE, looks=F("looks") + 1):
            return True
    # Paid perhaps after the question under way was asked: have it asked again.
    Deposit.objects.filter(pk=deposit.pk, next_look_at__gt=now).update(next_look_at=now)
    return False


def is_settled(deposit: Deposit) -> bool:
    """Whether its money is in the books, or a person has closed it."""
    return deposit.status in SETTLED or deposit.reviewed_at is not None


def end(deposit: Deposit) -> None:
    """Give the look back and set the next one. The caller holds the row's lock and saves both columns."""
    now = timezone.now()
    began = deposit.looking_until - LEASE if deposit.looking_until else now
    deposit.looking_until = None
    due = deposit.next_look_at
    if is_settled(deposit):
        deposit.next_look_at = None
    elif due is None or due <= began:
        deposit.next_look_at = next_look(deposit, now)


def put_off(deposit_id: uuid.UUID, *, soon: bool) -> None:
    """Give back a look that brought no answer, so that it does not count as one.

    Args:
        soon: We were not let through: try again within a minute. Else as the schedule says, within an hour after its end.
    """
    deposit = Deposit.objects.get(pk=deposit_id)
    now = timezone.now()
    if soon:
        again = now + dt.timedelta(seconds=random.uniform(*_SOON_S))  # noqa: S311 - spreads load
    else:
        again = next_look(deposit, now) or now + dt.timedelta(hours=1)
    mine = Deposit.objects.filter(pk=deposit_id, looking_until=deposit.looking_until)
    mine.filter(next_look_at__lte=now).update(next_look_at=again)
    mine.update(looking_until=None)


def next_look(deposit: Deposit, now: dt.datetime) -> dt.datetime | None:
    """The next look by the schedule; None when there is nothing to wait for any more."""
    age_s = (now - deposit.created_at).total_seconds()
    if age_s >= settings.DEPOSIT_WATCH_S:
        return None
    if deposit.status == DepositStatus.FAILED and now - (deposit.closed_at or now) >= FAILED_WATCH:
        return None
    at_s = min(_slot_after(age_s), settings.DEPOSIT_WATCH_S)
    jitter_s = random.uniform(0, min((at_s - age_s) * _JITTER, _JITTER_MOST_S))  # noqa: S311 - spreads load
    return deposit.created_at + dt.timedelta(seconds=at_s + jitter_s)


def _slot_after(age_s: float) -> float:
    """The age at which the schedule looks next."""
    for slot in (settings.DEPOSIT_FIRST_LOOK_S, *_EARLY_S):
        if age_s < slot:
            return float(slot)
    step = _HOUR_S if age_s < _DAY_S else _QUARTER_DAY_S
    return (age_s // step + 1) * step
