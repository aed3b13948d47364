"""What a vendor can be told to do, with the checks that keep a typing error from passing silently."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.faults import ACTION_KINDS, FAULTS

MAX_SECONDS = 366 * 86_400

Parser = Callable[[str, Any], Any]
"""Takes a field's name and value and returns what to keep, or raises `BadConfig`."""


class BadConfig(ValueError):
    """The message is a sentence for the person who sent the configuration."""


@dataclass(frozen=True, slots=True)
class VendorConfig:
    """Behaviour of one vendor; immutable, replaced as a whole."""

    latency_ms: float = 0.0
    fault_rate: float = 0.0
    faults: tuple[str, ...] = ()
    fault_actions: tuple[str, ...] = ()
    delivery_rate: float = 1.0
    delivery_s: tuple[float, float] = (2.0, 6.0)
    stock: int | None = None
    price_factor: Decimal = Decimal(1)
    cancel_lock_s: float = 120.0
    lifetime_s: float = 1200.0
    hang_s: float = 40.0

    def as_json(self) -> dict[str, Any]:
        """Plain values for the control API."""
        return {**asdict(self), "price_factor": format(self.price_factor, "f")}


def parse_changes(payload: dict[str, Any]) -> tuple[dict[str, Any], Decimal | None]:
    """Check a `POST /_sandbox/config` body.

    Returns:
        Changes for `VendorConfig`, and the new prepaid balance if one was given.

    Raises:
        BadConfig: A field is unknown or its value makes no sense.
    """
    changes = parse_with({**_PARSERS, "balance": _balance}, payload)
    balance: Decimal | None = changes.pop("balance", None)
    return changes, balance


def parse_with(parsers: Mapping[str, Parser], payload: dict[str, Any]) -> dict[str, Any]:
    """Check each field with the parser of its name.

    Raises:
        BadConfig: A field is unknown or its value makes no sense.
    """
    changes: dict[str, Any] = {}
    for name, value in payload.items():
        if name not in parsers:
            raise BadConfig(f"Unknown field {name!r}; known: {', '.join(sorted(parsers))}, vendor.")
        changes[name] = parsers[name](name, value)
    return changes


def apply_changes(config: VendorConfig, changes: dict[str, Any]) -> VendorConfig:
    """Return the configuration with `changes` laid over it."""
    return replace(config, **changes)


def between(low: float, high: float) -> Callable[[str, Any], float]:
    """A parser of numbers within limits."""

    def parse(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise BadConfig(f"{name} must be a number between {low:g} and {high:g}.")
        return float(value)

    return parse


def _decimal(name: str, value: Any, *, minimum: Decimal) -> Decimal:
    sentence = f"{name} must be a decimal number of at least {minimum}."
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadConfig(sentence)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise BadConfig(sentence) from None
    if not number.is_finite() or number < minimum or number > Decimal(10) ** 12:
        raise BadConfig(sentence)
    return number


def _balance(name: str, value: Any) -> Decimal:
    return _decimal(name, value, minimum=Decimal(0))


def _price_factor(name: str, value: Any) -> Decimal:
    return _decimal(name, value, minimum=Decimal("0.0001"))


def _stock(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000_000:
        raise BadConfig(f"{name} must be a whole number from 0, or null for plausible stock.")
    return value


def _delivery_s(name: str, value: Any) -> tuple[float, float]:
    sentence = f"{name} must be [min, max] in seconds, with 0 <= min <= max."
    if not isinstance(value, list) or len(value) != 2:
        raise BadConfig(sentence)
    low, high = (between(0, MAX_SECONDS)(name, part) for part in value)
    if low > high:
        raise BadConfig(sentence)
    return low, high


def names_of(known: frozenset[str]) -> Callable[[str, Any], tuple[str, ...]]:
    """A parser of lists of known names."""

    def parse(name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
            raise BadConfig(f"{name} must be a list of names.")
        if unknown := [item for item in value if item not in known]:
            raise BadConfig(f"{name} does not know {unknown[0]!r}; known: {', '.join(sorted(known))}.")
        return tuple(dict.fromkeys(value))

    return parse


_PARSERS: dict[str, Parser] = {
    "latency_ms": between(0, 120_000),
    "fault_rate": between(0, 1),
    "faults": names_of(frozenset(FAULTS)),
    "fault_actions": names_of(ACTION_KINDS),
    "delivery_rate": between(0, 1),
    "delivery_s": _delivery_s,
    "stock": _stock,
    "price_factor": _price_factor,
    "cancel_lock_s": between(0, MAX_SECONDS),
    "lifetime_s": between(0.001, MAX_SECONDS),
    "hang_s": between(0, 300),
}
