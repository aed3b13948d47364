"""The one integration: its time, its books, its behaviour, and what it tells the merchant by webhook."""

import json
import os
import random
import string
from collections.abc import Callable
from itertools import count
from typing import Any

from sandbox.clock import Clock
from sandbox.paystack.books import Books
from sandbox.paystack.config import PaystackConfig
from sandbox.paystack.outbox import LIVE_RETRIES, TEST_RETRIES, Outbox, sign
from sandbox.paystack.records import Customer

INTEGRATION_ID = 463_433
_LETTERS = string.ascii_lowercase + string.digits
_REORDER_S = (0.5, 10.0)


class Integration:
    """Everything that Paystack is to one merchant."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.on_change: Callable[[], None] = lambda: None
        """Called when something is due earlier than before; the courier listens."""
        self._fixed_key = os.environ.get("SANDBOX_PAYSTACK_KEY", "")
        # Not part of the books: after a reset an old id must not mean a new payment. Above 2^32 as real ones
        # are, and entered at a random point so that a restarted sandbox does not repeat itself.
        self._ids = count(5_000_000_000 + rng.randrange(3_000_000_000))
        self.reset()

    def reset(self) -> None:
        """Forget everything but which ids were used, and where webhooks go."""
        self.books = Books()
        self.config = PaystackConfig(webhook_url=os.environ.get("SANDBOX_PAYSTACK_WEBHOOK_URL", ""))

    def configure(self, config: PaystackConfig, balance: int | None) -> None:
        """Put a new configuration in force."""
        self.config = config
        if balance is not None:
            for currency in config.currencies:
                self.books.balances[currency] = balance
        self.on_change()

    def catch_up(self) -> float:
        """Carry out what has become due, each at its own time; returns the present."""
        now = self.clock.now()
        for at, action in self.books.due(now):
            action(at)
        return now

    def plan(self, due: float, action: Callable[[float], None]) -> None:
        """Put something into the future."""
        self.books.plan(due, action)
        self.on_change()

    def next_id(self) -> int:
        """An id no other thing of any kind has."""
        return next(self._ids)

    def token(self, length: int) -> str:
        """Random letters and digits, for codes."""
        return "".join(self.rng.choices(_LETTERS, k=length))

    def happens(self, share: float) -> bool:
        """Whether something that happens in this share of cases happens now."""
        return share >= 1 or (share > 0 and self.rng.random() < share)

    def customer(self, email: str, domain: str, at: float) -> Customer:
        """The customer of an e-mail address, made when new."""
        known = self.books.customers.get(email)
        if known is None:
            known = Customer(self.next_id(), f"CUS_{self.token(15)}", email, at, domain=domain)
            self.books.customers[email] = known
        return known

    # Webhooks.

    @property
    def signing_key(self) -> str:
        """The secret key that signs: a fixed one, or the one last used for a call that succeeded."""
        return self._fixed_key or self.books.key or "sk_test_sandbox"

    @property
    def domain(self) -> str:
        """The mode of the signing key."""
        return "live" if self.signing_key.startswith("sk_live_") else "test"

    @property
    def retries(self) -> tuple[int, ...]:
        """The schedule in force."""
        named = self.config.webhook_schedule or self.domain
        return LIVE_RETRIES if named == "live" else TEST_RETRIES

    def signature(self, body: bytes, *, forged: bool) -> str:
        """The header of one try."""
        key = f"{self.signing_key}x" if forged else self.signing_key
        return sign(key, body)

    def announce(self, event: str, data: Any, at: float) -> None:
        """Queue the webhook of a fact, with whatever goes wrong with webhooks at present."""
        config = self.config
        if config.webhook_wrong_mode and isinstance(data, dict) and self.happens(config.webhook_wrong_mode):
            data = {**data, "domain": "live" if data.get("domain") == "test" else "test"}
        body = json.dumps({"event": event, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()
        due = at + config.webhook_delay_s
        if self.happens(config.webhook_reorder):
            due += self.rng.uniform(*_REORDER_S)
        outbox: Outbox = self.books.outbox
        delivery = outbox.put(event, body, at=at, due=due, forged=self.happens(config.webhook_bad_signature))
        if self.happens(config.webhook_loss):
            outbox.lose(delivery)
        elif self.happens(config.webhook_duplicate):
            outbox.put(event, self._copy(event, data, body), at=at, due=due, copy_of=delivery.id)
        self.on_change()

    def _copy(self, event: str, data: Any, body: bytes) -> bytes:
        """The same fact once more: equal bytes, or equal content in another order."""
        how = self.config.webhook_duplicate_as
        if how == "same_bytes" or (how == "mixed" and self.rng.random() < 0.5):
            return body
        if isinstance(data, dict):
            data = dict(reversed(data.items()))
        return json.dumps({"data": data, "event": event}).encode()
