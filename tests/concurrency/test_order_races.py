"""Orders under fire on real PostgreSQL. Each race has a twin with its guard taken out, which must go wrong."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing.exceptions import InsufficientFunds
from billing.models import Transfer
from billing.services import books
from namaskah.lib import rows
from tests.concurrency.racing import Meeting, meet_before, race, without
from tests.shop import Shop
from verifications import locks
from verifications.enums import Status
from verifications.exceptions import InvalidState, TooManyOpenOrders
from verifications.models import Attempt, Message, Verification
from verifications.providers.base import ReceivedMessage, Snapshot, UpstreamState
from verifications.services import attempts, buying, cancelling, ordering, receiving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(shop_builder: Callable[..., Shop]) -> Shop:
    return shop_builder("3.50")  # ten prices


def without_row_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verification's lock becomes a plain read."""

    def read(where: str, key: uuid.UUID) -> Verification | None:
        return rows.get(Verification, where, [key])

    monkeypatch.setattr(locks, "_lock", read)


# --- the last cent ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_wallet_of_ten_prices_buys_ten_of_two_hundred(shop: Shop, settings: Any) -> None:
    settings.MAX_OPEN_ORDERS = 1000

    results = race(200, lambda _: shop.order())
    for verification_id in Verification.objects.filter(status=Status.ORDERING).values_list("pk", flat=True):
        ordering.place(verification_id)  # those beyond the inline slots were left to the worker

    assert sum(isinstance(result, Verification) for result in results) == 10
    assert sum(isinstance(result, InsufficientFunds) for result in results) == 190
    assert shop.figures == (Decimal("0.00"), Decimal("3.50"))
    assert len(shop.upstream().orders) + len(shop.upstream("beta").orders) == 10
    assert books.verify().is_clean


# --- the cap on open orders -------------------------------------------------------------------------------------------


def test_cap_on_open_orders_holds_against_a_crowd(shop: Shop, settings: Any) -> None:
    settings.MAX_OPEN_ORDERS = 4

    results = race(30, lambda _: shop.order())

    assert sum(isinstance(result, Verification) for result in results) == 4
    assert sum(isinstance(result, TooManyOpenOrders) for result in results) == 26


