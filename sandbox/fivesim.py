"""5SIM version 1: the calls that need a key."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from functools import partial
from itertools import islice

from starlette.types import Receive, Scope, Send

from sandbox import fivesim_guest as guest
from sandbox.clock import rfc3339
from sandbox.orders import (
    BANNED,
    CANCELLED,
    EXPIRED,
    FINISHED,
    RECEIVED,
    RETRY,
    WAITING,
    Message,
    Order,
    money,
)
from sandbox.params import Params, price_limit, query_params, whole_number
from sandbox.replies import JSON, Reply, quoted, send_reply
from sandbox.scenarios import scenario_of
from sandbox.serving import Dialect
from sandbox.vendor import Refused, Vendor

DEFAULT_ROWS = 100
MAX_ROWS = 100_000

# RECEIVED means that the number was issued, not that a code came.
STATUS = {
    WAITING: "RECEIVED",
    RECEIVED: "RECEIVED",
    RETRY: "RECEIVED",
    FINISHED: "FINISHED",
    CANCELLED: "CANCELED",
    EXPIRED: "TIMEOUT",
    BANNED: "BANNED",
}
SENTENCES: dict[str, tuple[int, str]] = {
    "no_stock": (200, "no free phones"),
    "price": (200, "no free phones"),
    "no_balance": (400, "not enough user balance"),
    "unknown_order": (404, "order not found"),
    "has_sms": (400, "order has sms"),
    "no_sms": (400, "order no sms"),
    "closed": (400, "order expired"),
    "early": (400, "you need to wait time"),
    "early_cancel_denied": (400, "you need to wait time"),
    "bad_country": (400, "bad country"),
    "bad_operator": (400, "bad operator"),
    "bad_service": (400, "no product"),
    "bad_value": (400, "bad request"),
    "server_error": (500, "internal error"),
    "http_500": (500, "internal error"),
    "error_sql": (400, "server offline"),
    "unknown_literal": (200, "service mode seven"),
    "banned": (400, "not enough rating"),
}
LIMIT = b"api limit is 100 requests per second"
NOT_FOUND = Reply(b"404 page not found", 404)


class FiveSimApi(Dialect[Vendor]):
    """`/v1/…`; everything is a GET, also what spends money."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope["path"].split("/")[2:]
        params = query_params(scope)
        name, kind, perform = self._route(parts, params)
        self.vendor.books.requests[name] += 1
        if perform is None:
            await send_reply(send, NOT_FOUND)
        elif parts[0] == "user" and not self._is_signed_in(scope):
            await send_reply(send, Reply(status=401))
        else:
            await self.serve(kind, perform, scope, receive, send)

    def _is_signed_in(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, key = value.decode("latin-1").partition(" ")
                return scheme.lower() == "bearer" and self.is_key(key.strip())
        return False

    def _route(
        self, parts: list[str], params: Params
    ) -> tuple[str, str, Callable[[str | None], Reply] | None]:
        match parts:
            case ["guest", "countries"]:
                return "countries", "catalogue", lambda fault: _json(guest.countries(self.vendor))
            case ["guest", "products", country, operator]:
                return (
                    "products",
                    "catalogue",
                    lambda fault: _json(guest.products(self.vendor, country, operator)),
                )
            case ["guest", "prices"]:
                return "prices", "catalogue", lambda fault: _json(guest.prices(self.vendor, params))
            case ["guest", "flash", _]:
                return "flash", "catalogue", lambda fault: _json(b'{"text":""}')
            case ["user", "profile"]:
                return "profile", "balance", self._profile
            case ["user", "buy", "activation", country, operator, product]:
                return "buy", "buy", partial(self._buy, country, operator, product, params)
            case ["user", "check", order_id]:
                return "check", "read", partial(self._check, order_id)
            case ["user", "finish", order_id]:
                return "finish", "change", partial(self._finish, order_id)
            case ["user", "cancel", order_id]:
                return "cancel", "cancel", partial(self._cancel, order_id)
            case ["user", "ban", order_id]:
                return "ban", "cancel", partial(self._ban, order_id)
            case ["user", "orders"]:
                return "orders", "list", partial(self._orders, params)
            case ["user", "sms", "inbox", order_id]:
                return "inbox", "read", partial(self._inbox, order_id)
        return "unknown", "read", None

    def refusal(self, refused: Refused) -> Reply:
        status, sentence = SENTENCES[refused.reason]
        return Reply(sentence.encode(), status)

    def canned(self, fault: str, kind: str) -> Reply:
        match fault:
            case "bad_key":
                return Reply(status=401)
            case "rate_limited":
                return Reply(LIMIT, 429, headers=((b"retry-after", b"2"),))
            case "rate_limited_bare":
                return Reply(LIMIT, 429)
        return self.refusal(Refused(fault))

    def refuses(self, fault: str, kind: str) -> bool:
        # Of a read, only the order's status is something unheard of.
        return super().refuses(fault, kind) and (fault, kind) != ("unknown_literal", "read")

    def _profile(self, fault: str | None) -> Reply:
        balance = self.vendor.books.balance.quantize(Decimal("0.01"), ROUND_DOWN)
        digits = f"{balance}37" if fault == "balance_4_decimals" else f"{balance}"
        return _json(
            f'{{"id":1,"email":"ops@example.test","vendor":"demo","default_forwarding_number":"",'
            f'"balance":{digits},"rating":96,"default_country":{{"name":"england","iso":"gb","prefix":"+44"}},'
            f'"default_operator":{{"name":""}},"frozen_balance":0}}'.encode()
        )

    def _buy(self, country: str, operator: str, product: str, params: Params, fault: str | None) -> Reply:
        catalogue = self.vendor.catalogue
        if country not in catalogue.countries:
            raise Refused("bad_country")
        if operator != "any" and operator not in catalogue.operators(country):
            raise Refused("bad_operator")
        if product not in catalogue.services:
            raise Refused("bad_service")
        limit = price_limit(params.get("maxPrice")) if operator == "any" else None
        order = self.vendor.sell(product, country, operator, max_price=limit, fault=fault)
        body = f"{_head(order, STATUS[order.status])}null}}".encode()
        return Reply(body, content_type=JSON, hang=scenario_of(product).hangs)

    def _check(self, order_id: str, fault: str | None) -> Reply:
        return _json(self._order_json(self.vendor.find(order_id), fault))

    def _finish(self, order_id: str, fault: str | None) -> Reply:
        order = self.vendor.find(order_id)
        self.vendor.finish(order)
        return _json(self._order_json(order, fault))

    def _cancel(self, order_id: str, fault: str | None) -> Reply:
        order = self.vendor.find(order_id)
        self.vendor.cancel(order, fault=fault)
        return _json(self._order_json(order, fault))

    def _ban(self, order_id: str, fault: str | None) -> Reply:
        order = self.vendor.find(order_id)
        self.vendor.ban(order)
        return _json(self._order_json(order, fault))

    def _orders(self, params: Params, fault: str | None) -> Reply:
        orders = self.vendor.books.orders
        limit = min(whole_number(params.get("limit"), DEFAULT_ROWS), MAX_ROWS)
        offset = whole_number(params.get("offset"), 0)
        if params.get("category") == "hosting":
            return _json(b'{"Data":[],"ProductNames":[],"Statuses":[],"Total":0}')
        newest_first = params.get("reverse") in ("true", "1")
        chosen = islice(
            reversed(orders.values()) if newest_first else orders.values(), offset, offset + limit
        )
        rows = b",".join(self._order_json(order, fault) for order in chosen)
        return _json(b'{"Data":[%s],"ProductNames":[],"Statuses":[],"Total":%d}' % (rows, len(orders)))

    def _inbox(self, order_id: str, fault: str | None) -> Reply:
        order = self.vendor.find(order_id)
        messages = _shown(order, fault)
        rows = ",".join(_sms(message) for message in messages)
        return _json(f'{{"Data":[{rows}],"Total":{len(messages)}}}'.encode())

    def _order_json(self, order: Order, fault: str | None) -> bytes:
        """The order object; kept as bytes until the order changes, unless a fault colours it."""
        if fault is None and order.row is not None:
            return order.row
        shown = _shown(order, fault)
        sms = f"[{','.join(_sms(message) for message in shown)}]" if shown or fault != "sms_null" else "null"
        status = "POSTPONED" if fault == "unknown_literal" else STATUS[order.status]
        row = f"{_head(order, status)}{sms}}}".encode()
        if fault is None:
            order.row = row
        return row


def _head(order: Order, status: str) -> str:
    return (
        f'{{"id":{order.id},"phone":"+{order.phone}","operator":"{order.operator}","product":"{order.service}",'
        f'"price":{money(order.price)},"status":"{status}",'
        f'"expires":"{rfc3339(order.expires_at, "microseconds")}",'
        f'"created_at":"{rfc3339(order.created_at, "microseconds")}","country":"{order.country}",'
        f'"forwarding":false,"forwarding_number":"","sms":'
    )


def _shown(order: Order, fault: str | None) -> list[Message]:
    return order.messages + order.messages[-1:] if fault == "duplicate_sms" else order.messages


def _sms(message: Message) -> str:
    at = rfc3339(message.at, "microseconds")
    return (
        f'{{"id":{message.id},"created_at":"{at}","date":"{rfc3339(message.at)}","sender":{quoted(message.sender)},'
        f'"text":{quoted(message.text)},"code":{quoted(message.code or "")},"is_wave":false,"wave_uuid":""}}'
    )


def _json(body: bytes) -> Reply:
    return Reply(body, content_type=JSON)
