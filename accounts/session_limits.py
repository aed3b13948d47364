"""How long a session lasts. Staff's are short and end when nobody uses them; customers' last a day, or a month if they wish."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone

from accounts.models import Session, User

SEEN_EVERY_STAFF = dt.timedelta(minutes=1)
SEEN_EVERY = dt.timedelta(minutes=5)


def age(user: User, *, is_remembered: bool) -> dt.timedelta:
    """How long after signing in somebody must sign in anew, whatever they do."""
    if user.is_staff:
        return dt.timedelta(seconds=settings.STAFF_SESSION_AGE_S)
    return dt.timedelta(
        seconds=settings.SESSION_REMEMBERED_AGE_S if is_remembered else settings.SESSION_COOKIE_AGE
    )


def ends_at(session: Session, user: User) -> dt.datetime:
    """When this session is over at the latest, by when it began."""
    return min(session.expire_date, session.started_at + age(user, is_remembered=session.is_remembered))


def is_over(session: Session, user: User) -> bool:
    """Whether it has lasted long enough, or staff has left it alone too long."""
    now = timezone.now()
    idle = dt.timedelta(seconds=settings.STAFF_IDLE_S)
    return now >= ends_at(session, user) or (user.is_staff and now >= session.last_seen_at + idle)


def is_seen_long_ago(session: Session, user: User) -> bool:
    """Whether it is time to write down again that it is in use: not at each request, for each costs a write."""
    every = SEEN_EVERY_STAFF if user.is_staff else SEEN_EVERY
    return timezone.now() - session.last_seen_at >= every
