"""The event log: what is written, and that a reader who resumes misses nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as project_settings
from django.db import IntegrityError, connection, connections, transaction
from pytest_django import DjangoAssertNumQueries, Settings
from redis import Redis

from accounts import selectors
from accounts.enums import EventType
from accounts.models import Event, User
from accounts.services import events
from tests.factories.accounts import UserFactory, record_event

WITHOUT_LOCK = events.INSERT.replace(
    "SELECT pg_advisory_xact_lock(%(space)s, (%(user)s::bigint %% 2147483647)::int)",
    "SELECT %(space)s::int, %(user)s::bigint",
)


@pytest.mark.django_db
def test_record_returns_the_event_as_stored() -> None:
    user = UserFactory.create()

    event = record_event(user, EventType.VERIFICATION_RECEIVED, code="4821", price="0.3500")

    assert list(Event.objects.all()) == [event]
    stored = Event.objects.get()
    assert (stored.user_id, stored.type, stored.subject, stored.data, stored.sequence, stored.created_at) == (
        user.pk,
        "verification.received",
        "verification:1",
        {"code": "4821", "price": "0.3500"},
        event.sequence,
        event.created_at,
    )


@pytest.mark.django_db(transaction=True)
def test_record_outside_a_transaction_is_refused() -> None:
    user = UserFactory.create()

    with pytest.raises(transaction.TransactionManagementError):
        events.record(user_id=user.pk, type=EventType.VERIFICATION_WAITING, subject="verification:1", data={})

    assert Event.objects.count() == 0


@pytest.mark.django_db
def test_record_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    user = UserFactory.create()

    with django_assert_num_queries(1):
        events.record(user_id=user.pk, type=EventType.VERIFICATION_WAITING, subject="verification:1", data={})


@pytest.mark.django_db
def test_event_cannot_be_changed() -> None:
    event = record_event(UserFactory.create())

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(subject="verification:2")

    assert Event.objects.get().subject == "verification:1"


@pytest.mark.django_db
def test_event_may_be_deleted_by_retention() -> None:
    record_event(UserFactory.create())

    Event.objects.all().delete()

    assert Event.objects.count() == 0


@pytest.mark.django_db
def test_selectors_show_only_the_owners_events() -> None:
    owner, other = UserFactory.create_batch(2)
    first, foreign, second = record_event(owner), record_event(other), record_event(owner)

    assert selectors.events_after(owner.pk, 0, 10) == [first, second]
    assert selectors.events_after(owner.pk, first.sequence, 10) == [second]
    assert selectors.events_after(owner.pk, 0, 1) == [first]
    assert selectors.sequence_of(owner.pk, first.pk) == first.sequence
    assert selectors.sequence_of(owner.pk, foreign.pk) is None
    assert selectors.newest_sequence(owner.pk) == second.sequence


@pytest.mark.django_db(transaction=True)
def test_commit_is_announced_and_rollback_is_not() -> None:
    user = UserFactory.create()
    with (
        Redis.from_url(project_settings.REDIS_URL) as redis,
        redis.pubsub(ignore_subscribe_messages=True) as heard,
    ):
        heard.subscribe(events.CHANNEL)
        heard.get_message(timeout=1)

        with transaction.atomic():
            _record(user, "taken back")
            transaction.set_rollback(True)
        record_event(user)

        assert heard.get_message(timeout=2)["data"] == str(user.pk).encode()
        assert heard.get_message(timeout=0.2) is None


@pytest.mark.django_db(transaction=True)
def test_event_is_kept_when_redis_is_away(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    user = UserFactory.create()

    record_event(user)

    assert Event.objects.filter(user=user).count() == 1


def test_statement_without_lock_differs_from_ours() -> None:
    assert WITHOUT_LOCK != events.INSERT


@pytest.mark.django_db(transaction=True)
def test_resuming_reader_waits_for_the_earlier_event() -> None:
    assert _seen_when_a_later_event_commits_first() == ["first", "second"]


@pytest.mark.django_db(transaction=True)
def test_resuming_reader_without_the_lock_misses_the_earlier_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disabled-guard twin: the same interleaving loses an event for good."""
    monkeypatch.setattr(events, "INSERT", WITHOUT_LOCK)

    assert _seen_when_a_later_event_commits_first() == ["second"]


@pytest.mark.django_db(transaction=True)
def test_users_do_not_wait_for_each_other() -> None:
    slow, quick = UserFactory.create_batch(2)

    with transaction.atomic():
        _record(slow, "first")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_committed, quick, "second").result(timeout=5)

    assert [event.data["name"] for event in selectors.events_after(quick.pk, 0)] == ["second"]


@pytest.mark.django_db(transaction=True)
def test_reader_among_many_writers_sees_every_event_once_and_in_order() -> None:
    user = UserFactory.create()
    writers, each = 6, 25
    seen: list[Event] = []
    is_over = threading.Event()

    def read() -> None:
        while True:
            was_over = is_over.is_set()
            new = selectors.events_after(user.pk, seen[-1].sequence if seen else 0, 10)
            seen.extend(new)
            if was_over and not new:
                connections.close_all()
                return

    def write(writer: int) -> None:
        for number in range(each):
            with transaction.atomic():
                _record(user, f"{writer}-{number}")
                time.sleep(0.001 * ((writer + number) % 3))  # commits in another order than they began
        connections.close_all()

    with ThreadPoolExecutor(writers + 1) as pool:
        reader = pool.submit(read)
        for done in [pool.submit(write, writer) for writer in range(writers)]:
            done.result(timeout=60)
        is_over.set()
        reader.result(timeout=60)

    assert [event.sequence for event in seen] == sorted({event.sequence for event in seen})
    assert {event.data["name"] for event in seen} == {
        f"{writer}-{number}" for writer in range(writers) for number in range(each)
    }


def _seen_when_a_later_event_commits_first() -> list[str]:
    """Draw a number, let another transaction commit the next one if it can, read and resume in between."""
    user = UserFactory.create()
    seen: list[Event] = []

    def read() -> None:
        seen.extend(selectors.events_after(user.pk, seen[-1].sequence if seen else 0))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            _record(user, "first")
            second = pool.submit(_committed, user, "second")
            _wait_until(lambda: second.done() or _waiting_for_lock() == 1)
            pool_reader = ThreadPoolExecutor(1)
            pool_reader.submit(_and_close, read).result(timeout=5)
        second.result(timeout=5)
        read()
        pool_reader.shutdown()
    return [event.data["name"] for event in seen]


def _record(user: User, name: str) -> None:
    events.record(
        user_id=user.pk, type=EventType.VERIFICATION_WAITING, subject="verification:1", data={"name": name}
    )


def _committed(user: User, name: str) -> None:
    def write() -> None:
        with transaction.atomic():
            _record(user, name)

    _and_close(write)


def _and_close(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connections.close_all()


def _waiting_for_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted",
            [events.LOCK_SPACE],
        )
        return int(cursor.fetchone()[0])


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
