"""A gateway for SMS to customers: `POST /sms-gateway/messages` takes what would go to a telephone, and keeps it for reading.

It speaks what docs/providers/sms-gateway.md asks of a gateway: JSON with `to`, `from` and `text`, and a bearer key.
"""

import json
import random
import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.clock import Clock, rfc3339
from sandbox.config import Parser, between, names_of, parse_with
from sandbox.guard import Guard, answer
from sandbox.params import MAX_BODY
from sandbox.replies import JSON, Reply, send_reply, to_json
from sandbox.serving import Dialect
from sandbox.vendor import Refused

KEPT = 500
LONGEST = 1600
E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_SEND = frozenset({"send"})
FAULTS = {
    **dict.fromkeys(("timeout_before", "timeout_after", "connection_reset", "http_500", "html_200"), _SEND),
    **dict.fromkeys(("http_502_after", "rate_limited", "redirect", "huge_body", "empty_body"), _SEND),
    **dict.fromkeys(("truncated_json", "slow", "number_refused"), _SEND),
}
_CANNED = {
    "http_500": (500, "internal error"),
    "rate_limited": (429, "slow down"),
    "number_refused": (422, "this number gets no SMS"),
}


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Behaviour of the gateway."""

    latency_ms: float = 0.0
    fault_rate: float = 0.0
    faults: tuple[str, ...] = ()
    fault_actions: tuple[str, ...] = ()
    hang_s: float = 40.0

    def as_json(self) -> dict[str, Any]:
        """Plain values for the control API."""
        return {
            "latency_ms": self.latency_ms,
            "fault_rate": self.fault_rate,
            "faults": self.faults,
            "hang_s": self.hang_s,
        }


class Gateway:
    """What was sent, the newest last."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.reset()

    def reset(self) -> None:
        """Nothing was sent, nothing is out of order."""
        self.config = GatewayConfig()
        self.messages: deque[dict[str, str]] = deque(maxlen=KEPT)
        self.taken = 0

    def catch_up(self) -> float:
        """Nothing is planned here; returns the present."""
        return self.clock.now()

    def take(self, message: dict[str, Any]) -> dict[str, str]:
        """Accept one message.

        Raises:
            Refused: `bad_value`.
        """
        to, sender, text = (message.get(name) for name in ("to", "from", "text"))
        texts = [part for part in (to, sender, text) if isinstance(part, str) and 0 < len(part) <= LONGEST]
        if len(texts) != 3 or not E164.match(texts[0]):
            raise Refused("bad_value")
        self.taken += 1
        kept = {"id": f"sms-{self.taken}", "to": texts[0], "from": texts[1], "text": texts[2]}
        self.messages.append({**kept, "at": rfc3339(self.clock.now(), "milliseconds")})
        return kept


class GatewayApi(Dialect[Gateway]):
    """ASGI application of `/sms-gateway/messages`."""

    fault_strikes = FAULTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = Request(scope, receive)
        scheme, _space, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.is_key(key):
            await send_reply(send, _error(401, "no such key"))
            return
        message = _parsed(await request.body())

        def perform(fault: str | None) -> Reply:
            return Reply(to_json({"id": self.vendor.take(message)["id"], "status": "queued"}), 202, JSON)

        await self.serve("send", perform, scope, receive, send)

    def refusal(self, refused: Refused) -> Reply:
        return _error(400, "to (E.164), from and text are wanted")

    def refuses(self, fault: str, kind: str) -> bool:
        return fault in _CANNED

    def canned(self, fault: str, kind: str) -> Reply:
        return _error(*_CANNED[fault])


class GatewayControl:
    """`GET /_sandbox/sms`: what the telephones got; `?to=` chooses one, with a + or %2B before the digits."""

    def __init__(self, gateway: Gateway, guard: Guard) -> None:
        self._gateway = gateway
        self._guard = guard

    def routes(self) -> list[Route]:
        """The route of the control API."""
        return [Route("/_sandbox/sms", self._guard(self.read), methods=["GET"])]

    async def read(self, request: Request) -> Response:
        """The messages, the newest last."""
        to = "+" + request.query_params.get("to", "").strip().removeprefix("+")
        chosen = [message for message in self._gateway.messages if to in ("+", message["to"])]
        return answer({"messages": chosen})


def parse_changes(payload: dict[str, Any]) -> dict[str, Any]:
    """Check a `POST /_sandbox/config` body for the vendor `sms`.

    Raises:
        BadConfig: A field is unknown or its value makes no sense.
    """
    return parse_with(_PARSERS, payload)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body) if len(body) <= MAX_BODY else None
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _error(status: int, text: str) -> Reply:
    return Reply(to_json({"error": text}), status, JSON)


_PARSERS: dict[str, Parser] = {
    "latency_ms": between(0, 120_000),
    "fault_rate": between(0, 1),
    "faults": names_of(frozenset(FAULTS)),
    "hang_s": between(0, 300),
}
