"""Asking a provider for everything that is open: one task per provider and cycle, as few calls as the protocol allows."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from verifications.enums import Status
from verifications.models import Attempt, Message, Provider
from verifications.providers.base import OrderRef, SmsProvider, Snapshot
from verifications.providers.errors import NotSupported, ProviderError
from verifications.services import buying, health, rate_limit, receiving
from verifications.services.concurrently import gather
from verifications.services.provider_accounts import adapter_for

log = structlog.get_logger(__name__)

_LOCK_TTL_S = 60
_SINGLES_A_CYCLE = 200  # beside a list call; the rest waits for the next cycle


@dataclass(frozen=True, slots=True)
class Watched:
    """What the poller needs of an attempt; plain values, because ten thousand of them are normal."""

    attempt_id: uuid.UUID
    order_id: str
    phone_number: str
    sms_round: int
    age_s: float
    is_late: bool
    is_due: bool

    @property
    def ref(self) -> OrderRef:
        return OrderRef(self.order_id, self.sms_round, self.phone_number)


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one cycle did, for logs and benchmarks."""

    watched: int = 0
    listed: int = 0
    checked: int = 0
    applied: int = 0
    seconds: float = 0.0


def providers_to_poll() -> list[int]:
    """Providers with anything to look at."""
    return list(
        Attempt.objects.filter(watch_until__gt=timezone.now())
        .order_by()
        .values_list("provider_id", flat=True)
        .distinct()
    )


def poll_provider(provider_id: int) -> Cycle | None:
    """Run one cycle unless one is under way or the provider's breaker is open (None then)."""
    provider = Provider.objects.get(pk=provider_id)
    with _one_at_a_time(provider.slug) as mine:
        if not mine or not health.allows(provider.slug):
            return None
        return _cycle(provider)


def _cycle(provider: Provider) -> Cycle:
    started = time.perf_counter()
    watched = list(_watched(provider))
    if not watched:
        return Cycle()
    adapter = adapter_for(provider)
    listed: dict[str, Snapshot] = {}
    missing: Sequence[Watched] = watched
    if adapter.capabilities.list_open and any(not item.is_late for item in watched):
        try:
            listed = _list(provider, adapter, watched)
        except ProviderError as error:
            # An error is not an empty list: nothing is concluded from it.
            log.warning("List call failed", provider=provider.slug, reason=error.code)
            buying.note_health(provider, error)
            return Cycle(watched=len(watched), seconds=time.perf_counter() - started)
        missing = [item for item in watched if item.order_id not in listed]
    due = [item for item in missing if item.is_due]
    if listed:
        due = due[:_SINGLES_A_CYCLE]
    _postpone(due)
    snapshots = _present(watched, listed)
    applied = _apply(snapshots)
    checked = 0
    for batch in _in_batches(due, 500):
        results = _check(provider, adapter, batch)
        checked += len(results)
        applied += _apply(results)
    return Cycle(len(watched), len(listed), checked, applied, time.perf_counter() - started)


def _watched(provider: Provider) -> Iterator[Watched]:
    now = timezone.now()
    rows = (
        Attempt.objects.filter(provider=provider, watch_until__gt=now)
        .exclude(verification__status=Status.COMPLETED)
        .values_list(
            "pk",
            "provider_order_id",
            "phone_number",
            "sms_round",
            "started_at",
            "next_check_at",
            "verification__status",
        )
    )
    for pk, order_id, phone, sms_round, started_at, next_check_at, status in rows.iterator(chunk_size=2000):
        yield Watched(
            pk,
            order_id,
            phone,
            sms_round,
            age_s=(now - started_at).total_seconds(),
            is_late=status not in {Status.WAITING, Status.RECEIVED},
            is_due=next_check_at is None or next_check_at <= now,
        )


