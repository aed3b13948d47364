"""One sold number and the messages it received."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.clock import rfc3339

WAITING = "waiting"
RECEIVED = "received"
RETRY = "waiting_retry"
FINISHED = "finished"
CANCELLED = "cancelled"
EXPIRED = "expired"
BANNED = "banned"

OPEN = frozenset({WAITING, RECEIVED, RETRY})
STATUSES = frozenset({WAITING, RECEIVED, RETRY, FINISHED, CANCELLED, EXPIRED, BANNED})


@dataclass(slots=True)
class Message:
    """One SMS as the vendor has it; `code` is None when the vendor could read none."""

    id: int
    text: str
    sender: str
    code: str | None
    at: float


@dataclass(slots=True, eq=False)
class Order:
    """One sale; `listing` and `history` in the dialects are cached as bytes in `row`."""

    id: int
    service: str
    country: str
    operator: str
    phone: str
    price: Decimal
    created_at: float
    expires_at: float
    status: str = WAITING
    text_style: str | None = None
    messages: list[Message] = field(default_factory=list)
    cancel_requests: int = 0
    closed_at: float | None = None
    another_due: bool = False
    row: bytes | None = None

    @property
    def is_open(self) -> bool:
        """Whether the vendor still waits for SMS on this number."""
        return self.status in OPEN

    def as_json(self) -> dict[str, Any]:
        """The row of `GET /_sandbox/state`."""
        return {
            "id": str(self.id),
            "service": self.service,
            "country": self.country,
            "operator": self.operator,
            "phone": self.phone,
            "price": money(self.price),
            "status": self.status,
            "created_at": rfc3339(self.created_at, "milliseconds"),
            "expires_at": rfc3339(self.expires_at, "milliseconds"),
            "messages": [
                {
                    "id": str(message.id),
                    "text": message.text,
                    "sender": message.sender,
                    "code": message.code,
                    "at": rfc3339(message.at, "milliseconds"),
                }
                for message in self.messages
            ],
            "cancel_requests": self.cancel_requests,
            "closed_at": None if self.closed_at is None else rfc3339(self.closed_at, "milliseconds"),
        }


def money(amount: Decimal) -> str:
    """Decimal text with at least two places and no superfluous zeros: `0.19`, `0.105`, `12.50`."""
    text = format(amount, "f")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
