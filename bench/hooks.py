"""Paystack's webhooks by HTTP: how fast they are acknowledged, and a storm of everything at once about one payment."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvloop
from django.conf import settings

from bench import seed
from bench.client import Connection, form
from bench.load import Load, Shot, burst, closed_loop
from bench.stack import Stack
from billing.enums import TransferCode, WebhookState
from billing.models import Deposit, Transfer, WebhookEvent

PATH = "/webhooks/paystack"
CONNECTIONS = 16
TRIGGERS = 1_000
SEED = 20261121
MOST_PER_S = 2_000  # bodies prepared for each second: more than even the bare view acknowledges
DRAIN_S = 60.0

Webhook = tuple[dict[str, str], bytes]  # headers and body
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stormed:
    """What one storm left behind.

    Attributes:
        by_kind: Each kind of trigger by its name.
        credited_s: From the first trigger to the credit.
        drained_s: From the last answer until nothing was left to work on.
    """

    by_kind: dict[str, Load]
    acknowledged: Load
    credits: int
    credited_s: float
    drained_s: float
    events: int

    @property
    def faults(self) -> int:
        """Answers that were not 200, or the redirect of a return page; no answer is one, too."""
        return sum(sum(load.faults.values()) for load in self.by_kind.values())


def acknowledge(port: int, document: Document, seconds: float, *, repeated: bool) -> Load:
    """As many webhooks as are acknowledged, signed beforehand: each about another payment, or all the same bytes."""
    deliveries: Iterator[Webhook] = itertools.repeat(_signed(document))
    if not repeated:
        deliveries = iter([_signed(_about(document, n)) for n in range(round(MOST_PER_S * seconds))])
    return uvloop.run(closed_loop(port, _delivery(deliveries), connections=CONNECTIONS, seconds=seconds))


def storm(stack: Stack, owner: seed.Customer, staff: seed.Customer, *, triggers: int = TRIGGERS) -> Stormed:
    """Everything that can make us look at a paid deposit, at once and over and over."""
    (deposit,) = seed.deposits(1, [owner])
    document = _pay(stack, deposit.reference)
    began_at = time.time()
    loads = uvloop.run(_strike(stack.port, deposit, document, owner, staff, triggers))
    drained_s = _drain()
    deposit.refresh_from_db()
    credited_s = deposit.credited_at.timestamp() - began_at if deposit.credited_at else float("nan")
    acknowledged = Load(seconds=max(load.seconds for load in loads.values()))
    for name in ("equal webhooks", "rewritten webhooks"):
        acknowledged.latencies_s += loads[name].latencies_s
    credited = Transfer.objects.filter(reference=f"deposit:{deposit.pk}", code=TransferCode.DEPOSIT)
    return Stormed(
        by_kind=loads,
        acknowledged=acknowledged,
        credits=credited.count(),
        credited_s=credited_s,
        drained_s=drained_s,
        events=WebhookEvent.objects.count(),
    )


def document_of(stack: Stack) -> Document:
    """A webhook as the sandbox writes it."""
    return _pay(stack, f"nm-t-bench-{random.Random(SEED).getrandbits(64):x}")


def _pay(stack: Stack, reference: str) -> Document:
    """A payment at the sandbox, which has no address to send its webhook to: we deliver it."""
    stack.control(
        "/paystack/bulk", references=[reference], amount=seed.PAID_SUBUNITS, paid=True, webhooks=True
    )
    sent = [json.loads(row["body"]) for row in stack.paystack()["webhooks"]]
    found: Document = next(body for body in sent if body["data"]["reference"] == reference)
    return found


def _about(document: Document, number: int) -> Document:
    """The same of another payment."""
    other = {
        "id": document["data"]["id"] + 1 + number,
        "reference": f"{document['data']['reference']}-{number}",
    }
    return {**document, "data": document["data"] | other}


def _signed(document: Document, **style: Any) -> Webhook:
    body = json.dumps(document, **(style or {"separators": (",", ":")})).encode()
    signature = hmac.new(settings.PAYSTACK_SECRET_KEY.encode(), body, hashlib.sha512).hexdigest()
    return {"Content-Type": "application/json", "X-Paystack-Signature": signature}, body


def _delivery(deliveries: Iterator[Webhook]) -> Shot:
    async def shot(connection: Connection) -> str:
        headers, body = next(deliveries)
        answer = await connection.request("POST", PATH, headers=headers, body=body)
        return "" if answer.status == 200 else f"status {answer.status}"

    return shot


async def _strike(
    port: int,
    deposit: Deposit,
    document: Document,
    owner: seed.Customer,
    staff: seed.Customer,
    triggers: int,
) -> dict[str, Load]:
    each = triggers // 4
    rewritten = [_signed(document | {"delivery": n}, indent=1 + n % 8) for n in range(each)]
    shots: list[tuple[str, Shot]] = [
        *[("equal webhooks", _delivery(itertools.repeat(_signed(document))))] * each,
        *[("rewritten webhooks", _delivery(iter(rewritten)))] * each,
        *[("return pages", _coming_back(deposit, owner))] * each,
        *[("asked by staff", _asking(deposit, staff))] * (triggers - 3 * each),
    ]
    random.Random(SEED).shuffle(shots)
    return await burst(port, shots, connections=CONNECTIONS)


def _coming_back(deposit: Deposit, owner: seed.Customer) -> Shot:
    path = f"/wallet/top-up/return/?reference={deposit.reference}"

    async def shot(connection: Connection) -> str:
        answer = await connection.request("GET", path, headers={"Cookie": owner.cookie})
        return "" if answer.status == 302 else f"status {answer.status}"

    return shot


def _asking(deposit: Deposit, staff: seed.Customer) -> Shot:
    """The console's button for staff: no lease, straight to the deposit's lock."""
    path = f"/ops/billing/deposit/{deposit.pk}/act/settle/"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": staff.cookie}
    body = form({"csrfmiddlewaretoken": seed.CSRF})

    async def shot(connection: Connection) -> str:
        answer = await connection.request("POST", path, headers=headers, body=body)
        return "" if answer.status == 302 else f"status {answer.status}"

    return shot


def _drain() -> float:
    """Wait until the workers have been through the inbox; returns how long that took."""
    started = time.perf_counter()
    while WebhookEvent.objects.filter(state=WebhookState.PENDING).exists():
        if time.perf_counter() - started > DRAIN_S:
            raise RuntimeError("The inbox of webhooks was not worked through.")
        time.sleep(0.05)
    return time.perf_counter() - started
