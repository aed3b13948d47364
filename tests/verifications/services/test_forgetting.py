"""Texts, codes and numbers of old orders are forgotten when their owner chose, and no earlier."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import AccountState
from accounts.models import Event, User
from accounts.services import erasure
from tests.shop import Shop
from verifications.enums import Status
from verifications.models import Attempt, Message, StrayOrder, Verification
from verifications.services import forgetting, polling

pytestmark = pytest.mark.django_db

TEXT, SENDER, CODE = "Your code is 482913, keep it secret", "WhatsApp", "482913"


def make_old_order(shop: Shop, *, days: float) -> Verification:
    """A completed order with one message, ended some days ago."""
    order = shop.order()
    shop.deliver(order, TEXT, CODE)
    polling.poll_provider(shop.alpha.pk)
    Message.objects.filter(verification=order).update(sender=SENDER)
    closed_at = timezone.now() - dt.timedelta(days=days)
    Verification.objects.filter(pk=order.pk).update(status=Status.COMPLETED, closed_at=closed_at)
    Attempt.objects.filter(verification=order).update(watch_until=None)
    order.refresh_from_db()
    assert order.code == CODE
    return order


def is_forgotten(order: Verification) -> bool:
    order.refresh_from_db()
    messages = Message.objects.filter(verification=order)
    gone = not any(message.text + message.code + message.sender for message in messages)
    events = Event.objects.filter(subject=f"verification:{order.pk}")
    assert gone == (order.messages_removed_at is not None) == (order.code == "") == (not events.exists())
    return gone


@pytest.mark.parametrize(("chosen", "days", "goes"), [
    (30, 29.9, False), (30, 30.1, True), (1, 0.9, False), (1, 1.1, True), (7, 6.9, False), (7, 7.1, True), (14, 14.1, True),
])  # fmt: skip
def test_messages_go_when_their_owner_chose(shop: Shop, chosen: int, days: float, goes: bool) -> None:
    order = make_old_order(shop, days=days)
    User.objects.filter(pk=shop.user.pk).update(message_days=chosen)

    forgetting.remove()

    assert is_forgotten(order) == goes


def test_open_order_is_never_forgotten(shop: Shop) -> None:
    order = shop.order()
    Verification.objects.filter(pk=order.pk).update(created_at=timezone.now() - dt.timedelta(days=99))

    forgetting.remove()

    order.refresh_from_db()
    assert order.messages_removed_at is None


def test_order_keeps_what_was_bought_and_the_ends_of_the_number(shop: Shop) -> None:
    order = make_old_order(shop, days=31)
    before = (
        Verification.objects.filter(pk=order.pk).values("service", "country", "price", "created_at").get()
    )
    number = order.phone_number

    forgetting.remove()

    order.refresh_from_db()
    assert Verification.objects.filter(pk=order.pk).values(*before).get() == before
    assert order.phone_number == f"{number[:5]}…{number[-2:]}"
    assert Attempt.objects.get(verification=order).phone_number == order.phone_number
    assert Message.objects.filter(verification=order).count() == 1  # that one came stays a fact


def test_nothing_of_the_text_is_left_in_the_keys_of_messages(shop: Shop) -> None:
    order = make_old_order(shop, days=31)
    key = Message.objects.get(verification=order).dedupe_key

    forgetting.remove()

    message = Message.objects.get(verification=order)
    assert message.dedupe_key == str(message.pk) != key


def test_forgetting_twice_changes_nothing(shop: Shop) -> None:
    order = make_old_order(shop, days=31)
    forgetting.forget([order.pk])
    order.refresh_from_db()
    number = order.phone_number

    forgetting.forget([order.pk])

    order.refresh_from_db()
    assert order.phone_number == number
    assert forgetting.remove() == 0


def test_stray_of_a_forgotten_order_and_old_strays_lose_their_number(shop: Shop) -> None:
    order = make_old_order(shop, days=31)
    attempt = Attempt.objects.get(verification=order)
    common = {
        "provider": attempt.provider,
        "service_code": "wa",
        "country_code": "gb",
        "phone_number": "+447700900842",
    }
    old = timezone.now() - dt.timedelta(days=31)
    theirs = StrayOrder.objects.create(provider_order_id=attempt.provider_order_id, **common)
    nobodys = StrayOrder.objects.create(provider_order_id="old", first_seen_at=old, **common)
    young = StrayOrder.objects.create(provider_order_id="young", **common)

    forgetting.remove()

    numbers = dict(StrayOrder.objects.values_list("pk", "phone_number"))
    assert numbers == {theirs.pk: "", nobodys.pk: "", young.pk: "+447700900842"}


def test_order_of_somebody_erased_goes_as_soon_as_no_sms_can_come(shop: Shop) -> None:
    order = make_old_order(shop, days=0.1)
    User.objects.filter(pk=shop.user.pk).update(state=AccountState.ERASED)

    forgetting.remove()

    assert is_forgotten(order)


def test_many_orders_go_in_batches_with_few_statements(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.fund("100")
    orders = [make_old_order(shop, days=31) for _ in range(5)]
    monkeypatch.setattr(forgetting, "BATCH", 2)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert forgetting.remove() == 5

    assert all(is_forgotten(order) for order in orders)
    assert len(queries) <= 3 * 10 + 2


def test_page_of_a_forgotten_order_says_so(shop: Shop, client: Client) -> None:
    order = make_old_order(shop, days=31)
    forgetting.remove()
    client.force_login(shop.user)

    page = client.get(f"/verifications/{order.pk}/").content.decode()

    assert 'data-testid="messages-deleted"' in page
    assert "How long messages are kept" in page
    assert TEXT not in page
    assert CODE not in page


def test_history_and_csv_show_forgotten_orders(shop: Shop, client: Client) -> None:
    order = make_old_order(shop, days=31)
    forgetting.remove()
    order.refresh_from_db()
    client.force_login(shop.user)

    assert client.get("/verifications/").status_code == 200
    download: Any = client.get("/verifications/orders.csv")
    table = b"".join(download.streaming_content).decode()
    assert order.phone_number in table
    assert CODE not in table


def test_erasure_waits_for_open_orders_and_those_that_ended_just_now(shop: Shop) -> None:
    order = shop.order()

    assert [found.code for found in erasure.obstacles(shop.user.pk, True)] == ["order", "held"]

    Verification.objects.filter(pk=order.pk).update(status=Status.COMPLETED)
    Attempt.objects.filter(verification=order).update(watch_until=timezone.now() + dt.timedelta(minutes=5))
    assert "order" in [found.code for found in erasure.obstacles(shop.user.pk, True)]

    Attempt.objects.filter(verification=order).update(watch_until=None)
    assert "order" not in [found.code for found in erasure.obstacles(shop.user.pk, True)]
