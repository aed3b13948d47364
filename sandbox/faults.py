"""The failures a vendor can be told to show: their names, and which calls each can strike.

What a fault looks like on the wire is in serving.py; what each one does is described in docs/sandbox.md.
"""

import random
from collections.abc import Mapping, Sequence

ACTION_KINDS = frozenset({"buy", "read", "cancel", "list", "change", "catalogue", "balance"})
"""`change` is everything else that writes: ready, another SMS, finish."""

_SHOWS_SMS = frozenset({"read", "list"})
_BUY = frozenset({"buy"})
_CANCEL = frozenset({"cancel"})
_SPENDS = frozenset({"buy", "cancel"})

FAULTS: dict[str, frozenset[str]] = {
    # The call is not carried out.
    "timeout_before": ACTION_KINDS,
    "html_200": ACTION_KINDS,
    "http_500": ACTION_KINDS,
    "error_sql": ACTION_KINDS,
    "connection_reset": ACTION_KINDS,
    "unknown_literal": ACTION_KINDS,
    "rate_limited": ACTION_KINDS,
    "rate_limited_bare": ACTION_KINDS,
    "banned": ACTION_KINDS,
    "bad_key": ACTION_KINDS,
    "huge_body": ACTION_KINDS,
    "redirect": ACTION_KINDS,
    "no_balance": _BUY,
    "no_stock": _BUY,
    "early_cancel_denied": _CANCEL,
    # The call is carried out and its answer is lost or damaged.
    "buy_then_timeout": _SPENDS,
    "buy_then_503": _SPENDS,
    "buy_then_html": _SPENDS,
    "truncated_json": ACTION_KINDS,
    "empty_body": ACTION_KINDS,
    # The call is carried out and answered, with something odd about it.
    "slow": ACTION_KINDS,
    "big_id": _BUY,
    "no_code_sms": _BUY,
    "leading_zero_code": _BUY,
    "odd_text": _BUY,
    "sms_after_cancel": _CANCEL,
    "sms_null": _SHOWS_SMS,
    "duplicate_sms": _SHOWS_SMS,
    "balance_4_decimals": frozenset({"balance"}),
}

TEXT_STYLES = frozenset({"no_code_sms", "leading_zero_code", "odd_text"})


def pick(
    rng: random.Random,
    *,
    kind: str,
    rate: float,
    faults: Sequence[str],
    only: Sequence[str],
    strikes: Mapping[str, frozenset[str]] = FAULTS,
) -> str | None:
    """Choose the fault for one call, or None.

    Args:
        kind: The kind of the call, one of `ACTION_KINDS`.
        rate: Share of the calls that fail, 0 to 1.
        faults: Names to choose from; those that cannot strike this kind of call are passed over.
        only: Kinds of calls that may fail; empty means all.
        strikes: Which kinds of calls each fault of this vendor can strike.
    """
    if not faults or rate <= 0 or (only and kind not in only):
        return None
    possible = [name for name in faults if kind in strikes[name]]
    if not possible or (rate < 1 and rng.random() >= rate):
        return None
    return rng.choice(possible)
