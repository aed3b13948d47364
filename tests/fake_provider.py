"""A provider in memory, obedient to its script: the plain model that orders are tested against."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import timezone

from verifications.providers.base import (
    Balance,
    Bought,
    BuyRequest,
    Candidate,
    Capabilities,
    Closed,
    OfferRow,
    OrderRef,
    ProviderCode,
    ReceivedMessage,
    SmsProvider,
    Snapshot,
    UpstreamState,
)
from verifications.providers.errors import NotSupported, OrderNotFound, ProviderError, TooEarly, TooLate


@dataclass
class Sold:
    """One order in the provider's books."""

    order_id: str
    phone_number: str
    request: BuyRequest
    sold_at: dt.datetime
    state: UpstreamState = UpstreamState.WAITING
    messages: list[ReceivedMessage] = field(default_factory=list)
    cancel_calls: int = 0


@dataclass
class Upstream:
    """The provider's side. `next_buys` holds, call by call, an error to raise instead of selling, or after selling."""

    lifetime_s: int = 1200
    cancel_lock_s: int = 0
    can_list: bool = True
    cost: Decimal = Decimal("0.20")
    orders: dict[str, Sold] = field(default_factory=dict)
    next_buys: list[ProviderError | tuple[str, ProviderError] | None] = field(default_factory=list)
    read_error: ProviderError | None = None
    cancel_error: ProviderError | None = None
    buys: int = 0
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def deliver(
        self, order_id: str, text: str, code: str = "", *, key: str = "", sent_at: dt.datetime | None = None
    ) -> None:
        """An SMS arrives for an order."""
        order = self.orders[order_id]
        order.messages.append(
            ReceivedMessage(key or f"{order_id}-{len(order.messages)}", text, code, "Sender", sent_at)
        )
        if not order.state.is_terminal:
            order.state = UpstreamState.RECEIVED

    def sell(self, request: BuyRequest) -> Sold:
        """Book a sale."""
        number = next(self.numbers)
        order = Sold(f"up-{number}", f"+44770090{number:04d}", request, timezone.now())
        self.orders[order.order_id] = order
        return order

    @property
    def only(self) -> Sold:
        """The single order sold."""
        (order,) = self.orders.values()
        return order


_upstreams: dict[str, Upstream] = {}


def upstream(slug: str) -> Upstream:
    """The far side of the provider with this slug."""
    return _upstreams.setdefault(slug, Upstream())


def forget() -> None:
    """Empty all books."""
    _upstreams.clear()


class FakeProvider(SmsProvider):
    """The adapter that speaks to `Upstream`."""

    @property
    def _far(self) -> Upstream:
        return upstream(self.account.slug)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            list_open=self._far.can_list,
            operator=True,
            max_price=True,
            another_sms=True,
            cancel=True,
            finish=True,
        )

    def balance(self) -> Balance:
        return Balance(Decimal(100), "USD")

    def services(self) -> list[ProviderCode]:
        return []

    def countries(self) -> list[ProviderCode]:
        return []

    def offers(self, country_code: str) -> Iterable[OfferRow]:
        return []

    def buy(self, request: BuyRequest) -> Bought:
        far = self._far
        far.buys += 1
        script = far.next_buys.pop(0) if far.next_buys else None
        if isinstance(script, ProviderError):
            raise script
        order = far.sell(request)
        if isinstance(script, tuple):
            raise script[1]
        return Bought(
            provider_order_id=order.order_id,
            phone_number=order.phone_number,
            cost=far.cost,
            expires_at=order.sold_at + dt.timedelta(seconds=far.lifetime_s),
            cancel_not_before=order.sold_at + dt.timedelta(seconds=far.cancel_lock_s),
            can_resend=True,
        )

    def fetch(self, order: OrderRef) -> Snapshot:
        far = self._far
        taken_at = timezone.now()
        if far.read_error is not None:
            raise far.read_error
        sold = self._find(order)
        return Snapshot(sold.state, taken_at, tuple(sold.messages))

    def fetch_open(self, rounds: Mapping[str, int]) -> dict[str, Snapshot]:
        far = self._far
        if not far.can_list:
            raise NotSupported
        taken_at = timezone.now()
        if far.read_error is not None:
            raise far.read_error
        return {
            sold.order_id: Snapshot(sold.state, taken_at, tuple(sold.messages))
            for sold in list(far.orders.values())
            if not sold.state.is_terminal
        }

    def find_lost(self, since: dt.datetime) -> list[Candidate]:
        far = self._far
        if far.read_error is not None:
            raise far.read_error
        return [
            Candidate(
                provider_order_id=sold.order_id,
                phone_number=sold.phone_number,
                service_code=sold.request.service_code,
                country_code=sold.request.country_code,
                state=sold.state,
                cost=far.cost,
                created_at=sold.sold_at,
                expires_at=sold.sold_at + dt.timedelta(seconds=far.lifetime_s),
            )
            for sold in list(far.orders.values())
            if sold.sold_at >= since
        ]

    def request_another(self, order: OrderRef) -> None:
        sold = self._find(order)
        if sold.state.is_terminal:
            raise TooLate
        sold.state = UpstreamState.WAITING_MORE

    def finish(self, order: OrderRef) -> Closed:
        sold = self._find(order)
        sold.state = UpstreamState.FINISHED
        return Closed(sold.state, refunded=False)

    def cancel(self, order: OrderRef) -> Closed:
        far = self._far
        sold = self._find(order)
        sold.cancel_calls += 1
        if far.cancel_error is not None:
            raise far.cancel_error
        not_before = sold.sold_at + dt.timedelta(seconds=far.cancel_lock_s)
        if timezone.now() < not_before:
            raise TooEarly(not_before=not_before)
        if sold.messages:
            raise TooLate
        sold.state = UpstreamState.CANCELLED
        return Closed(sold.state, refunded=True)

    def report_bad(self, order: OrderRef) -> Closed:
        return self.cancel(order)

    def _find(self, order: OrderRef) -> Sold:
        try:
            return self._far.orders[order.provider_order_id]
        except KeyError:
            raise OrderNotFound from None
