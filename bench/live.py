"""From the SMS at the seller to the code on the page: 1,000 open orders, 200 browsers that follow the stream."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import uvloop
from django.conf import settings

from bench import cpu, seed
from bench.client import Connection, read_chunk, read_head
from bench.results import Figure, Result, percentile
from bench.stack import Stack, running
from billing.services import books

ORDERS, LISTENERS = 1_000, 200
RATE_PER_S = 10.0
LAST_WORDS_S = 10.0
SEED = 20261120
PROCESSING_MS = 300


@dataclass(slots=True)
class Delivery:
    """One SMS on its way; times of `time.perf_counter`."""

    code: str
    sent_at: float
    heard_at: float = 0.0
    shown_at: float = 0.0


@dataclass(slots=True)
class Audience:
    """Who listens, and what they were told."""

    port: int
    deliveries: dict[str, Delivery] = field(default_factory=dict)  # by verification
    frames: int = 0
    strangers: int = 0
    listening: int = 0
    all_here: asyncio.Event = field(default_factory=asyncio.Event)
    unshown: list[str] = field(default_factory=list)


def run(*, quick: bool) -> Result:
    """Deliver to random orders at a steady rate and time each until its code is on the page."""
    orders, listeners, seconds = (200, 50, 8.0) if quick else (ORDERS, LISTENERS, 40.0)
    with running("sandbox", "web", "worker", "beat") as stack:
        stack.control("/config", vendor="handler", balance="1000000")
        seller = seed.provider()
        people = seed.customers(listeners)
        opened = seed.open_orders(seller, stack.control("/bulk", vendor="handler", count=orders), people)
        before = cpu.seconds(stack.pids)
        audience = uvloop.run(_watch(stack, people, opened, seconds))
        used = {
            name: round(total - before.get(name, 0.0), 2) for name, total in cpu.seconds(stack.pids).items()
        }
        report = books.verify()
    sent = list(audience.deliveries.values())
    heard = [(each.heard_at - each.sent_at) * 1000 for each in sent if each.heard_at]
    shown = [(each.shown_at - each.sent_at) * 1000 for each in sent if each.shown_at]
    drawn = [(each.shown_at - each.heard_at) * 1000 for each in sent if each.shown_at]
    lost = len(sent) - len(shown)
    limit_ms, poll_ms = settings.POLL_INTERVAL_S * 1000 + PROCESSING_MS, settings.POLL_INTERVAL_S * 1000
    p95 = percentile(shown, 0.95)
    words = f"SMS → shown, {orders:,} open orders, {listeners} listeners"
    interval = "poll interval"
    figures = (
        Figure(f"{words}, p50", percentile(shown, 0.5), "ms", poll_ms / 2, f"half the {interval}"),
        Figure(f"{words}, p95", p95, "ms", poll_ms * 0.95, f"95 % of the {interval}", f"< {limit_ms:.0f} ms", p95 < limit_ms),
        Figure(f"{words}, max", percentile(shown, 1.0), "ms", poll_ms, interval),
        Figure("SMS → event at the browser, p95", percentile(heard, 0.95), "ms", poll_ms * 0.95, f"95 % of the {interval}"),
        Figure("event → fragment drawn anew, p95", percentile(drawn, 0.95), "ms"),
        Figure(f"codes lost of {len(sent)}", float(lost), "", goal="0", met=lost == 0),
        Figure("events heard by somebody else", float(audience.strangers), "", goal="0", met=audience.strangers == 0),
        Figure("differences in the books", float(sum(report.found.values())), "", goal="0", met=report.is_clean),
    )  # fmt: skip
    details = {
        "delivered": len(sent),
        "frames": audience.frames,
        "rate_per_s": RATE_PER_S,
        "seconds": seconds,
        "poll_interval_s": settings.POLL_INTERVAL_S,
        "cpu_s": used,
        "unshown": audience.unshown[:10],
    }
    return Result("live", figures, details)


async def _watch(
    stack: Stack, people: Sequence[seed.Customer], opened: Sequence[seed.OpenOrder], seconds: float
) -> Audience:
    audience = Audience(stack.port)
    orders_of: defaultdict[int, set[str]] = defaultdict(set)
    for order in opened:
        orders_of[order.owner.user_id].add(order.verification_id)
    listeners = [
        asyncio.create_task(_listen(audience, person, orders_of[person.user_id], len(people)))
        for person in people
    ]
    await asyncio.wait_for(audience.all_here.wait(), 30)
    await asyncio.sleep(settings.POLL_INTERVAL_S)
    await _deliver(audience, opened, seconds)
    for _ in range(round(LAST_WORDS_S / 0.05)):
        if all(each.shown_at for each in audience.deliveries.values()):
            break
        await asyncio.sleep(0.05)
    for listener in listeners:
        listener.cancel()
    ends = await asyncio.gather(*listeners, return_exceptions=True)
    audience.unshown += [repr(end) for end in ends if not isinstance(end, asyncio.CancelledError)]
    return audience


async def _deliver(audience: Audience, opened: Sequence[seed.OpenOrder], seconds: float) -> None:
    """One SMS each to a random choice of the orders. Random moments, since the poll's rhythm is fixed."""
    dice = random.Random(SEED)
    chosen = dice.sample(list(opened), min(len(opened), round(RATE_PER_S * seconds)))
    moments = sorted(dice.uniform(0, seconds) for _ in chosen)
    sandbox_port = int(settings.SANDBOX_URL.rpartition(":")[2])
    started = time.perf_counter()
    async with Connection(sandbox_port) as control:
        for order, moment in zip(chosen, moments, strict=True):
            await asyncio.sleep(max(0.0, started + moment - time.perf_counter()))
            code = f"{dice.randrange(100_000, 1_000_000)}"
            body = json.dumps(
                {"text": f"Your code is {code}", "sender": "Bench", "vendor": "handler"}
            ).encode()
            audience.deliveries[order.verification_id] = Delivery(code, time.perf_counter())
            answer = await control.request("POST", f"/_sandbox/orders/{order.order_id}/deliver", body=body)
            if answer.status != 200:
                raise RuntimeError(f"The sandbox answered {answer.status}: {answer.body[:200]!r}")


