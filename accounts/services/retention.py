"""How long somebody wants their messages kept. Forgetting them is `privacy/retaining.py`'s. Source: docs/privacy.md"""

from __future__ import annotations

from django.db import transaction

from accounts.audit_actions import AuditAction
from accounts.models import User
from accounts.services import audit

CHOICES = (1, 7, 14, 30)  # days after the end of the order; nobody's are kept longer than the last


def set_message_days(*, user: User, days: int) -> bool:
    """Keep messages this long from now on, those of older orders too. False when it was so already.

    Raises:
        ValueError: Not one of `CHOICES`.
    """
    if days not in CHOICES:
        raise ValueError(f"Messages are not kept {days} days.")
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if person.message_days == days:
            return False
        before, person.message_days = person.message_days, days
        person.save(update_fields=["message_days"])
        audit.record(
            AuditAction.RETENTION_CHANGED,
            actor=user,
            subject=user,
            before={"days": before},
            after={"days": days},
        )
    return True
