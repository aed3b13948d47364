"""The trail of staff's decisions about money: who, what about, why. Written in the transaction of the act."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model

from accounts.models import User


def note(actor: User, about: Model, what: str, reason: str = "") -> None:
    """Write one line into the console's history of a row.

    Args:
        what: The act, in a few English words; the history is for staff and auditors.
        reason: What the member of staff gave as the reason.
    """
    LogEntry.objects.log_actions(
        actor.pk,
        [about],
        CHANGE,
        change_message=f"{what}: {reason}" if reason else what,
        single_object=True,
    )