async def _listen(audience: Audience, person: seed.Customer, own: set[str], expected: int) -> None:
    """Follow one customer's stream and, as live.js does, fetch the live part of the order an event names."""
    async with AsyncExitStack() as stack:
        stream = await stack.enter_async_context(Connection(audience.port))
        pages = await stack.enter_async_context(Connection(audience.port))
        reader = await stream.send("GET", "/events/stream", headers={"Cookie": person.cookie})
        status, _ = await read_head(reader)
        if status != 200:
            raise RuntimeError(f"The stream answered {status}.")
        audience.listening += 1
        if audience.listening == expected:
            audience.all_here.set()
        unread = b""
        while chunk := await read_chunk(reader):
            *frames, unread = (unread + chunk).split(b"\n\n")
            for frame in frames:
                await _hear(audience, pages, person, own, frame)


async def _hear(
    audience: Audience, pages: Connection, person: seed.Customer, own: set[str], frame: bytes
) -> None:
    if b"event: verification.received" not in frame:
        return
    now = time.perf_counter()
    audience.frames += 1
    event = json.loads(frame.partition(b"data: ")[2])
    verification = event["data"]["verification"]
    if verification not in own:
        audience.strangers += 1
        return
    delivery = audience.deliveries.get(verification)
    if delivery is None or delivery.heard_at:
        return
    delivery.heard_at = now
    headers = {"Cookie": person.cookie, "HX-Request": "true"}
    answer = await pages.request("GET", f"/verifications/{verification}/", headers=headers)
    if answer.status == 200 and delivery.code.encode() in answer.body:
        delivery.shown_at = time.perf_counter()
    else:
        audience.unshown.append(f"{answer.status}: {verification}")
