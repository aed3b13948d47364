"""What the integration can be told to do, checked field by field."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.config import MAX_SECONDS, BadConfig, between, names_of, parse_with
from sandbox.paystack.faults import FAULTS, KINDS

CURRENCIES = frozenset({"NGN", "GHS", "KES", "ZAR", "USD", "XOF", "EGP", "RWF"})
METADATA_SHAPES = frozenset({"as_sent", "empty_string", "null", "zero", "json_string"})
REFUND_OUTCOMES = frozenset({"processed", "failed", "needs-attention", "stuck"})
CHARGE_OUTCOMES = frozenset(
    {"success", "declined", "insufficient_funds", "paused", "pending", "expired_card", "denied"}
)
SCHEDULES = frozenset({"live", "test"})
DUPLICATES = frozenset({"same_bytes", "other_order", "mixed"})
MAX_SUBUNITS = 10**15


@dataclass(frozen=True, slots=True)
class PaystackConfig:
    """Behaviour of the integration; immutable, replaced as a whole. Shares are from 0 to 1."""

    latency_ms: float = 0.0
    fault_rate: float = 0.0
    faults: tuple[str, ...] = ()
    fault_actions: tuple[str, ...] = ()
    hang_s: float = 40.0
    currencies: tuple[str, ...] = ("NGN", "GHS", "KES", "ZAR", "USD")
    # Payments. Each share says how many of the successful ones are odd in this way.
    fees_on_customer: bool = False
    amount_short: float = 0.0
    amount_over: float = 0.0
    other_currency: float = 0.0
    wrong_mode: float = 0.0
    bank_transfer_s: float = 5.0
    late_transfer_s: float = 180.0
    charge_outcome: str = "success"
    assign_outcome: str = "success"
    # Answers.
    metadata_shape: str = "as_sent"
    odd_shapes: bool = False
    list_time: str = "paid"
    # Refunds.
    refund_outcome: str = "processed"
    refund_s: float = 5.0
    # Webhooks.
    webhook_url: str = ""
    webhook_schedule: str | None = None
    webhook_loss: float = 0.0
    webhook_duplicate: float = 0.0
    webhook_duplicate_as: str = "mixed"
    webhook_reorder: float = 0.0
    webhook_bad_signature: float = 0.0
    webhook_wrong_mode: float = 0.0
    webhook_delay_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain values for the control API."""
        return asdict(self)


def parse_changes(payload: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Check a `POST /_sandbox/config` body for the vendor `paystack`.

    Returns:
        Changes for `PaystackConfig`, and the balance in subunits that every currency shall have, if one was given.

    Raises:
        BadConfig: A field is unknown or its value makes no sense.
    """
    changes = parse_with({**_PARSERS, "balance": _subunits}, payload)
    balance: int | None = changes.pop("balance", None)
    return changes, balance


def _subunits(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SUBUNITS:
        raise BadConfig(f"{name} must be a whole number of subunits from 0.")
    return value


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadConfig(f"{name} must be true or false.")
    return value


def _one_of(known: frozenset[str], *, or_null: bool = False) -> Callable[[str, Any], str | None]:
    def parse(name: str, value: Any) -> str | None:
        if value is None and or_null:
            return None
        if not isinstance(value, str) or value not in known:
            raise BadConfig(f"{name} must be one of {', '.join(sorted(known))}.")
        return value

    return parse


def _address(name: str, value: Any) -> str:
    if not isinstance(value, str) or (value and urlsplit(value).scheme not in {"http", "https"}):
        raise BadConfig(f"{name} must be an address that begins with http, or empty.")
    return value


_SHARE = between(0, 1)
_SECONDS = between(0, MAX_SECONDS)
_PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "latency_ms": between(0, 120_000),
    "fault_rate": _SHARE,
    "faults": names_of(frozenset(FAULTS)),
    "fault_actions": names_of(KINDS),
    "hang_s": between(0, 300),
    "currencies": names_of(CURRENCIES),
    "fees_on_customer": _switch,
    "amount_short": _SHARE,
    "amount_over": _SHARE,
    "other_currency": _SHARE,
    "wrong_mode": _SHARE,
    "bank_transfer_s": _SECONDS,
    "late_transfer_s": _SECONDS,
    "charge_outcome": _one_of(CHARGE_OUTCOMES),
    "assign_outcome": _one_of(frozenset({"success", "failed"})),
    "metadata_shape": _one_of(METADATA_SHAPES),
    "odd_shapes": _switch,
    "list_time": _one_of(frozenset({"created", "paid"})),
    "refund_outcome": _one_of(REFUND_OUTCOMES),
    "refund_s": _SECONDS,
    "webhook_url": _address,
    "webhook_schedule": _one_of(SCHEDULES, or_null=True),
    "webhook_loss": _SHARE,
    "webhook_duplicate": _SHARE,
    "webhook_duplicate_as": _one_of(DUPLICATES),
    "webhook_reorder": _SHARE,
    "webhook_bad_signature": _SHARE,
    "webhook_wrong_mode": _SHARE,
    "webhook_delay_s": _SECONDS,
}
