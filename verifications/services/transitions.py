"""The one place that moves a verification: state, money, history and event in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts.enums import EventType
from accounts.services import events
from billing.services import ledger
from namaskah.lib import rows
from verifications import states
from verifications.enums import Status, Step
from verifications.exceptions import InvalidState
from verifications.models import Verification
from verifications.selectors.names import country_iso2, service_slug

log = structlog.get_logger(__name__)

_NOTE = "INSERT INTO verifications_historyentry (verification_id, step, status, at, actor_id, detail) VALUES"


def reference(verification: Verification) -> str:
    """How the ledger names a verification."""
    return f"verification:{verification.pk}"


def note(verification: Verification, step: Step, *, actor_id: int | None = None, **detail: Any) -> None:
    """Append to the order's history; the caller holds the lock."""
    note_all(verification, [(step, detail)], actor_id=actor_id)


def note_all(
    verification: Verification, steps: Sequence[tuple[Step, dict[str, Any]]], *, actor_id: int | None = None
) -> None:
    """Append several steps in one statement."""
    now = timezone.now()
    values: list[Any] = []
    for step, detail in steps:
        values += [verification.pk, step.value, str(verification.status), now, actor_id, Jsonb(detail)]
    places = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(steps))
    with connection.cursor() as cursor:
        cursor.execute(f"{_NOTE} {places}", values)


def apply(
    verification: Verification,
    to: Status,
    *,
    step: Step,
    actor_id: int | None = None,
    changes: dict[str, Any] | None = None,
    **detail: Any,
) -> None:
    """Move a locked verification to `to` and do everything that belongs to it.

    Money follows the state: the hold is captured when the first message arrives and released when the order ends without
    one. The caller holds the row's lock inside a transaction.

    Args:
        changes: Further fields to set in the same UPDATE.
        detail: Kept on the history entry.

    Raises:
        InvalidState: The table does not allow this move.
    """
    if not states.may_follow(verification.status, to):
        raise InvalidState
    now = timezone.now()
    had_code = verification.received_at is not None
    if to in {Status.CANCELLED, Status.EXPIRED} and had_code:
        raise InvalidState
    if to == Status.COMPLETED and not had_code:
        raise InvalidState
    old = verification.status
    fields = dict(changes or {}) | {"status": to}
    if to in states.TERMINAL:
        fields["closed_at"] = now
    if to == Status.RECEIVED and not had_code:
        fields["received_at"] = now
    for name, value in fields.items():
        setattr(verification, name, value)
    rows.update(verification, list(fields))
    moved = _move_money(verification, to, had_code=had_code)
    note_all(verification, [(step, detail), *moved], actor_id=actor_id)
    announce(verification)
    log.info("Verification moved", verification=str(verification.pk), old=old, new=str(to))


def announce(verification: Verification, **extra: Any) -> None:
    """Write the event of the state the verification is in now. Last in its transaction: it takes the user's event lock."""
    events.record(
        user_id=verification.user_id,
        type=EventType(f"verification.{verification.status}"),
        subject=reference(verification),
        data=event_data(verification) | extra,
    )


def event_data(verification: Verification) -> dict[str, Any]:
    """What every way out of the event log says of a verification."""
    return {
        "verification": str(verification.pk),
        "status": verification.status,
        "service": service_slug(verification.service_id),
        "country": country_iso2(verification.country_id),
        "phone_number": verification.phone_number,
        "code": verification.code,
        "price": str(verification.price),
        "currency": verification.currency,
        "failure": verification.failure_code or None,
        "expires_at": verification.expires_at.isoformat() if verification.expires_at else None,
    }


def _move_money(
    verification: Verification, to: Status, *, had_code: bool
) -> list[tuple[Step, dict[str, Any]]]:
    """Capture or release the hold where the state asks for it, and return the steps to note."""
    amount = {"amount": str(verification.price)}
    if to == Status.RECEIVED and not had_code:
        ledger.capture(hold_id=verification.hold_id, key=f"capture:{verification.pk}")
        return [(Step.CAPTURED, amount)]
    if to in {Status.CANCELLED, Status.EXPIRED, Status.FAILED}:
        ledger.release(hold_id=verification.hold_id, key=f"release:{verification.pk}")
        return [(Step.RELEASED, amount)]
    return []
