"""5SIM, API v1 (https://5sim.net/docs, read 2026-11). Every call is a GET, also those that spend money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from verifications.providers import fivesim_errors, fivesim_parsing, wire
from verifications.providers.base import (
    Balance,
    Bought,
    BuyRequest,
    Candidate,
    Capabilities,
    Closed,
    OfferRow,
    OrderRef,
    ProviderAccount,
    ProviderCode,
    SmsProvider,
    Snapshot,
    UpstreamState,
)
from verifications.providers.errors import Ambiguous, Conflict, NotSupported, TooLate
from verifications.providers.fivesim_parsing import Order, Page

log = structlog.get_logger(__name__)

_CATALOG_BYTES = 16_000_000
_MAX_PAGES = 500
# An order older than its lifetime has ended; the margin is for clocks and for lifetimes that a row does not know.
_AGE_MARGIN = dt.timedelta(minutes=10)
_ANY = "any"


class FiveSimDialect(BaseModel):
    """Flags of `ProviderAccount.dialect`; docs/providers/fivesim.md explains them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    list_open: bool = True
    list_page: Annotated[int, Field(ge=1, le=10_000)] = 100


class FiveSim(SmsProvider):
    """One account at 5SIM."""

    def __init__(self, account: ProviderAccount) -> None:
        super().__init__(account)
        self._dialect = wire.flags(FiveSimDialect, account)
        self._url = account.base_url.rstrip("/")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            list_open=self._dialect.list_open,
            operator=True,
            max_price=True,
            another_sms=True,
            cancel=True,
            finish=True,
            report_bad=True,
            history=True,
        )

    # Catalogue and account

    def balance(self) -> Balance:
        profile = self._get("/user/profile")
        amount = wire.decimal(wire.mapping(profile).get("balance"))
        if amount is None:
            raise Ambiguous("the profile has no balance")
        # The reply does not name the currency: old accounts are in roubles, new ones in dollars.
        return Balance(amount, self.account.currency)

    def services(self) -> list[ProviderCode]:
        return fivesim_parsing.products(self._get("/guest/products/any/any", is_guest=True))

    def countries(self) -> list[ProviderCode]:
        return fivesim_parsing.countries(self._get("/guest/countries", is_guest=True))

    def offers(self, country_code: str) -> Iterable[OfferRow]:
        document = self._get("/guest/prices", {"country": country_code}, is_guest=True)
        return list(fivesim_parsing.offers(document, country_code))

    # Buying

    def buy(self, request: BuyRequest) -> Bought:
        """Buy one number, in exactly one call.

        5SIM takes a maximum price only with the operator "any"; with a named operator the price is the one in the reply.

        Raises:
            Ambiguous: Time-out, server fault, or a reply that is not a complete order: it may have been bought.
        """
        operator = request.operator or _ANY
        parts = (request.country_code, operator, request.service_code)
        path = "/user/buy/activation/" + "/".join(quote(part, safe="") for part in parts)
        params = {"maxPrice": wire.plain(request.max_cost)} if operator == _ANY else {}
        order = self._order(path, params)
        if not order.phone:
            raise Ambiguous("the order has no readable phone number")
        now = wire.now()
        lifetime = dt.timedelta(seconds=self.account.lifetime_s)
        return Bought(
            provider_order_id=order.id,
            phone_number=order.phone,
            cost=order.price,
            expires_at=order.expires if order.expires and order.expires > now else now + lifetime,
            cancel_not_before=now + dt.timedelta(seconds=self.account.cancel_lock_s),
            can_resend=True,
            operator=order.operator,
        )

    # Reading

    def fetch(self, order: OrderRef) -> Snapshot:
        taken_at = wire.now()
        return self._order(f"/user/check/{quote(order.provider_order_id, safe='')}").snapshot(taken_at)

    def fetch_open(self, rounds: Mapping[str, int]) -> dict[str, Snapshot]:
        """Orders that have not ended, with all their messages; the rounds do not matter, since an order keeps every SMS."""
        if not self._dialect.list_open:
            raise NotSupported("/user/orders")
        taken_at = wire.now()
        oldest = taken_at - dt.timedelta(seconds=self.account.lifetime_s) - _AGE_MARGIN
        orders = self._orders_since(oldest)
        return {order.id: order.snapshot(taken_at) for order in orders if not order.state.is_terminal}

    def find_lost(self, since: dt.datetime) -> list[Candidate]:
        found: dict[str, Candidate] = {}
        for order in self._orders_since(since):
            if order.phone and (order.created_at is None or order.created_at >= since):
                found.setdefault(order.id, order.candidate())
        return list(found.values())

    def _orders_since(self, oldest: dt.datetime) -> Iterator[Order]:
        """Orders, newest first as asked for; should 5SIM sort the other way round, every page is read."""
        seen = 0
        for page_number in range(_MAX_PAGES):
            page = self._page(page_number * self._dialect.list_page)
            rows = [order for row in page.Data or () if (order := self._row(row)) is not None]
            yield from rows
            seen += len(page.Data or ())
            if not page.Data or seen >= page.Total:
                return
            times = [order.created_at for order in rows if order.created_at is not None]
            if times and times[0] >= times[-1] and times[-1] < oldest:
                return
        raise Ambiguous(f"the list of orders has more than {_MAX_PAGES} pages")

    def _page(self, offset: int) -> Page:
        params = {
            "category": "activation",
            "limit": str(self._dialect.list_page),
            "offset": str(offset),
            "order": "id",
            "reverse": "true",
        }
        document = self._get("/user/orders", params)
        try:
            return Page.model_validate(document)
        except ValidationError:
            # Not a list of orders is not an empty list of orders.
            raise Ambiguous("the list of orders has another shape") from None

    def _row(self, row: object) -> Order | None:
        try:
            return Order.model_validate(row)
        except ValidationError as error:
            log.warning(
                "Order in the list is unreadable", provider=self.account.slug, problems=error.error_count()
            )
            return None

    # Closing

    def request_another(self, order: OrderRef) -> None:
        """Nothing to ask: an order takes every SMS until it ends."""

    def finish(self, order: OrderRef) -> Closed:
        return self._closed("finish", order)

    def cancel(self, order: OrderRef) -> Closed:
        """Cancel for a refund.

        Raises:
            TooEarly: The number is too young.
            TooLate: A code is there, or the order has ended another way.
        """
        try:
            return self._closed("cancel", order)
        except Conflict as error:
            raise TooLate(str(error), literal=error.literal) from error

    def report_bad(self, order: OrderRef) -> Closed:
        """`ban`: the number was already used; refunded."""
        return self._closed("ban", order)

    def _closed(self, action: str, order: OrderRef) -> Closed:
        closed = self._order(f"/user/{action}/{quote(order.provider_order_id, safe='')}")
        if not closed.state.is_terminal:
            raise Ambiguous(f"order is {closed.status[:20]} after {action}")
        expired_unused = closed.state == UpstreamState.EXPIRED and not closed.sms
        return Closed(closed.state, refunded=closed.state == UpstreamState.CANCELLED or expired_unused)

    # The wire

    def _order(self, path: str, params: Mapping[str, str] | None = None) -> Order:
        document = self._get(path, params)
        try:
            return Order.model_validate(document)
        except ValidationError:
            raise Ambiguous(f"not an order: {wire.snippet(str(document), self.account)}") from None

    def _get(self, path: str, params: Mapping[str, str] | None = None, *, is_guest: bool = False) -> Any:
        headers = {"Accept": "application/json"}
        if not is_guest:
            headers["Authorization"] = f"Bearer {self.account.credential}"
        reply = wire.call(
            self.account, "GET", self._url + path, params=params, headers=headers, max_bytes=_CATALOG_BYTES
        )
        refusal = fivesim_errors.refusal(reply, self.account)
        if refusal is not None:
            raise refusal
        try:
            return reply.json()
        except ValueError:
            raise Ambiguous(f"broken JSON: {wire.snippet(reply.text, self.account)}") from None