def test_twin_cap_checked_before_the_wallet_is_locked_is_passed(
    shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_OPEN_ORDERS = 1
    check = ordering.enforce_open_order_cap
    monkeypatch.setattr(ordering, "enforce_open_order_cap", lambda _: None)
    meeting = Meeting()

    def check_then_order(_: int) -> Verification:
        check(shop.user.pk)
        meeting.wait()
        return shop.order()

    results = race(2, check_then_order)

    assert sum(isinstance(result, Verification) for result in results) == 2


# --- one form, one order ----------------------------------------------------------------------------------------------


def test_form_sent_by_many_tabs_at_once_is_one_order(shop: Shop) -> None:
    form_key = uuid.uuid4()

    results = race(20, lambda _: shop.order(form_key=form_key))

    assert {result.pk for result in results if isinstance(result, Verification)} == {
        Verification.objects.get().pk
    }
    assert len(results) == sum(isinstance(result, Verification) for result in results)
    assert shop.upstream().buys == 1
    assert shop.figures == (Decimal("3.15"), Decimal("0.35"))


def test_twin_form_without_its_unique_index_is_two_orders(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    form_key = uuid.uuid4()
    meet_before(monkeypatch, ordering, "commit_intention")
    with without("verification_form_once"):
        race(2, lambda _: shop.order(form_key=form_key))

        assert Verification.objects.count() == 2


# --- one order, one purchase ------------------------------------------------------------------------------------------


def test_two_workers_placing_one_order_buy_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    order = _unplaced(shop, monkeypatch)
    meet_before(monkeypatch, attempts, "begin_next")

    race(2, lambda _: ordering.place(order.pk))

    assert shop.upstream().buys + shop.upstream("beta").buys == 1


def test_twin_two_workers_without_the_lock_buy_twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    order = _unplaced(shop, monkeypatch)
    meet_before(monkeypatch, attempts, "begin_next")
    without_row_lock(monkeypatch)

    with without("attempt_numbered_once"):
        race(2, lambda _: ordering.place(order.pk))
        bought = shop.upstream().buys + shop.upstream("beta").buys

    assert bought == 2


# --- one SMS, one message, one charge ---------------------------------------------------------------------------------


def test_sms_seen_by_two_pollers_is_one_message(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = _attempt(shop.order())
    meet_before(monkeypatch, receiving, "visibility_of")

    results = race(2, lambda _: receiving.apply_snapshot(attempt.pk, _snapshot()))

    assert results == [None, None]
    assert Message.objects.count() == 1
    assert shop.figures == (Decimal("3.15"), Decimal(0))


def test_twin_sms_seen_by_two_pollers_without_guards_is_two_messages(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = _attempt(shop.order())
    meet_before(monkeypatch, receiving, "visibility_of")
    without_row_lock(monkeypatch)

    with without("message_once"):
        race(2, lambda _: receiving.apply_snapshot(attempt.pk, _snapshot()))
        messages = Message.objects.count()

    assert messages == 2


# --- cancel against an arriving SMS -----------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", range(6))
def test_cancel_against_an_arriving_sms_has_one_winner(shop: Shop, turn: int) -> None:
    order = shop.order()
    attempt = _attempt(order)
    acts: list[Callable[[], object]] = [
        lambda: cancelling.cancel(order.pk, actor_id=shop.user.pk),
        lambda: receiving.apply_snapshot(attempt.pk, _snapshot()),
    ]

    race(2, lambda index: acts[(index + turn) % 2]())

    order.refresh_from_db()
    kinds = list(Transfer.objects.filter(pending__id=order.hold_id).values_list("kind", flat=True))
    message = Message.objects.get()
    if order.status == Status.CANCELLED:
        assert (kinds, message.visibility, order.code) == (["void_pending"], "staff", "")
    else:
        assert (order.status, kinds, message.visibility) == (Status.RECEIVED, ["post_pending"], "shown")
    assert books.verify().is_clean


def test_twin_cancel_against_an_arriving_sms_without_the_lock_has_two_winners(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock both believe they found a waiting order; only the ledger's own index is left to say no."""
    order = shop.order()
    attempt = _attempt(order)
    without_row_lock(monkeypatch)
    meeting, end, visibility = Meeting(), receiving.end_without_code, receiving.visibility_of

    def end_together(verification: Verification) -> None:
        meeting.wait()
        end(verification)

    def show_together(*args: Any) -> Any:
        shown = visibility(*args)
        meeting.wait()
        return shown

    monkeypatch.setattr(receiving, "end_without_code", end_together)
    monkeypatch.setattr(receiving, "visibility_of", show_together)
    acts: list[Callable[[], object]] = [
        lambda: cancelling.cancel(order.pk, actor_id=shop.user.pk),
        lambda: receiving.apply_snapshot(attempt.pk, _snapshot()),
    ]

    results = race(2, lambda index: acts[index]())

    assert any(isinstance(result, Exception) and not isinstance(result, InvalidState) for result in results)


def _snapshot() -> Snapshot:
    from django.utils import timezone

    message = ReceivedMessage("sms-1", "Your code is 482913", "482913", "Sender")
    return Snapshot(UpstreamState.RECEIVED, timezone.now(), (message,))


def _attempt(order: Verification) -> Attempt:
    return Attempt.objects.get(verification=order)


def _unplaced(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Verification:
    """An order that was handed to the worker and that nobody has placed yet."""
    with monkeypatch.context() as patch:
        patch.setattr(buying._slots, "acquire", lambda blocking=True: False)
        patch.setattr(ordering, "enqueue", lambda *_: None)
        return shop.order()
