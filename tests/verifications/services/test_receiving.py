"""Messages: charged once, shown to whom they belong, never twice."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Event
from billing.models import Transfer
from billing.selectors import wallet
from tests.shop import Shop, age
from verifications.enums import Closing, Status, Visibility
from verifications.models import Attempt, Message, Verification
from verifications.providers.base import ReceivedMessage, Snapshot, UpstreamState
from verifications.providers.errors import Unreachable
from verifications.selectors.verifications import shown_messages
from verifications.services import cancelling, finishing, polling, receiving, sweeps, upstream


def poll(shop: Shop) -> None:
    """One cycle at both providers."""
    for provider in (shop.alpha, shop.beta):
        polling.poll_provider(provider.pk)


def test_code_is_captured_shown_and_announced(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)

    poll(shop)

    order.refresh_from_db()
    assert (order.status, order.code) == (Status.RECEIVED, "482913")
    assert shop.figures == (Decimal("9.65"), Decimal(0))
    assert order.first_code_ms is not None
    types = list(Event.objects.filter(user=shop.user).order_by("sequence").values_list("type", flat=True))
    assert types == ["verification.waiting", "verification.received"]


def test_same_sms_seen_by_every_cycle_is_one_message_and_one_charge(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)

    for _ in range(3):
        poll(shop)

    assert Message.objects.count() == 1
    assert Transfer.objects.filter(key=f"capture:{order.pk}").count() == 1


def test_provider_without_a_list_is_checked_order_by_order(shop: Shop) -> None:
    shop.upstream().can_list = False
    order = shop.order()
    shop.deliver(order)

    poll(shop)

    order.refresh_from_db()
    assert order.status == Status.RECEIVED


def test_order_missing_from_the_list_is_asked_for_and_not_ended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.order()
    monkeypatch.setattr("tests.fake_provider.FakeProvider.fetch_open", lambda *_: {})
    poll(shop)
    order.refresh_from_db()
    assert order.status == Status.WAITING
    shop.deliver(order)
    Attempt.objects.update(next_check_at=None)

    poll(shop)

    order.refresh_from_db()
    assert order.status == Status.RECEIVED


def test_error_on_the_list_call_ends_nothing(shop: Shop) -> None:
    order = shop.order()
    shop.upstream().read_error = Unreachable()

    poll(shop)

    order.refresh_from_db()
    assert order.status == Status.WAITING


def test_recycled_numbers_old_sms_reaches_nobody(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order, "Old code 111111", "111111", sent_at=timezone.now() - dt.timedelta(hours=1))

    poll(shop)

    order.refresh_from_db()
    assert (order.status, order.code) == (Status.WAITING, "")
    assert Message.objects.get().visibility == Visibility.STALE
    assert not shown_messages(order).exists()


def test_ended_order_that_shows_its_sms_in_another_way_has_one_message(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    poll(shop)
    again = (ReceivedMessage("another key", "Your code is 482913", ""),)

    receiving.apply_snapshot(
        Attempt.objects.get().pk, Snapshot(UpstreamState.CANCELLED, timezone.now(), again)
    )

    order.refresh_from_db()
    assert (Message.objects.count(), order.status) == (1, Status.COMPLETED)


def test_snapshot_older_than_the_last_applied_one_is_ignored(shop: Shop) -> None:
    order = shop.order()
    attempt = Attempt.objects.get(verification=order)
    Attempt.objects.update(applied_at=timezone.now())
    old = Snapshot(
        UpstreamState.RECEIVED,
        timezone.now() - dt.timedelta(seconds=5),
        (ReceivedMessage("k", "1234", "1234"),),
    )

    receiving.apply_snapshot(attempt.pk, old)

    assert not Message.objects.exists()


def test_expiry_returns_the_money_by_the_providers_deadline(shop: Shop) -> None:
    order = shop.order()
    age(order, 1210)

    sweeps.end_overdue()

    order.refresh_from_db()
    assert order.status == Status.EXPIRED
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_expiry_waits_for_nobody_who_cannot_be_reached(shop: Shop) -> None:
    order = shop.order()
    shop.upstream().read_error = Unreachable()
    age(order, 1210)

    sweeps.end_overdue()

    order.refresh_from_db()
    assert order.status == Status.EXPIRED


def test_sms_found_by_the_last_look_is_charged_and_not_expired(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    age(order, 1210)

    sweeps.end_overdue()

    order.refresh_from_db()
    assert (order.status, order.code) == (Status.COMPLETED, "482913")
    assert shop.figures == (Decimal("9.65"), Decimal(0))


def test_sms_after_expiry_is_shown_free_of_charge(shop: Shop) -> None:
    order = shop.order()
    age(order, 1210)
    sweeps.end_overdue()
    shop.deliver(order)
    Attempt.objects.update(next_check_at=None)

    poll(shop)

    order.refresh_from_db()
    assert (order.status, order.code) == (Status.EXPIRED, "482913")
    assert shown_messages(order).get().visibility == Visibility.LATE
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_sms_after_the_customers_cancel_is_kept_for_staff(shop: Shop) -> None:
    order = shop.order()
    cancelling.cancel(order.pk, actor_id=shop.user.pk)
    attempt = Attempt.objects.get(verification=order)
    late = Snapshot(UpstreamState.CANCELLED, timezone.now(), (ReceivedMessage("k", "Code 1234", "1234"),))

    receiving.apply_snapshot(attempt.pk, late)

    order.refresh_from_db()
    assert (order.status, order.code) == (Status.CANCELLED, "")
    assert Message.objects.get().visibility == Visibility.STAFF
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_provider_that_cancels_by_itself_expires_the_order(shop: Shop) -> None:
    order = shop.order()
    shop.upstream().only.state = UpstreamState.CANCELLED
    shop.upstream().can_list = False

    poll(shop)

    order.refresh_from_db()
    assert order.status == Status.EXPIRED
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_order_finished_upstream_without_a_message_keeps_waiting(shop: Shop) -> None:
    order = shop.order()
    shop.upstream().only.state = UpstreamState.FINISHED
    shop.upstream().can_list = False

    poll(shop)

    order.refresh_from_db()
    assert order.status == Status.WAITING


def test_cost_is_booked_once_when_the_provider_keeps_it(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    poll(shop)
    shop.deliver(order, "Again 555111", "555111")
    poll(shop)

    (cost,) = Transfer.objects.filter(code="provider_cost")

    assert cost.amount == Decimal("0.20")


def test_cancel_within_the_lock_is_accepted_hidden_and_carried_out_later(shop: Shop) -> None:
    shop.upstream().cancel_lock_s = 120
    order = shop.order()

    accepted = cancelling.cancel(order.pk, actor_id=shop.user.pk)

    assert (accepted.status, accepted.is_cancelling) == (Status.WAITING, True)
    assert shop.upstream().only.cancel_calls == 0
    assert shop.figures == (Decimal("9.65"), Decimal("0.35"))
    shop.upstream().cancel_lock_s = 0
    Attempt.objects.update(closing_due_at=timezone.now())
    upstream.close(Attempt.objects.get().pk)
    order.refresh_from_db()
    assert order.status == Status.CANCELLED
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_sms_that_arrives_before_the_cancel_is_confirmed_wins(shop: Shop) -> None:
    shop.upstream().cancel_lock_s = 120
    order = shop.order()
    cancelling.cancel(order.pk, actor_id=shop.user.pk)
    shop.deliver(order)

    poll(shop)

    order.refresh_from_db()
    assert (order.status, order.is_cancelling, order.code) == (Status.RECEIVED, False, "482913")
    assert Attempt.objects.get().closing == Closing.OPEN
    assert shop.figures == (Decimal("9.65"), Decimal(0))


def test_cancel_refused_upstream_because_of_an_sms_shows_the_code(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)

    result = cancelling.cancel(order.pk, actor_id=shop.user.pk)

    assert (result.status, result.code) == (Status.RECEIVED, "482913")


def test_cancel_twice_returns_the_money_once(shop: Shop) -> None:
    order = shop.order()

    first = cancelling.cancel(order.pk, actor_id=shop.user.pk)
    second = cancelling.cancel(order.pk, actor_id=shop.user.pk)

    assert (first.status, second.status) == (Status.CANCELLED, Status.CANCELLED)
    assert wallet(shop.user.pk).available == Decimal("10.00")
    assert shop.upstream().only.cancel_calls == 1


def test_cancel_with_a_silent_provider_is_finished_by_the_sweep(shop: Shop) -> None:
    order = shop.order()
    shop.upstream().cancel_error = Unreachable()
    cancelling.cancel(order.pk, actor_id=shop.user.pk)
    order.refresh_from_db()
    assert order.is_cancelling
    shop.upstream().cancel_error = None
    Attempt.objects.update(closing_due_at=timezone.now())

    upstream.close_due()

    order.refresh_from_db()
    assert order.status == Status.CANCELLED


def test_another_sms_is_a_second_message_and_free(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    poll(shop)

    waiting = finishing.request_another_sms(order.pk, actor_id=shop.user.pk)
    poll(shop)
    order.refresh_from_db()
    assert (waiting.status, order.status) == (Status.WAITING, Status.WAITING)
    shop.deliver(order, "Your code is 777000", "777000")
    poll(shop)

    order.refresh_from_db()
    assert (order.status, order.code) == (Status.RECEIVED, "777000")
    assert shop.figures == (Decimal("9.65"), Decimal(0))


def test_deadline_after_another_sms_completes_and_keeps_the_charge(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    poll(shop)
    finishing.request_another_sms(order.pk, actor_id=shop.user.pk)
    age(order, 1210)

    sweeps.end_overdue()

    order.refresh_from_db()
    assert order.status == Status.COMPLETED
    assert shop.figures == (Decimal("9.65"), Decimal(0))


def test_finish_is_told_to_the_provider(shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    poll(shop)

    finishing.finish(order.pk, actor_id=shop.user.pk)
    upstream.close(Attempt.objects.get().pk)

    order.refresh_from_db()
    assert order.status == Status.COMPLETED
    assert shop.upstream().only.state == UpstreamState.FINISHED
    assert Attempt.objects.get().closing == Closing.CLOSED


def test_messages_of_one_order_never_reach_another(shop: Shop) -> None:
    first, second = shop.order(), shop.order()
    shop.deliver(first)

    poll(shop)

    assert list(Message.objects.values_list("verification_id", flat=True)) == [first.pk]
    assert Verification.objects.get(pk=second.pk).status == Status.WAITING
