"""Sends webhooks in the background of the process, when the sandbox's clock says so."""

import asyncio
import sys
from typing import Protocol

import httpx2

from sandbox.paystack.integration import Integration
from sandbox.paystack.outbox import Delivery

TIMEOUT_S = 30.0
AT_ONCE = 16
LONGEST_NAP_S = 30.0


class Carrier(Protocol):
    """Takes the bytes to the merchant; tests put their own in its place."""

    async def carry(self, url: str, body: bytes, headers: dict[str, str]) -> int | None:
        """The HTTP status of the answer, or None when there was none."""
        ...


class HttpCarrier:
    """Over the network, as Paystack does; a redirect is not followed and so is a failure."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None

    async def carry(self, url: str, body: bytes, headers: dict[str, str]) -> int | None:
        if self._client is None:
            limits = httpx2.Limits(max_connections=AT_ONCE)
            self._client = httpx2.AsyncClient(timeout=TIMEOUT_S, limits=limits, trust_env=False)
        try:
            return (await self._client.post(url, content=body, headers=headers)).status_code
        except httpx2.HTTPError:
            return None


class Courier:
    """One background task that also carries out what is planned while nobody calls."""

    def __init__(self, integration: Integration, carrier: Carrier | None = None) -> None:
        self._integration = integration
        self._carrier = carrier or HttpCarrier()
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Event | None = None
        self._idle: asyncio.Event | None = None
        integration.on_change = self.wake

    def wake(self) -> None:
        """Look again: something may be due. Needs a running loop; without one the next call wakes it."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._wake, self._idle = asyncio.Event(), asyncio.Event()
            self._task = loop.create_task(self._run())
        if self._wake is not None and self._idle is not None:
            self._idle.clear()
            self._wake.set()

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything that is due has been tried; False when that took too long."""
        self.wake()
        if self._idle is None:
            return False
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def _run(self) -> None:
        wake, idle = self._wake, self._idle
        if wake is None or idle is None:
            return
        while True:
            wake.clear()
            now = self._integration.catch_up()
            if due := self._due(now):
                await asyncio.gather(*(self._try(delivery) for delivery in due[:AT_ONCE]))
                continue
            if not wake.is_set():
                idle.set()
            try:
                await asyncio.wait_for(wake.wait(), self._nap(now))
            except TimeoutError:
                continue

    def _due(self, now: float) -> list[Delivery]:
        return self._integration.books.outbox.due(now) if self._integration.config.webhook_url else []

    def _nap(self, now: float) -> float:
        books = self._integration.books
        dues = [books.next_due]
        if self._integration.config.webhook_url:
            dues.append(books.outbox.next_due)
        soonest = min((due for due in dues if due is not None), default=now + LONGEST_NAP_S)
        return min(max(soonest - now, 0.0), LONGEST_NAP_S)

    async def _try(self, delivery: Delivery) -> None:
        integration = self._integration
        outbox = integration.books.outbox
        headers = {
            "content-type": "application/json",
            "user-agent": "Paystack/2.0",
            "x-paystack-signature": integration.signature(
                delivery.body, forged=delivery.is_forged and not delivery.tries
            ),
        }
        try:
            answer = await self._carrier.carry(integration.config.webhook_url, delivery.body, headers)
        except Exception as error:
            # Whatever went wrong with one of them, the others still have to go out.
            print(f"sandbox: webhook {delivery.id} could not be sent: {error!r}", file=sys.stderr)
            answer = None
        outbox.note(delivery, answer, integration.clock.now(), integration.retries)
