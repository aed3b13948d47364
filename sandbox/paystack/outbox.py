"""Webhooks waiting to be sent, and the schedule on which they are tried again. Sending itself is courier.py."""

import hashlib
import hmac
from dataclasses import dataclass, field
from itertools import accumulate, repeat
from typing import Any

from sandbox.clock import rfc3339

HOUR_S = 3600
LIVE_RETRIES = tuple(accumulate([180] * 4 + [HOUR_S] * 71))
"""Seconds after the first try: every 3 minutes for the first four, then hourly up to 72 hours."""
TEST_RETRIES = tuple(accumulate(repeat(HOUR_S, 10)))
"""Hourly for 10 hours."""

PENDING, DELIVERED, LOST, GIVEN_UP = "pending", "delivered", "lost", "given_up"


@dataclass(slots=True, eq=False)
class Delivery:
    """One webhook: its bytes never change, so every retry is equal to the first try."""

    id: int
    event: str
    body: bytes
    due: float
    created_at: float
    status: str = PENDING
    first_tried_at: float | None = None
    tries: list[tuple[float, int | None]] = field(default_factory=list)
    """When, and what the receiver answered; None for no answer."""
    copy_of: int | None = None
    is_forged: bool = False

    def as_json(self) -> dict[str, Any]:
        """The row of `GET /_sandbox/state`."""
        return {
            "id": self.id,
            "event": self.event,
            "status": self.status,
            "tries": len(self.tries),
            "answers": [answer for _, answer in self.tries],
            "copy_of": self.copy_of,
            "created_at": rfc3339(self.created_at, "milliseconds"),
            "due_at": rfc3339(self.due, "milliseconds") if self.status == PENDING else None,
            "body": self.body.decode("utf-8", "replace"),
        }


class Outbox:
    """Every webhook since the last reset, in the order of the facts."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self._open: dict[int, Delivery] = {}

    def put(
        self,
        event: str,
        body: bytes,
        *,
        at: float,
        due: float,
        copy_of: int | None = None,
        forged: bool = False,
    ) -> Delivery:
        """Keep a webhook until it is sent."""
        delivery = Delivery(
            id=len(self.deliveries) + 1,
            event=event,
            body=body,
            due=due,
            created_at=at,
            copy_of=copy_of,
            is_forged=forged,
        )
        self.deliveries.append(delivery)
        self._open[delivery.id] = delivery
        return delivery

    def lose(self, delivery: Delivery) -> None:
        """This one never arrives."""
        delivery.status = LOST
        self._open.pop(delivery.id, None)

    def due(self, now: float) -> list[Delivery]:
        """What has to be sent by now, the longest waiting first."""
        waiting = [delivery for delivery in self._open.values() if delivery.due <= now]
        return sorted(waiting, key=lambda delivery: (delivery.due, delivery.id))

    @property
    def next_due(self) -> float | None:
        """When the next one has to be sent."""
        return min((delivery.due for delivery in self._open.values()), default=None)

    def note(self, delivery: Delivery, answer: int | None, at: float, retries: tuple[int, ...]) -> None:
        """Write down a try; only 200 counts as received, otherwise the next point of the schedule is due."""
        started = delivery.first_tried_at
        if started is None:
            started = delivery.first_tried_at = delivery.due
        delivery.tries.append((at, answer))
        if answer == 200:
            delivery.status = DELIVERED
        elif len(delivery.tries) > len(retries):
            delivery.status = GIVEN_UP
        else:
            delivery.due = started + retries[len(delivery.tries) - 1]
            return
        self._open.pop(delivery.id, None)


def sign(key: str, body: bytes) -> str:
    """`x-paystack-signature`: HMAC-SHA512 of the raw bytes, keyed with the secret API key."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()
