"""Exchange rates in the form of open.er-api.com, version 6: `GET /rates/latest/<BASE>`."""

import random
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.types import Receive, Scope, Send

from sandbox.clock import Clock
from sandbox.config import MAX_SECONDS, BadConfig, Parser, between, names_of, parse_with
from sandbox.replies import JSON, Reply, to_json
from sandbox.serving import Dialect
from sandbox.vendor import Refused

DAY_S = 86_400
PLACES = Decimal("0.000001")
_READ = frozenset({"read"})
FAULTS = {
    **dict.fromkeys(("timeout_before", "connection_reset", "http_500", "html_200", "rate_limited"), _READ),
    **dict.fromkeys(("redirect", "huge_body", "empty_body", "truncated_json", "slow", "no_rates"), _READ),
}
FOR_ONE_DOLLAR = (
    ("USD", Decimal(1)),
    ("NGN", Decimal("1530.5")),
    ("GHS", Decimal("15.2")),
    ("KES", Decimal("129.3")),
    ("ZAR", Decimal("18.1")),
    ("XOF", Decimal("605.4")),
    ("EUR", Decimal("0.92")),
    ("GBP", Decimal("0.79")),
)


@dataclass(frozen=True, slots=True)
class RatesConfig:
    """Behaviour of the source; `age_s` is how long ago its rates were made."""

    latency_ms: float = 0.0
    fault_rate: float = 0.0
    faults: tuple[str, ...] = ()
    fault_actions: tuple[str, ...] = ()
    hang_s: float = 40.0
    age_s: float = 3600.0
    rates: tuple[tuple[str, Decimal], ...] = FOR_ONE_DOLLAR

    def as_json(self) -> dict[str, Any]:
        """Plain values for the control API."""
        return {
            "latency_ms": self.latency_ms,
            "fault_rate": self.fault_rate,
            "faults": self.faults,
            "hang_s": self.hang_s,
            "age_s": self.age_s,
            "rates": {currency: format(rate, "f") for currency, rate in self.rates},
        }


class Rates:
    """The source of exchange rates."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.reset()

    def reset(self) -> None:
        """Return to the usual rates and behaviour."""
        self.config = RatesConfig()
        self.requests = 0

    def catch_up(self) -> float:
        """Nothing is planned here; returns the present."""
        return self.clock.now()

    def document(self, base: str) -> dict[str, Any]:
        """The answer for a base currency.

        Raises:
            Refused: `unsupported-code`, in the words of the source.
        """
        known = dict(self.config.rates)
        if base not in known:
            raise Refused("unsupported-code")
        made_at = int(self.clock.now() - self.config.age_s)
        return {
            "result": "success",
            "provider": "sandbox",
            "time_last_update_unix": made_at,
            "time_next_update_unix": made_at + DAY_S,
            "base_code": base,
            "rates": {code: float((rate / known[base]).quantize(PLACES)) for code, rate in known.items()},
        }


class RatesApi(Dialect[Rates]):
    """ASGI application of `/rates/latest/<BASE>`."""

    fault_strikes = FAULTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        base = scope["path_params"]["base"]
        self.vendor.requests += 1

        def perform(fault: str | None) -> Reply:
            return Reply(to_json(self.vendor.document(base)), 200, JSON)

        await self.serve("read", perform, scope, receive, send)

    def refusal(self, refused: Refused) -> Reply:
        return Reply(to_json({"result": "error", "error-type": refused.reason}), 404, JSON)

    def refuses(self, fault: str, kind: str) -> bool:
        return fault in _CANNED

    def canned(self, fault: str, kind: str) -> Reply:
        status, error = _CANNED[fault]
        return Reply(to_json({"result": "error", "error-type": error}), status, JSON)


_CANNED = {
    "http_500": (500, "internal-error"),
    "rate_limited": (429, "rate-limited"),
    "no_rates": (200, "quota-reached"),
}


def parse_changes(payload: dict[str, Any]) -> dict[str, Any]:
    """Check a `POST /_sandbox/config` body for the vendor `rates`.

    Raises:
        BadConfig: A field is unknown or its value makes no sense.
    """
    return parse_with(_PARSERS, payload)


def _rates(name: str, value: Any) -> tuple[tuple[str, Decimal], ...]:
    """What is given replaces the rates of its currencies, for one dollar; null takes a currency out."""
    sentence = f"{name} must be an object of currency codes with positive numbers, or null to take one out."
    if not isinstance(value, dict):
        raise BadConfig(sentence)
    known = dict(FOR_ONE_DOLLAR)
    for code, rate in value.items():
        if rate is None:
            known.pop(code, None)
            continue
        if isinstance(rate, bool) or not isinstance(rate, int | float | str):
            raise BadConfig(sentence)
        try:
            number = Decimal(str(rate))
        except InvalidOperation:
            raise BadConfig(sentence) from None
        if not number.is_finite() or number <= 0:
            raise BadConfig(sentence)
        known[code] = number
    return tuple(known.items())


_PARSERS: dict[str, Parser] = {
    "latency_ms": between(0, 120_000),
    "fault_rate": between(0, 1),
    "faults": names_of(frozenset(FAULTS)),
    "hang_s": between(0, 300),
    "age_s": between(0, MAX_SECONDS),
    "rates": _rates,
}
