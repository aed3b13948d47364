"""The way of every vendor call: count it, delay it, perhaps let it fail, otherwise carry it out."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from starlette.types import Receive, Scope, Send

from sandbox import faults
from sandbox.replies import BAD_GATEWAY, BLOCK_PAGE, ELSEWHERE, UNAVAILABLE, Reply, send_reply
from sandbox.transport import reset_connection
from sandbox.vendor import Refused

Perform = Callable[[str | None], Reply]
"""Carries a call out; the argument is the fault that colours it, if any."""

HUGE_CHUNK = b"x" * 65_536
HUGE_CHUNKS = 560
"""35 MiB: above the 32 MiB a sane client reads."""
SLOW_S = (1.0, 3.0)

# Faults under which nothing is carried out and the dialect words the refusal.
_REFUSALS = frozenset(
    [
        "http_500",
        "error_sql",
        "unknown_literal",
        "rate_limited",
        "rate_limited_bare",
        "banned",
        "bad_key",
        "no_balance",
        "no_stock",
        "early_cancel_denied",
    ]
)


class Stopping:
    """Set when the server goes down, so that nobody is kept waiting for a hanging answer."""

    def __init__(self) -> None:
        self.event = asyncio.Event()


class Behaviour(Protocol):
    """The part of a vendor's configuration that every call meets."""

    @property
    def latency_ms(self) -> float: ...
    @property
    def fault_rate(self) -> float: ...
    @property
    def faults(self) -> Sequence[str]: ...
    @property
    def fault_actions(self) -> Sequence[str]: ...
    @property
    def hang_s(self) -> float: ...


class Party(Protocol):
    """Whoever answers calls: a seller of numbers, or Paystack."""

    rng: random.Random

    @property
    def config(self) -> Behaviour: ...
    def catch_up(self) -> float: ...


PartyT = TypeVar("PartyT", bound=Party)


class Dialect(ABC, Generic[PartyT]):
    """Base of the ASGI applications that speak one vendor's protocol."""

    fault_strikes: Mapping[str, frozenset[str]] = faults.FAULTS
    """The faults of this vendor, and which kinds of calls each can strike."""

    def __init__(self, vendor: PartyT, *, keys: frozenset[str], stopping: Stopping) -> None:
        self.vendor = vendor
        self._keys = keys
        self._stopping = stopping

    @abstractmethod
    def canned(self, fault: str, kind: str) -> Reply:
        """How this vendor words one of the faults under which nothing is carried out."""

    @abstractmethod
    def refusal(self, refused: Refused) -> Reply:
        """How this vendor words its own refusals."""

    def refuses(self, fault: str, kind: str) -> bool:
        """Whether a fault means that nothing is carried out and `canned` has the answer."""
        return fault in _REFUSALS

    def is_key(self, key: str) -> bool:
        """Whether an API key opens the account."""
        return key.startswith("sandbox") or key in self._keys

    async def serve(self, kind: str, perform: Perform, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one authenticated call of a kind that this vendor's faults know."""
        config = self.vendor.config
        if config.latency_ms:
            await asyncio.sleep(config.latency_ms / 1000)
        fault = None
        if config.faults:
            fault = faults.pick(
                self.vendor.rng,
                kind=kind,
                rate=config.fault_rate,
                faults=config.faults,
                only=config.fault_actions,
                strikes=self.fault_strikes,
            )
        if fault is None:
            reply = self._carry_out(perform, None)
        elif fault == "connection_reset":
            await reset_connection(scope, receive)
            return
        elif fault == "huge_body":
            await _send_huge(send)
            return
        else:
            reply = await self._strike(fault, kind, perform)
        if reply.hang and not await self._hang(receive, config.hang_s):
            await reset_connection(scope, receive)
            return
        await send_reply(send, reply)

    def _carry_out(self, perform: Perform, fault: str | None) -> Reply:
        self.vendor.catch_up()
        try:
            return perform(fault)
        except Refused as refused:
            return self.refusal(refused)

    async def _strike(self, fault: str, kind: str, perform: Perform) -> Reply:
        if self.refuses(fault, kind):
            return self.canned(fault, kind)
        match fault:
            case "timeout_before":
                return replace(UNAVAILABLE, hang=True)
            case "html_200":
                return BLOCK_PAGE
            case "redirect":
                return ELSEWHERE
            case "slow":
                await asyncio.sleep(self.vendor.rng.uniform(*SLOW_S))
        reply = self._carry_out(perform, fault)
        match fault:
            case "buy_then_timeout" | "timeout_after":
                return replace(reply, hang=True)
            case "buy_then_503":
                return UNAVAILABLE
            case "http_502_after":
                return BAD_GATEWAY
            case "buy_then_html":
                return BLOCK_PAGE
            case "empty_body":
                return replace(reply, body=b"")
            case "truncated_json":
                # Half a JSON document; of a text only so much that it cannot pass for a shorter text.
                is_json = reply.body[:1] in (b"{", b"[")
                return replace(reply, body=reply.body[: len(reply.body) // 2 if is_json else 6])
        return reply

    async def _hang(self, receive: Receive, seconds: float) -> bool:
        """Wait until the time is over or the client gives up; False when the server goes down first."""

        async def client_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        gone = asyncio.ensure_future(client_gone())
        stopped = asyncio.ensure_future(self._stopping.event.wait())
        try:
            await asyncio.wait((gone, stopped), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            stopped.cancel()
        return not self._stopping.event.is_set()


async def _send_huge(send: Send) -> None:
    """Stream more than any honest answer holds, without saying its length beforehand."""
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    )
    await send({"type": "http.response.body", "body": b'{"status":"success","filler":"', "more_body": True})
    for _ in range(HUGE_CHUNKS):
        await send({"type": "http.response.body", "body": HUGE_CHUNK, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b'"}'})
