"""The integration's books: everything a reset empties."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import count

from sandbox.paystack.outbox import Outbox
from sandbox.paystack.records import (
    Account,
    Authorization,
    Customer,
    Dispute,
    LedgerLine,
    Payment,
    Refund,
    Settlement,
)

OPENING_BALANCE = 1_000_000_000_00
"""Subunits of every currency, so that a refund finds money also right after a payout."""

Action = Callable[[float], None]
"""Something planned; it is told the time at which it was due."""


class Books:
    """State of one integration."""

    def __init__(self) -> None:
        self.payments: dict[int, Payment] = {}
        self.by_reference: dict[str, Payment] = {}
        self.by_access_code: dict[str, Payment] = {}
        self.customers: dict[str, Customer] = {}
        self.authorizations: dict[str, Authorization] = {}
        self.refunds: dict[int, Refund] = {}
        self.disputes: dict[int, Dispute] = {}
        self.accounts: dict[int, Account] = {}
        self.settlements: dict[int, Settlement] = {}
        self.uploads: dict[str, bytes | None] = {}
        self.ledger: list[LedgerLine] = []
        self.balances: defaultdict[str, int] = defaultdict(lambda: OPENING_BALANCE)
        self.calls: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.outbox = Outbox()
        self.key = ""
        self.session_timeout_s = 0
        self._events: list[tuple[float, int, Action]] = []
        self._event_numbers = count()

    def enter(self, payment: Payment) -> None:
        """Keep a new payment."""
        self.payments[payment.id] = payment
        self.by_reference[payment.reference] = payment
        if payment.access_code:
            self.by_access_code[payment.access_code] = payment

    def move(
        self, *, domain: str, currency: str, difference: int, reason: str, model: str, row: int, at: float
    ) -> None:
        """Change the balance of a currency and write the line that says why."""
        self.balances[currency] += difference
        self.ledger.append(
            LedgerLine(
                id=len(self.ledger) + 1,
                domain=domain,
                currency=currency,
                difference=difference,
                balance=self.balances[currency],
                reason=reason,
                model=model,
                row=row,
                at=at,
            )
        )

    def plan(self, due: float, action: Action) -> None:
        """Put something into the future."""
        heapq.heappush(self._events, (due, next(self._event_numbers), action))

    def due(self, now: float) -> Iterator[tuple[float, Action]]:
        """Take out what is due by `now`, earliest first; more may be planned meanwhile."""
        while self._events and self._events[0][0] <= now:
            at, _, action = heapq.heappop(self._events)
            yield at, action

    @property
    def next_due(self) -> float | None:
        """When the next planned thing happens."""
        return self._events[0][0] if self._events else None
