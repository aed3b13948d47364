"""What customers are told of their orders: each end once, later than the code, and without it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import AccountState
from accounts.models import Notice, NoticePreference, OutgoingEmail, User
from accounts.services import notice_words
from accounts.services.notice_topics import Topic
from namaskah import celery
from tests.shop import Shop
from verifications import tasks
from verifications.enums import Failure, Status, Step
from verifications.models import Verification
from verifications.services import cancelling, order_news, polling, transitions, upstream

pytestmark = pytest.mark.django_db
CountQueries = Callable[[int], AbstractContextManager[Any]]


def words() -> list[str]:
    told = Notice.objects.order_by("key")
    return [notice_words.words(notice.template, notice.context) for notice in told]


def move(order: Verification, to: Status, **changes: Any) -> None:
    """As its service would, in the state it has now."""
    transitions.apply(Verification.objects.get(pk=order.pk), to, step=Step.EXPIRED, changes=changes)


def receive(shop: Shop) -> Verification:
    order = shop.order()
    shop.deliver(order)
    polling.poll_provider(shop.alpha.pk)
    order.refresh_from_db()
    assert order.code == "482913"
    return order


def test_arrived_sms_is_told_without_its_code(shop: Shop) -> None:
    order = receive(shop)

    assert order_news.sweep() == 1

    notice = Notice.objects.get()
    assert (notice.user, notice.template) == (shop.user, "code_received")
    assert notice.context == {"service": "WhatsApp", "url": f"/verifications/{order.pk}/"}
    assert words() == ["Your SMS for WhatsApp has arrived."]
    assert "482913" not in str(Notice.objects.values())
    assert not OutgoingEmail.objects.exists()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (Status.EXPIRED, "No SMS came for WhatsApp in time; $0.35 is back in your wallet."),
        (Status.CANCELLED, "The seller withdrew your number for WhatsApp; $0.35 is back in your wallet."),
    ],
)
def test_end_without_an_sms_is_told_with_the_money(shop: Shop, status: Status, sentence: str) -> None:
    move(shop.order(), status)

    order_news.sweep()

    assert words() == [sentence]


def test_order_without_a_number_is_told(shop: Shop) -> None:
    order = shop.order()
    Verification.objects.filter(pk=order.pk).update(status=Status.ORDERING)
    move(order, Status.FAILED, failure_code=Failure.NO_NUMBERS)

    order_news.sweep()

    assert words() == ["No number could be had for WhatsApp; $0.35 is back in your wallet."]


def test_own_cancel_is_no_news(shop: Shop) -> None:
    order = shop.order()
    cancelling.cancel(order.pk, actor_id=shop.user.pk)
    upstream.close_due()
    order.refresh_from_db()
    assert order.status == Status.CANCELLED

    assert order_news.sweep() == 0


def test_late_sms_is_told_as_free(shop: Shop) -> None:
    order = shop.order()
    move(order, Status.EXPIRED)
    order_news.sweep()
    transitions.announce(Verification.objects.get(pk=order.pk), late=True)

    assert order_news.sweep() == 1
    assert Notice.objects.get(template="code_received").context["late"] == "yes"


def test_further_sms_of_the_same_wait_is_told_once(shop: Shop) -> None:
    order = receive(shop)
    transitions.announce(order, late=False)

    assert order_news.sweep() == 1


def test_each_fact_is_told_once_however_often_it_is_read(shop: Shop) -> None:
    receive(shop)

    assert [order_news.sweep(), order_news.sweep()] == [1, 0]
    cache.clear()
    assert order_news.sweep() == 0
    assert Notice.objects.count() == 1


def test_what_a_stopped_worker_missed_is_told_later(shop: Shop) -> None:
    order_news.sweep()
    receive(shop)

    with time_machine.travel(timezone.now() + dt.timedelta(hours=5)):
        assert order_news.sweep() == 1


def test_old_facts_are_not_told_after_the_cache_was_lost(shop: Shop) -> None:
    receive(shop)
    cache.clear()

    with time_machine.travel(timezone.now() + dt.timedelta(hours=5)):
        assert order_news.sweep() == 0


def test_more_than_one_batch_is_told_in_one_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_news, "_BATCH", 2)
    for _ in range(5):
        move(shop.order(), Status.EXPIRED)

    assert order_news.sweep() == 5


def test_email_goes_to_who_wants_one(shop: Shop) -> None:
    NoticePreference.objects.create(user=shop.user, topic=Topic.ORDERS, in_app=False, by_email=True)
    receive(shop)

    assert [order_news.sweep(), order_news.sweep()] == [1, 0]

    email = OutgoingEmail.objects.get()
    assert (email.template, email.to) == ("code_received", shop.user.email)
    assert "482913" not in str(OutgoingEmail.objects.values())


def test_people_who_are_gone_are_not_told_and_hold_nothing_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(shop)
    User.objects.filter(pk=shop.user.pk).update(state=AccountState.ERASED)
    monkeypatch.setattr(order_news, "_BATCH", 1)

    assert order_news.sweep() == 0


@pytest.mark.parametrize("count", [1, 3])
def test_sweep_costs_the_same_for_three_orders_as_for_one(
    shop: Shop, count: int, django_assert_num_queries: CountQueries
) -> None:
    for _ in range(count):
        move(shop.order(), Status.EXPIRED)

    with django_assert_num_queries(5):  # read, savepoint, write, release, read that there is no more
        assert order_news.sweep() == count


def test_code_that_arrives_waits_for_no_notice(shop: Shop, django_capture_on_commit_callbacks: Any) -> None:

    order = shop.order()
    shop.deliver(order)
    with CaptureQueriesContext(connection) as queries:
        polling.poll_provider(shop.alpha.pk)

    assert not [query for query in queries.captured_queries if "accounts_notice" in query["sql"]]


def test_sweep_is_scheduled() -> None:
    assert tasks.tell_orders.name in {entry["task"] for entry in celery.app.conf.beat_schedule.values()}
