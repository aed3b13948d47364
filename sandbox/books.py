"""A vendor's books: money, open and closed orders, counters, and the events still to come.

Nothing runs in the background. Every planned event (an SMS, the end of an order) lies in a heap, and
each request first carries out what has become due, in the order and at the times it was due.
"""

import heapq
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import count

from sandbox.orders import OPEN, RECEIVED, Message, Order

STARTING_BALANCE = Decimal(1_000_000)
KEEP_CLOSED = 50_000
"""Closed orders buyers can still ask for; older ones remain in the books as one compact row each."""

COUNTERS = ("sold", "delivered", "cancel_requested", "cancelled", "finished", "expired", "banned")

Event = tuple[float, int, Order, frozenset[str] | None]
"""When, tie-breaker, whose, and in which states an SMS still comes (None: the order's lifetime ends)."""


class Books:
    """Everything a reset of the sandbox empties."""

    def __init__(self, keep_closed: int = KEEP_CLOSED) -> None:
        self.balance = STARTING_BALANCE
        self.orders: dict[int, Order] = {}
        self.open: dict[int, Order] = {}
        self.archive: dict[int, tuple[str, bytes]] = {}
        self.counters: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self._keep_closed = keep_closed
        self._closed: dict[int, Order] = {}
        self._events: list[Event] = []
        self._event_numbers = count()
        self._message_ids = count(1)

    def enter(self, order: Order) -> None:
        """Book a sale: the number goes out, the money comes in."""
        self.balance -= order.price
        self.orders[order.id] = self.open[order.id] = order
        self.counters["sold"] += 1
        self.plan(order.expires_at, order, None)

    def close(self, order: Order, status: str, at: float, *, refund: bool) -> None:
        """Book the end of an order."""
        if refund:
            self.balance += order.price
        order.status, order.closed_at, order.row = status, at, None
        self.counters[status] += 1
        del self.open[order.id]
        self._closed[order.id] = order
        if len(self._closed) > self._keep_closed:
            self._forget(next(iter(self._closed)))

    def deliver(self, order: Order, text: str, sender: str, code: str | None, at: float) -> Message:
        """Add an SMS to an order in whatever state it is; only an open one changes by it."""
        message = Message(next(self._message_ids), text, sender, code, at)
        order.messages.append(message)
        order.row, order.another_due = None, False
        if order.is_open:
            order.status = RECEIVED
        self.counters["delivered"] += 1
        return message

    def plan(self, due: float, order: Order, applies: frozenset[str] | None) -> None:
        """Put an event into the future."""
        heapq.heappush(self._events, (due, next(self._event_numbers), order, applies))

    def plan_sms(self, due: float, order: Order) -> None:
        """Plan an SMS that comes only if the order is open then."""
        self.plan(due, order, OPEN)

    def due(self, now: float) -> Iterator[Event]:
        """Take out the events due by `now`, earliest first; more may be planned meanwhile."""
        while self._events and self._events[0][0] <= now:
            event = heapq.heappop(self._events)
            if event[2].id in self.orders:
                yield event

    def rows(self, status: str | None) -> Iterator[bytes]:
        """Every sale since the last reset as JSON, oldest first within forgotten and remembered ones."""
        for kept_status, row in self.archive.values():
            if status in (None, kept_status):
                yield row
        for order in self.orders.values():
            if status in (None, order.status):
                yield _row(order)

    def _forget(self, order_id: int) -> None:
        order = self._closed.pop(order_id)
        del self.orders[order_id]
        self.archive[order_id] = (order.status, _row(order))


def _row(order: Order) -> bytes:
    return json.dumps(order.as_json(), ensure_ascii=False, separators=(",", ":")).encode()
