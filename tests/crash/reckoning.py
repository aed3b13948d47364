"""Our books laid beside the sellers' own: every difference as a sentence.

The sandbox's state is the outside truth about what was sold, and nothing here asks the product how it sees itself: rows are
read by SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.live_stack import LiveStack

OPEN = ("ordering", "waiting", "received")
REFUNDED = {"cancelled", "expired", "banned"}
CHARGED = {"finished"}
STILL_OPEN = {"waiting", "received", "waiting_retry"}

_ATTEMPTS = """
SELECT a.id::text, a.verification_id::text AS verification, a.provider_order_id, a.outcome, a.closing,
       a.is_cost_booked, p.slug AS provider,
       (SELECT coalesce(sum(t.amount), 0) FROM billing_transfer t WHERE t.key = 'cost:' || a.id) AS booked,
       (SELECT count(*) FROM verifications_message m WHERE m.attempt_id = a.id) AS messages
FROM verifications_attempt a JOIN verifications_provider p ON p.id = a.provider_id
"""
_VERIFICATIONS = """
SELECT v.id::text, v.status, v.price, v.expires_at < now() AS is_overdue, v.attempt_id::text AS attempt,
       v.received_at IS NOT NULL AS has_code, v.code, h.amount AS held,
       (SELECT array_agg(t.kind || ' ' || t.amount) FROM billing_transfer t WHERE t.pending_id = h.sequence) AS resolutions
FROM verifications_verification v JOIN billing_transfer h ON h.id = v.hold_id
"""


@dataclass(frozen=True)
class Reckoning:
    """Both sides at one moment.

    Args:
        ours: Attempts by id.
        orders: Verifications by id.
        theirs: What the sellers sold, by (seller, order id).
    """

    ours: dict[str, dict[str, Any]]
    orders: dict[str, dict[str, Any]]
    theirs: dict[tuple[str, str], dict[str, Any]]
    bought: dict[tuple[str, str], dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        bought = [attempt for attempt in self.ours.values() if attempt["outcome"] == "bought"]
        object.__setattr__(self, "bought", {_key(attempt): attempt for attempt in bought})


def take(live: LiveStack) -> Reckoning:
    """Read both sides: theirs first, since what is sold is known to us before or after, never not at all."""
    theirs = {(order["vendor"], order["id"]): order for order in live.sandbox_orders().values()}
    return Reckoning(
        ours={row["id"]: row for row in live.rows(_ATTEMPTS)},
        orders={row["id"]: row for row in live.rows(_VERIFICATIONS)},
        theirs=theirs,
    )


def undecided(seen: Reckoning) -> list[str]:
    """What still waits for somebody to do something."""
    found = [
        f"order {order['id']} is {order['status']}{', overdue' if order['is_overdue'] else ''}"
        for order in seen.orders.values()
        if order["status"] in OPEN
    ]
    for attempt in seen.ours.values():
        if attempt["outcome"] in {"calling", "doubtful"}:
            found.append(f"attempt {attempt['id']} is {attempt['outcome']}")
        if attempt["closing"] in {"cancel_due", "finish_due"}:
            found.append(f"attempt {attempt['id']} is {attempt['closing']} at {attempt['provider']}")
    for (name, order_id), sold in seen.theirs.items():
        if sold["status"] in STILL_OPEN:
            found.append(f"{name} order {order_id} is {sold['status']}")
    return found


def differences(seen: Reckoning) -> list[str]:
    """Where our record of what we bought and charged is not what the sellers sold and kept."""
    return [*_sales(seen), *_money_upstream(seen), *_money_here(seen), *_codes(seen)]


def _sales(seen: Reckoning) -> list[str]:
    """Every sale of theirs is one purchase of ours, and the other way round."""
    found = [
        f"{name} sold {order_id} ({sold['status']}, {len(sold['messages'])} SMS) and we do not know it"
        for (name, order_id), sold in seen.theirs.items()
        if (name, order_id) not in seen.bought
    ]
    for name, order_id in seen.bought.keys() - seen.theirs.keys():
        found.append(f"we say {name} sold us {order_id} and it did not")
    if sum(attempt["outcome"] == "bought" for attempt in seen.ours.values()) != len(seen.bought):
        found.append("one of their orders is two attempts of ours")
    for attempt in seen.ours.values():
        if attempt["closing"] == "abandoned":
            found.append(f"attempt {attempt['id']} was given up unclosed")
    return found


def _money_upstream(seen: Reckoning) -> list[str]:
    """We booked a cost for exactly what they kept, and as much."""
    found = []
    for key, order in seen.theirs.items():
        attempt = seen.bought.get(key)
        if attempt is None:
            continue
        is_charged = order["status"] in CHARGED
        if is_charged != attempt["is_cost_booked"]:
            found.append(
                f"{key[0]} order {key[1]} is {order['status']} with {len(order['messages'])} SMS, and we have "
                f"{'booked' if attempt['is_cost_booked'] else 'not booked'} its cost ({attempt['messages']} SMS here, "
                f"order {seen.orders[attempt['verification']]['status']}, {attempt['closing']})"
            )
        elif is_charged and Decimal(order["price"]) != attempt["booked"]:
            found.append(f"{key[0]} order {key[1]} cost {order['price']}, and we booked {attempt['booked']}")
    return found


def _money_here(seen: Reckoning) -> list[str]:
    """Each order's hold was resolved once, the way its end says."""
    found = []
    for order in seen.orders.values():
        if order["status"] in OPEN:
            continue
        kind = "post_pending" if order["status"] == "completed" else "void_pending"
        if order["resolutions"] != [f"{kind} {order['held']}"]:
            found.append(
                f"order {order['id']} is {order['status']} and its hold of {order['held']} was resolved by {order['resolutions']}"
            )
        if order["held"] != order["price"]:
            found.append(f"order {order['id']} costs {order['price']} and {order['held']} was held")
        if order["has_code"] != (order["status"] == "completed"):
            found.append(
                f"order {order['id']} is {order['status']} and has {'a' if order['has_code'] else 'no'} code"
            )
    return found


def _codes(seen: Reckoning) -> list[str]:
    """A customer's code is one that the seller had for that very number."""
    found = []
    for order in seen.orders.values():
        attempt = seen.ours.get(order["attempt"] or "")
        sold = seen.theirs.get(_key(attempt)) if attempt else None
        if not (sold and order["code"]):
            continue
        if order["code"] not in {message["code"] for message in sold["messages"]}:
            found.append(f"order {order['id']} shows a code that its seller never had")
    return found


def only(seen: Reckoning, verification_ids: Sequence[str]) -> Reckoning:
    """The part of a reckoning that belongs to some orders, with the sales that claim to be theirs."""
    orders = {id_: seen.orders[id_] for id_ in verification_ids}
    ours = {id_: attempt for id_, attempt in seen.ours.items() if attempt["verification"] in orders}
    others = {
        _key(attempt)
        for id_, attempt in seen.ours.items()
        if id_ not in ours and attempt["outcome"] == "bought"
    }
    return Reckoning(ours, orders, {key: order for key, order in seen.theirs.items() if key not in others})


def _key(attempt: dict[str, Any]) -> tuple[str, str]:
    return attempt["provider"].removeprefix("sandbox-"), attempt["provider_order_id"]
