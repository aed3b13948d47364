"""Reading the event log."""

from __future__ import annotations

import uuid

from django.db.models import Max

from accounts.models import Event


def events_after(user_id: int, sequence: int, limit: int = 100) -> list[Event]:
    """The user's events after `sequence`, oldest first."""
    return list(Event.objects.filter(user_id=user_id, sequence__gt=sequence).order_by("sequence")[:limit])


def sequence_of(user_id: int, event_id: uuid.UUID) -> int | None:
    """Where one of the user's own events stands in their log; `None` if it is not theirs or no longer kept."""
    return Event.objects.filter(pk=event_id, user_id=user_id).values_list("sequence", flat=True).first()


def newest_sequence(user_id: int) -> int:
    """The last event of the user, 0 before the first."""
    return Event.objects.filter(user_id=user_id).aggregate(newest=Max("sequence"))["newest"] or 0
