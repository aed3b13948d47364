"""`/events/stream`: who may listen, from where, and what arrives."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import DatabaseError
from pytest_django import Settings
from redis import Redis

from accounts.enums import EventType
from accounts.models import Event, Session, User
from accounts.services import events, sessions, standing
from accounts.streams import current_hub, hub, reads
from accounts.views import stream
from tests.accounts.viewers import Viewer, cookie_of, in_thread
from tests.factories.accounts import UserFactory, record_event

pytestmark = pytest.mark.django_db(transaction=True)


def test_event_arrives_as_written() -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            event = await in_thread(record_event, user, EventType.VERIFICATION_RECEIVED, code="4821")
            arrived = await viewer.event()

            assert viewer.headers["content-type"] == "text/event-stream"
            assert viewer.headers["cache-control"] == "no-store"
            assert viewer.headers["x-accel-buffering"] == "no"
            assert viewer.raw[0] == "retry: 2000\n\n"
            assert viewer.raw[-1].startswith(f"id: {event.pk}\nevent: verification.received\ndata: {{")
            assert viewer.raw[-1].endswith("}\n\n")
            assert arrived == {
                "id": str(event.pk),
                "type": "verification.received",
                "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
                "data": {"code": "4821"},
            }
            assert datetime.fromisoformat(arrived["created_at"]) == event.created_at

    asyncio.run(scene())


def test_nobody_is_refused() -> None:
    async def scene() -> None:
        async with Viewer(x_request_id="support-4711") as viewer:
            assert viewer.status == 401
            assert viewer.headers["content-type"] == "application/problem+json"
            assert viewer.headers["x-request-id"] == "support-4711"
            assert '"code": "authentication_failed"' in str(await viewer.chunk())

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda user: User.objects.filter(pk=user.pk).update(state="suspended"), 401),
        (lambda user: User.objects.filter(pk=user.pk).update(password="another"), 401),
        (lambda user: None, 200),
    ],
    ids=["deactivated", "password changed", "unchanged"],
)
def test_session_admits_only_while_its_user_may_sign_in(change: object, status: int) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)
    change(user)  # type: ignore[operator]

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            assert viewer.status == status

    asyncio.run(scene())


@pytest.mark.parametrize(("options", "status"), [({"method": "POST"}, 405), ({"host": "evil.example"}, 400)])
def test_other_methods_and_hosts_are_refused(options: dict[str, str], status: int) -> None:
    async def scene() -> None:
        async with Viewer(**options) as viewer:
            assert viewer.status == status
            assert len(viewer.headers["x-request-id"]) == 36

    asyncio.run(scene())


def test_each_hears_only_their_own() -> None:
    owner, other = UserFactory.create_batch(2)
    cookies = [cookie_of(owner), cookie_of(owner), cookie_of(other)]

    async def scene() -> None:
        async with Viewer(cookies[0]) as tab, Viewer(cookies[1]) as phone, Viewer(cookies[2]) as stranger:
            event = await in_thread(record_event, owner)

            assert (await tab.event())["id"] == str(event.pk)
            assert (await phone.event())["id"] == str(event.pk)
            assert await stranger.is_silent()

    asyncio.run(scene())


@pytest.mark.parametrize("way", ["header", "query"])
def test_stream_resumes_behind_the_last_event_seen(way: str) -> None:
    user = UserFactory.create()
    seen, missed, missed_too = (record_event(user, number=number) for number in range(3))
    cookie = cookie_of(user)

    async def scene() -> None:
        last = {"last_event_id": str(seen.pk)} if way == "header" else {"query": f"last_event_id={seen.pk}"}
        async with Viewer(cookie, **last) as viewer:
            live = await in_thread(record_event, user)

            arrived = [(await viewer.event())["id"] for _ in range(3)]
            assert arrived == [str(missed.pk), str(missed_too.pk), str(live.pk)]

    asyncio.run(scene())


@pytest.mark.parametrize("last", ["", "not-an-id", "foreign", "unknown"])
def test_stream_without_an_own_event_to_resume_from_begins_now(last: str) -> None:
    user, other = UserFactory.create_batch(2)
    foreign = record_event(other)
    record_event(user)
    cookie = cookie_of(user)
    header = {"foreign": str(foreign.pk), "unknown": str(uuid.uuid4())}.get(last, last)

    async def scene() -> None:
        async with Viewer(cookie, last_event_id=header) as viewer:
            assert await viewer.is_silent()
            live = await in_thread(record_event, user)
            assert (await viewer.event())["id"] == str(live.pk)

    asyncio.run(scene())


def test_long_absence_is_made_up_for_in_order() -> None:
    user = UserFactory.create()
    written = [str(record_event(user, number=number).pk) for number in range(2 * reads.BATCH + 7)]
    cookie = cookie_of(user)

    async def scene() -> None:
        async with Viewer(cookie, last_event_id=written[0]) as viewer:
            assert [(await viewer.event())["id"] for _ in written[1:]] == written[1:]

    asyncio.run(scene())


def test_lost_announcement_costs_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)
    monkeypatch.setattr(events, "announce", lambda user_id: None)

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            event = await in_thread(record_event, user)
            assert (await viewer.event(timeout=hub.LOOK_EVERY_S + 0.5))["id"] == str(event.pk)

    asyncio.run(scene())


def test_event_arrives_while_redis_is_away(settings: Settings) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            event = await in_thread(record_event, user)
            assert (await viewer.event(timeout=hub.LOOK_EVERY_S + 1))["id"] == str(event.pk)

    asyncio.run(scene())


def test_announcements_are_heard_again_after_redis_dropped_us(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)
    monkeypatch.setattr(hub, "LOOK_EVERY_S", 60.0)

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            with Redis.from_url(settings.REDIS_URL) as redis:
                redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
                redis.flushall()
            meanwhile = await in_thread(record_event, user)
            assert (await viewer.event())["id"] == str(meanwhile.pk)
            event = await in_thread(record_event, user)
            assert (await viewer.event())["id"] == str(event.pk)

    asyncio.run(scene())


def test_silence_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = cookie_of(UserFactory.create())
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            assert await viewer.chunk() == await viewer.chunk() == ": still here\n\n"

    asyncio.run(scene())


def test_eleventh_stream_of_a_user_ends_their_oldest() -> None:
    cookie = cookie_of(UserFactory.create())

    async def scene() -> None:
        viewers = [Viewer(cookie) for _ in range(hub.MAX_PER_USER + 1)]
        for viewer in viewers:
            await viewer.__aenter__()

        assert await viewers[0].end() == ["retry: 60000\n\n"]
        assert len(current_hub()) == hub.MAX_PER_USER
        for viewer in viewers[1:]:
            await viewer.__aexit__()

    asyncio.run(scene())


@pytest.mark.parametrize(
    "change",
    [
        lambda user: User.objects.filter(pk=user.pk).update(state="suspended"),
        lambda user: User.objects.filter(pk=user.pk).update(password="another"),
        lambda user: Session.objects.all().delete(),
        lambda user: Session.objects.update(expire_date="2020-01-01T00:00Z"),
    ],
    ids=["deactivated", "password changed", "signed out", "expired"],
)
def test_stream_ends_with_the_right_to_listen(change: object, monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)
    monkeypatch.setattr(hub, "RECHECK_EVERY_S", 0.1)

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            assert await viewer.is_silent()
            await in_thread(change, user)  # type: ignore[arg-type]
            assert await viewer.end() == []

    asyncio.run(scene())


def _end_session(user: User) -> None:
    sessions.end(user_id=user.pk, session_id=Session.objects.get(user=user).id, actor=None)


@pytest.mark.parametrize(
    "act",
    [
        lambda user: standing.suspend(user_id=user.pk, reason="Reported", actor=None),
        lambda user: standing.ban(user_id=user.pk, reason="Reported", actor=None),
        _end_session,
        lambda user: sessions.end_all(user_id=user.pk, actor=None),
    ],
    ids=["suspended", "banned", "one session ended", "all sessions ended"],
)
def test_stream_ends_at_once_when_the_end_is_announced(
    act: Callable[[User], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = UserFactory.create_batch(2)
    cookies = [cookie_of(user), cookie_of(other)]
    monkeypatch.setattr(hub, "RECHECK_EVERY_S", 60.0)

    async def scene() -> None:
        async with Viewer(cookies[0]) as viewer, Viewer(cookies[1]) as stranger:
            assert await viewer.is_silent()
            await in_thread(act, user)
            await viewer.end(timeout=2)
            assert await stranger.is_silent()

    asyncio.run(scene())


def test_ending_one_session_leaves_the_others_streams_open() -> None:
    user = UserFactory.create()
    kept = cookie_of(user)
    (session,) = Session.objects.filter(user=user)
    ended = cookie_of(user)
    (doomed,) = Session.objects.filter(user=user).exclude(pk=session.pk)

    async def scene() -> None:
        async with Viewer(kept) as here, Viewer(ended) as there:
            await in_thread(sessions.end, user_id=user.pk, session_id=doomed.id, actor=None)
            await there.end(timeout=2)
            event = await in_thread(record_event, user)
            assert (await here.event())["id"] == str(event.pk)

    asyncio.run(scene())


def test_missed_end_is_noticed_when_announcements_are_heard_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)
    monkeypatch.setattr(hub, "RECHECK_EVERY_S", 60.0)
    monkeypatch.setattr(events, "announce_end", lambda user_id: None)

    async def scene() -> None:
        async with Viewer(cookie) as viewer:
            assert await viewer.is_silent()
            await in_thread(_end_session, user)
            assert await viewer.is_silent()
            with Redis.from_url(settings.REDIS_URL) as redis:
                redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await viewer.end(timeout=2)

    asyncio.run(scene())


def test_database_outage_sends_the_browser_away_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any status but 200 would make an EventSource give up for good."""

    def fail(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(reads, "admit", fail)

    async def scene() -> None:
        async with Viewer("sessionid=any") as viewer:
            assert (viewer.status, viewer.raw) == (200, ["retry: 5000\n\n"])

    asyncio.run(scene())


def test_hub_rests_when_the_last_listener_left() -> None:
    cookie = cookie_of(UserFactory.create())

    async def scene() -> None:
        async with Viewer(cookie):
            assert (len(current_hub()), len(current_hub()._tasks)) == (1, 3)
        assert (len(current_hub()), len(current_hub()._tasks)) == (0, 0)

    asyncio.run(scene())


def test_closing_the_hub_ends_every_stream() -> None:
    cookies = [cookie_of(user) for user in UserFactory.create_batch(2)]

    async def scene() -> None:
        async with Viewer(cookies[0]) as one, Viewer(cookies[1]) as other:
            current_hub().close()
            assert (await one.end(), await other.end()) == ([], [])

    asyncio.run(scene())


def test_events_of_an_outage_are_delivered_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)
    news = reads.news
    failures = iter([DatabaseError, ValueError])

    def fail_twice(wants: list[tuple[int, int]]) -> list[reads.News]:
        for failure in failures:
            raise failure
        return news(wants)

    async def scene() -> Event:
        async with Viewer(cookie) as viewer:
            monkeypatch.setattr(reads, "news", fail_twice)
            event = await in_thread(record_event, user)
            assert (await viewer.event(timeout=4))["id"] == str(event.pk)
            return event

    asyncio.run(scene())