def _list(provider: Provider, adapter: SmsProvider, watched: Iterable[Watched]) -> dict[str, Snapshot]:
    rate_limit.wait_turn(provider, max_wait_s=5.0)
    try:
        listed = adapter.fetch_open({item.order_id: item.sms_round for item in watched})
    except NotSupported:
        return {}
    health.record_success(provider.slug)
    return listed


def _present(watched: Iterable[Watched], listed: dict[str, Snapshot]) -> list[tuple[uuid.UUID, Snapshot]]:
    return [(item.attempt_id, listed[item.order_id]) for item in watched if item.order_id in listed]


def _check(
    provider: Provider, adapter: SmsProvider, batch: Sequence[Watched]
) -> list[tuple[uuid.UUID, Snapshot]]:
    """Check orders one by one, concurrently, within the provider's rate limit."""

    def check(item: Watched) -> tuple[uuid.UUID, Snapshot] | None:
        if not rate_limit.wait_turn(provider, max_wait_s=10.0):
            return None
        try:
            return item.attempt_id, adapter.fetch(item.ref)
        except ProviderError as error:
            buying.note_health(provider, error)
            log.info("Check failed", attempt=str(item.attempt_id), reason=error.code)
            return None

    results = [result for result in gather(check, batch) if result is not None]
    if results:
        health.record_success(provider.slug)
    return results


def _apply(snapshots: Sequence[tuple[uuid.UUID, Snapshot]]) -> int:
    """Apply what holds news; most snapshots hold none and cost no transaction."""
    with_messages = [attempt_id for attempt_id, snapshot in snapshots if snapshot.messages]
    known = set(Message.objects.filter(attempt_id__in=with_messages).values_list("attempt_id", "dedupe_key"))
    deadlines = _deadlines([pair for pair in snapshots if pair[1].expires_at is not None])
    news = [
        (attempt_id, snapshot)
        for attempt_id, snapshot in snapshots
        if snapshot.state.is_terminal
        or (snapshot.expires_at is not None and deadlines.get(attempt_id) != snapshot.expires_at)
        or any((attempt_id, message.dedupe_key) not in known for message in snapshot.messages)
    ]
    # Side by side, so that the commits share the disk. One order's fault does not keep the codes of the others.
    gather(_apply_one, news, limit=settings.APPLY_CONCURRENCY)
    return len(news)


def _apply_one(item: tuple[uuid.UUID, Snapshot]) -> None:
    attempt_id, snapshot = item
    receiving.apply_snapshot(attempt_id, snapshot)


def _deadlines(snapshots: Sequence[tuple[uuid.UUID, Snapshot]]) -> dict[uuid.UUID, dt.datetime | None]:
    if not snapshots:
        return {}
    ids = [attempt_id for attempt_id, _snapshot in snapshots]
    return dict(Attempt.objects.filter(pk__in=ids).values_list("pk", "expires_at"))


def _postpone(items: Sequence[Watched]) -> None:
    """Set the next single check: soon for a young order, less often for an older one, rarely after its end."""
    now = timezone.now()
    groups: dict[float, list[uuid.UUID]] = {}
    for item in items:
        delay = settings.LATE_CHECK_INTERVAL_S if item.is_late else (3.0 if item.age_s < 120 else 6.0)
        groups.setdefault(delay, []).append(item.attempt_id)
    for delay, ids in groups.items():
        Attempt.objects.filter(pk__in=ids).update(next_check_at=now + dt.timedelta(seconds=delay))


@contextmanager
def _one_at_a_time(slug: str) -> Iterator[bool]:
    """At most one cycle per provider; without Redis cycles may overlap, which repeats work and harms nothing."""
    key, token = f"poll:{slug}", uuid.uuid4().hex
    mine = cache.add(key, token, timeout=_LOCK_TTL_S)
    if mine is False and cache.get(key) is None:
        mine = True  # Redis is away: `add` could not have stored anything
    try:
        yield bool(mine)
    finally:
        if mine and cache.get(key) == token:
            cache.delete(key)


def _in_batches(items: Sequence[Watched], size: int) -> Iterator[Sequence[Watched]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
