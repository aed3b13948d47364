"""The hub's bounds: what it asks the database, and readers who do not read."""

from __future__ import annotations

import asyncio

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.streams import current_hub, hub, reads
from tests.accounts.viewers import in_thread
from tests.factories.accounts import UserFactory, record_event


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_news_for_all_is_one_query(count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    users = UserFactory.create_batch(count)
    written = [record_event(user) for user in users for _ in range(2)]

    with django_assert_num_queries(1):
        news = reads.news([(user.pk, 0) for user in users])

    assert [item.sequence for item in news] == [event.sequence for event in written]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_living_sessions_of_all_is_one_query(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    users = UserFactory.create_batch(count)

    with django_assert_num_queries(1):
        living = reads.living_sessions([("no-such-session", user.pk, "hash") for user in users])

    assert living == set()


@pytest.mark.django_db(transaction=True)
def test_reader_who_takes_nothing_holds_one_batch_and_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    for number in range(reads.BATCH + 20):
        record_event(user, number=number)
    monkeypatch.setattr(hub, "RECHECK_EVERY_S", 0.2)
    monkeypatch.setattr(hub, "STALLED_S", 0.5)
    monkeypatch.setattr(reads, "living_sessions", lambda asked: {(key, user_id) for key, user_id, _ in asked})
    admission = reads.Admission(user_id=user.pk, session_key="any", auth_hash="any", cursor=0)

    async def read_nothing() -> None:
        listener = current_hub().join(admission)
        try:
            await asyncio.sleep(60)
        finally:
            assert listener._frames.qsize() == reads.BATCH + 1  # and the end
            current_hub().leave(listener)

    async def scene() -> None:
        reader = asyncio.create_task(read_nothing())
        await asyncio.wait([reader], timeout=5)
        assert reader.cancelled()
        assert len(current_hub()) == 0

    asyncio.run(scene())


@pytest.mark.django_db(transaction=True)
def test_announcements_in_a_burst_share_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    asked: list[object] = []
    news = reads.news

    def count(wants: list[tuple[int, int]]) -> list[reads.News]:
        asked.append(wants)
        return news(wants)

    monkeypatch.setattr(reads, "news", count)
    monkeypatch.setattr(reads, "living_sessions", lambda asked: {(key, user_id) for key, user_id, _ in asked})
    monkeypatch.setattr(hub, "COALESCE_S", 0.2)

    async def scene() -> None:
        own = current_hub()
        listener = own.join(reads.Admission(user_id=user.pk, session_key="any", auth_hash="any", cursor=0))
        await asyncio.sleep(0.3)
        asked.clear()
        for _ in range(50):
            await in_thread(record_event, user)
        for _ in range(50):
            assert (await listener.take(2) or b"").startswith(b"id: ")
        own.leave(listener)

    asyncio.run(scene())
    assert len(asked) <= 5
