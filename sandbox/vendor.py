"""The rules of one seller of numbers; the dialect modules only translate."""

import random
from decimal import Decimal
from itertools import count

from sandbox import texts
from sandbox.books import Books
from sandbox.catalogue import Catalogue
from sandbox.clock import Clock
from sandbox.config import VendorConfig
from sandbox.faults import TEXT_STYLES
from sandbox.orders import BANNED, CANCELLED, EXPIRED, FINISHED, RETRY, WAITING, Order
from sandbox.phones import PhoneBook
from sandbox.scenarios import (
    AFTER_CANCEL_SMS_S,
    LATE_SMS_S,
    PRICE_JUMP,
    SECOND_SMS_S,
    Scenario,
    scenario_of,
)

_PLACES = Decimal("0.0001")
_JUMP = Decimal(PRICE_JUMP)
_ONLY_EXPIRED = frozenset({EXPIRED})
_ONLY_CANCELLED = frozenset({CANCELLED, BANNED})


class Refused(Exception):
    """The vendor says no; each dialect words the reason its own way."""

    def __init__(self, reason: str, minimum: Decimal | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.minimum = minimum


class Vendor:
    """One account at one seller."""

    def __init__(
        self,
        name: str,
        *,
        catalogue: Catalogue,
        config: VendorConfig,
        clock: Clock,
        rng: random.Random,
        first_id: int,
        first_big_id: int,
        asks_for_another: bool,
    ) -> None:
        self.name = name
        self.catalogue = catalogue
        self.clock = clock
        self.rng = rng
        self._default_config = config
        self._asks_for_another = asks_for_another
        # Not part of the books: after a reset an old id must not mean a new order.
        self._ids, self._big_ids = count(first_id), count(first_big_id)
        self.reset()

    def reset(self) -> None:
        """Forget everything but which ids were used."""
        self.books = Books()
        self.config = self._default_config
        self.listings: dict[str, bytes] = {}
        self._phones = PhoneBook(self.rng)

    def configure(self, config: VendorConfig, balance: Decimal | None) -> None:
        """Put a new configuration in force for calls and orders from now on."""
        self.config = config
        self.listings.clear()
        if balance is not None:
            self.books.balance = balance

    def list_price(self, service: str, country: str, operator: str = "any") -> Decimal:
        """The price on the list."""
        price = self.catalogue.price(service, country, operator)
        return (
            price if self.config.price_factor == 1 else (price * self.config.price_factor).quantize(_PLACES)
        )

    def asked_price(self, service: str, country: str, operator: str = "any") -> Decimal:
        """The price at the buy, which `price_jump` makes a different one."""
        price = self.list_price(service, country, operator)
        return (price * _JUMP).quantize(_PLACES) if scenario_of(service).price_jump else price

    def stock(self, service: str, country: str, operator: str = "any") -> int:
        """The count on the list; a configured one stays as it is whatever is sold."""
        if self.config.stock is not None:
            return self.config.stock
        return self.catalogue.stock(service, country, operator)

    def sell(
        self,
        service: str,
        country: str,
        operator: str,
        *,
        max_price: Decimal | None = None,
        refused_prefixes: tuple[str, ...] = (),
        fault: str | None = None,
    ) -> Order:
        """Take the money and hand out a number.

        Raises:
            Refused: `server_error`, `no_stock`, `price` (with the minimum) or `no_balance`; nothing was sold.
        """
        scenario = scenario_of(service)
        if scenario.fails:
            raise Refused("server_error")
        if scenario.sold_out or self.stock(service, country, operator) == 0:
            raise Refused("no_stock")
        price = self.asked_price(service, country, operator)
        if max_price is not None and max_price < price:
            raise Refused("price", minimum=price)
        if self.books.balance < price:
            raise Refused("no_balance")
        phone = self._find_phone(country, scenario, refused_prefixes)
        order = self._issue(service, country, operator, phone, price, big_id=fault == "big_id")
        order.text_style = fault if fault in TEXT_STYLES else None
        self._plan_messages(order, scenario)
        return order

    def sell_silent(self, service: str, country: str) -> Order:
        """Sell a number on which nothing ever arrives, for benchmarks."""
        phone = self._find_phone(country, scenario_of(service), ())
        return self._issue(service, country, "any", phone, self.list_price(service, country), big_id=False)

    def find(self, order_id: str) -> Order:
        """An order by the id in a request.

        Raises:
            Refused: `unknown_order`; buyers do not see forgotten orders either.
        """
        known = order_id.isascii() and order_id.isdigit() and len(order_id) < 20
        order = self.books.orders.get(int(order_id)) if known else None
        if order is None:
            raise Refused("unknown_order")
        return order

    def ask_another(self, order: Order) -> None:
        """Wait for one more SMS, free of charge; before the first one there is nothing to ask for.

        Raises:
            Refused: `closed`.
        """
        self._require_open(order)
        if order.status == WAITING:
            return
        order.status, order.row = RETRY, None
        if not order.another_due and self._asks_for_another:
            order.another_due = True
            second = scenario_of(order.service).second_sms
            self.books.plan_sms(self.clock.now() + (SECOND_SMS_S if second else self._delay()), order)

    def finish(self, order: Order) -> None:
        """End an order whose code was used; the charge stands.

        Raises:
            Refused: `closed` or `no_sms`.
        """
        self._require_open(order)
        if order.status == WAITING:
            raise Refused("no_sms")
        self.books.close(order, FINISHED, self.clock.now(), refund=False)

    def cancel(self, order: Order, *, fault: str | None = None, status: str = CANCELLED) -> None:
        """End an order without SMS and give the money back.

        Raises:
            Refused: `closed`, `has_sms`, or `early` before the cancel lock ends (a ban has none).
        """
        now = self.clock.now()
        self.note_cancel(order)
        self._require_open(order)
        if order.status != WAITING:
            raise Refused("has_sms")
        if status == CANCELLED and now < order.created_at + self.config.cancel_lock_s:
            raise Refused("early")
        self.books.close(order, status, now, refund=True)
        if fault == "sms_after_cancel":
            self.books.plan(now + AFTER_CANCEL_SMS_S, order, _ONLY_CANCELLED)

    def note_cancel(self, order: Order) -> None:
        """Count a request to cancel, whatever comes of it."""
        order.cancel_requests += 1
        self.books.counters["cancel_requested"] += 1

    def ban(self, order: Order) -> None:
        """Report a number as already used: a cancel without the lock, under another name."""
        self.cancel(order, status=BANNED)

    def catch_up(self) -> float:
        """Carry out everything that has become due, and return the present time."""
        now = self.clock.now()
        for due, _, order, applies in self.books.due(now):
            if applies is None:
                self._end_life(order, due)
            elif order.status in applies:
                service = self.catalogue.text_service(order.service)
                name = self.catalogue.service_name(order.service)
                sender, text, code = texts.compose(self.rng, service, name, order.text_style)
                self.books.deliver(order, text, sender, code, due)
        return now

    def _issue(
        self, service: str, country: str, operator: str, phone: str, price: Decimal, *, big_id: bool
    ) -> Order:
        now = self.clock.now()
        if operator == "any":
            operator = self.catalogue.cheapest_operator(service, country)
        order_id = next(self._big_ids if big_id else self._ids)
        order = Order(order_id, service, country, operator, phone, price, now, now + self.config.lifetime_s)
        self.books.enter(order)
        return order

    def _plan_messages(self, order: Order, scenario: Scenario) -> None:
        if scenario.after_expiry:
            self.books.plan(order.expires_at + LATE_SMS_S, order, _ONLY_EXPIRED)
        if scenario.silent or self.rng.random() >= self.config.delivery_rate:
            return
        first = order.created_at + (self._delay() if scenario.first_sms_s is None else scenario.first_sms_s)
        self.books.plan_sms(first, order)
        if scenario.second_sms and not self._asks_for_another:
            self.books.plan_sms(first + SECOND_SMS_S, order)

    def _delay(self) -> float:
        return self.rng.uniform(*self.config.delivery_s)

    def _find_phone(self, country: str, scenario: Scenario, refused_prefixes: tuple[str, ...]) -> str:
        place = self.catalogue.countries[country]
        if scenario.worn_out:
            return self._phones.worn_out(place.iso2, place.dial)
        for _ in range(20):
            phone = self._phones.number(place.iso2, place.dial)
            if not refused_prefixes or not phone.startswith(refused_prefixes):
                return phone
        raise Refused("no_stock")

    def _require_open(self, order: Order) -> None:
        if not order.is_open:
            raise Refused("closed")

    def _end_life(self, order: Order, at: float) -> None:
        if order.status == WAITING:
            self.books.close(order, EXPIRED, at, refund=True)
        elif order.is_open:
            # A code came, so the charge stands: the vendor completes the order by itself.
            self.books.close(order, FINISHED, at, refund=False)
