"""Forgetting what came in an order: texts, senders, codes, most of the number, and the events that carried them.

The order keeps what was bought, when and for how much. Source: docs/privacy.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import structlog
from django.db import connection, transaction
from django.db.models import Case, F, Q, TextField, Value, When
from django.db.models.functions import Cast, Concat, Left, Right
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.enums import AccountState
from accounts.models import Event
from accounts.privacy.registry import Obstacle
from verifications.models import Attempt, Message, StrayOrder, Verification
from verifications.states import OPEN

log = structlog.get_logger(__name__)

BATCH = 500
BATCHES = 40  # in one run; the rest is for the next one
LONGEST = dt.timedelta(days=30)  # what somebody may choose at most, and what holds for strays
# As `namaskah.lib.logging.mask_phone`: the start and the last two digits.
MASKED = Case(
    When(phone_number="", then=Value("")),
    When(phone_number__contains="…", then=F("phone_number")),
    default=Concat(Left("phone_number", 5), Value("…"), Right("phone_number", 2)),
)
FORGET_STRAYS = """
UPDATE verifications_strayorder AS stray SET phone_number = ''
FROM verifications_attempt AS attempt
WHERE attempt.verification_id = ANY(%(orders)s) AND attempt.provider_id = stray.provider_id
    AND attempt.provider_order_id = stray.provider_order_id
"""


def obstacles(user_id: int, gives_up_balance: bool) -> list[Obstacle]:
    """Orders under way, and those that may still get an SMS."""
    mine = Verification.objects.filter(user_id=user_id)
    watched = Q(attempts__watch_until__gt=timezone.now())
    if mine.filter(Q(status__in=OPEN) | watched).exists():
        return [Obstacle("order", _("An order is open, or ended a few minutes ago."))]
    return []


def remove() -> int:
    """Forget what is older than its owner chose. Returns how many orders were gone through."""
    done = 0
    for _batch in range(BATCHES):
        ids = _due(timezone.now())
        if not ids:
            break
        forget(ids)
        done += len(ids)
    old = StrayOrder.objects.filter(first_seen_at__lt=timezone.now() - LONGEST).exclude(phone_number="")
    return done + old.update(phone_number="")


def forget(order_ids: Sequence[uuid.UUID]) -> None:
    """Forget what came in these orders, all or nothing. Doing it twice does no harm."""
    subjects = [f"verification:{order_id}" for order_id in order_ids]
    with transaction.atomic():
        # A key of a text of six digits would give it away, so the message's own id takes its place.
        Message.objects.filter(verification__in=order_ids).update(
            sender="", text="", code="", dedupe_key=Cast("id", TextField())
        )
        Attempt.objects.filter(verification__in=order_ids).update(phone_number=MASKED, error_detail="")
        Verification.objects.filter(pk__in=order_ids).update(
            phone_number=MASKED, code="", messages_removed_at=timezone.now()
        )
        with connection.cursor() as cursor:
            cursor.execute(FORGET_STRAYS, {"orders": list(order_ids)})
        Event.objects.filter(subject__in=subjects).delete()
    log.info("Messages forgotten", orders=len(order_ids))


def forget_person(user_id: int) -> None:
    """Forget all of somebody's orders, in the transaction of their erasure."""
    forget(list(Verification.objects.filter(user_id=user_id).values_list("pk", flat=True)))


def _due(now: dt.datetime) -> list[uuid.UUID]:
    """Orders whose time is over. Those of somebody who was erased are due as soon as no SMS can come any more."""
    ended = Verification.objects.filter(closed_at__isnull=False, messages_removed_at=None)
    is_over = Q(closed_at__lt=now - F("user__message_days") * dt.timedelta(days=1))
    is_erased = Q(user__state=AccountState.ERASED, closed_at__lt=now - dt.timedelta(hours=1))
    due = ended.filter(is_over | is_erased).order_by("closed_at")
    return list(due.values_list("pk", flat=True)[:BATCH])
