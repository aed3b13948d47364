"""Orders against a plain model: 500 random histories of 50 steps, the money and the states compared after each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.models import Transfer
from tests.shop import Shop, age
from verifications import states
from verifications.enums import Status
from verifications.exceptions import InvalidState
from verifications.models import Attempt, HistoryEntry, Message, Verification
from verifications.providers.errors import Ambiguous, NoStock, Unreachable
from verifications.services import cancelling, finishing, polling, settlement, sweeps, upstream

FUNDS = Decimal("100.00")
EXAMPLES = 500
PARTS = 5  # so that the suite's workers share them
_shop: Shop


@dataclass
class Expected:
    """What the plain model believes of one order."""

    order: Verification
    status: Status
    sold: str = ""  # the provider's order id
    is_charged: bool = False
    is_asked_to_cancel: bool = False
    is_lost: bool = False
    shown: int = 0


class Orders(RuleBasedStateMachine):
    """Customer, providers and clocks act in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = transaction.atomic()
        self.scene.__enter__()
        self.orders: list[Expected] = []
        self.delivered: Counter[str] = Counter()  # by the provider's order id
        self.unread: Counter[str] = Counter()
        self.far = _shop.upstream()
        self.far.orders.clear()
        self.far.next_buys, self.far.cancel_error = [], None

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.scene.__exit__(None, None, None)

    def _some(self, data: st.DataObject) -> Expected:
        return data.draw(st.sampled_from(self.orders))

    @rule()
    def order(self) -> None:
        order = _shop.order()
        self.orders.append(
            Expected(order, Status.WAITING, Attempt.objects.get(verification=order).provider_order_id)
        )

    @rule()
    def order_refused_everywhere(self) -> None:
        self.far.next_buys = [NoStock()]
        _shop.upstream("beta").next_buys = [NoStock()]
        self.orders.append(Expected(_shop.order(), Status.FAILED))

    @rule(is_sold=st.booleans())
    def order_without_an_answer(self, is_sold: bool) -> None:
        lost = Ambiguous("no answer")
        self.far.next_buys = [("sold", lost) if is_sold else lost]
        before = set(self.far.orders)
        order = _shop.order()
        sold = next(iter(set(self.far.orders) - before), "")
        self.orders.append(Expected(order, Status.ORDERING, sold, is_lost=True))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def sms_arrives(self, data: st.DataObject) -> None:
        expected = self._some(data)
        sold = self.far.orders.get(expected.sold)
        if sold is None or sold.state.is_terminal:
            return
        self.delivered[expected.sold] += 1
        self.unread[expected.sold] += 1
        code = f"{self.delivered[expected.sold]:04d}"
        self.far.deliver(expected.sold, f"code {code}", code)

    @rule()
    def poll(self) -> None:
        Attempt.objects.update(next_check_at=None)
        polling.poll_provider(_shop.alpha.pk)
        for expected in self.orders:
            self._read(expected)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), is_silent=st.booleans())
    def cancel(self, data: st.DataObject, is_silent: bool) -> None:
        expected = self._some(data)
        self.far.cancel_error = Unreachable() if is_silent else None
        allowed = expected.status == Status.CANCELLED or (
            expected.status == Status.WAITING and not expected.is_charged
        )
        try:
            cancelling.cancel(expected.order.pk, actor_id=_shop.user.pk)
        except InvalidState:
            assert not allowed
            return
        assert allowed
        if expected.status != Status.CANCELLED:
            first = not expected.is_asked_to_cancel
            expected.is_asked_to_cancel = True
            if first and not is_silent:
                self._close(expected)

    @rule()
    def close_upstream(self) -> None:
        self.far.cancel_error = None
        Attempt.objects.filter(closing_due_at__isnull=False).update(
            closing_due_at="2020-01-01T00:00:00Z", closing_tries=0
        )
        for attempt_id in list(
            Attempt.objects.filter(closing__in=["cancel_due", "finish_due"]).values_list("pk", flat=True)
        ):
            upstream.close(attempt_id)
        for expected in self.orders:
            if expected.status == Status.WAITING and expected.is_asked_to_cancel:
                self._close(expected)
            elif expected.status in {Status.EXPIRED, Status.FAILED} and self.unread[expected.sold]:
                self._read(expected)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        expected = self._some(data)
        allowed = expected.is_charged
        try:
            finishing.finish(expected.order.pk, actor_id=_shop.user.pk)
        except InvalidState:
            assert not allowed
            return
        assert allowed
        expected.status = Status.COMPLETED

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def ask_for_another_sms(self, data: st.DataObject) -> None:
        expected = self._some(data)
        try:
            finishing.request_another_sms(expected.order.pk, actor_id=_shop.user.pk)
        except InvalidState:
            assert expected.status != Status.RECEIVED
            return
        assert expected.status == Status.RECEIVED
        expected.status = Status.WAITING

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def time_runs_out(self, data: st.DataObject) -> None:
        expected = self._some(data)
        if expected.status not in {Status.WAITING, Status.RECEIVED}:
            return
        age(expected.order, 1300)
        sweeps.end_order(expected.order.pk)
        if expected.status == Status.WAITING and not expected.is_charged:
            self._read(expected)
        if expected.is_charged:
            expected.status = Status.COMPLETED
        elif expected.status == Status.WAITING:
            expected.status = Status.CANCELLED if expected.is_asked_to_cancel else Status.EXPIRED

    @rule()
    def settle(self) -> None:
        for expected in self.orders:
            if expected.is_lost:
                age(expected.order, 60)
                if expected.sold:
                    self.far.orders[expected.sold].sold_at = Attempt.objects.get(
                        verification=expected.order
                    ).started_at
        settlement.settle_all()
        lost = [expected for expected in self.orders if expected.is_lost]
        sold = sum(bool(expected.sold) for expected in lost)
        for place, expected in enumerate(lost):  # equal numbers go to the oldest doubts
            is_adopted = place < sold
            expected.is_lost, expected.status = False, Status.WAITING if is_adopted else Status.FAILED
            expected.sold = Attempt.objects.get(verification=expected.order).provider_order_id

    def _read(self, expected: Expected) -> None:
        """The product has looked at an order and its unread SMS."""
        if expected.is_lost or expected.status == Status.COMPLETED:
            return
        read = self.unread.pop(expected.sold, 0)
        if not read:
            return
        if expected.status == Status.CANCELLED:
            return
        expected.shown += read
        if expected.status == Status.WAITING:
            expected.status, expected.is_charged, expected.is_asked_to_cancel = Status.RECEIVED, True, False

    def _close(self, expected: Expected) -> None:
        """The provider was asked to take a number back: an SMS there wins."""
        if self.unread[expected.sold]:
            self._read(expected)
        elif not expected.is_charged:
            expected.status = Status.CANCELLED

    @invariant()
    def states_and_money_agree(self) -> None:
        rows = Verification.objects.values_list("pk", "status", "hold_id")
        found = {pk: status for pk, status, _ in rows}
        assert found == {expected.order.pk: expected.status for expected in self.orders}
        charged = sum((e.order.price for e in self.orders if e.is_charged), Decimal(0))
        open_ones = [
            e for e in self.orders if not e.is_charged and e.status in {Status.ORDERING, Status.WAITING}
        ]
        held = sum((e.order.price for e in open_ones), Decimal(0))
        assert _shop.figures == (FUNDS - charged - held, held)

    @invariant()
    def every_hold_is_resolved_once_and_when_the_order_ends(self) -> None:
        resolved = list(Transfer.objects.filter(pending__isnull=False).values_list("pending__id", "kind"))
        expected = [
            (e.order.hold_id, "post_pending" if e.is_charged else "void_pending")
            for e in self.orders
            if e.is_charged or e.status in states.TERMINAL
        ]
        assert sorted(resolved) == sorted(expected)

    @invariant()
    def messages_agree(self) -> None:
        shown = Message.objects.filter(visibility__in=["shown", "late"]).values_list(
            "verification_id", flat=True
        )
        assert Counter(shown) == Counter({e.order.pk: e.shown for e in self.orders if e.shown})

    @invariant()
    def history_is_a_path_of_the_table(self) -> None:
        steps = HistoryEntry.objects.order_by("verification_id", "id").values_list(
            "verification_id", "status"
        )
        for (order, old), (next_order, new) in pairwise(steps):
            assert order != next_order or old == new or states.may_follow(old, new)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
@override_settings(MAX_OPEN_ORDERS=1000, BREAKER_FAILURES=10**9, NO_STOCK_TTL_S=0)
def test_orders_agree_with_a_plain_model(
    shop_builder: Callable[..., Shop], db: None, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    global _shop
    _shop = shop_builder(str(FUNDS))
    monkeypatch.setattr("verifications.services.health.mark_no_stock", lambda *_: None)
    machine_settings = settings(
        max_examples=EXAMPLES // PARTS,
        stateful_step_count=50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Orders, settings=machine_settings)
