"""The state machine's table. `services/transitions.py` is the only code that acts on it."""

from __future__ import annotations

from verifications.enums import Status

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.ORDERING: frozenset({Status.WAITING, Status.FAILED}),
    # Completed straight from waiting only when a code came before and another SMS was asked for.
    Status.WAITING: frozenset({Status.RECEIVED, Status.CANCELLED, Status.EXPIRED, Status.COMPLETED}),
    Status.RECEIVED: frozenset({Status.WAITING, Status.COMPLETED}),
    Status.COMPLETED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.FAILED: frozenset(),
}
OPEN = (Status.ORDERING, Status.WAITING, Status.RECEIVED)
TERMINAL = (Status.COMPLETED, Status.CANCELLED, Status.EXPIRED, Status.FAILED)


def may_follow(old: str, new: str) -> bool:
    """Whether `new` is a legal next state."""
    return Status(new) in TRANSITIONS[Status(old)]
