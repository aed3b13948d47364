"""The control API: what was sold, how to behave, what time it is."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import texts
from sandbox.books import COUNTERS
from sandbox.clock import rfc3339
from sandbox.config import MAX_SECONDS, BadConfig, apply_changes, parse_changes
from sandbox.orders import STATUSES, money
from sandbox.replies import to_json
from sandbox.vendor import Refused, Vendor
from sandbox.world import World

Handler = Callable[[Request], Awaitable[Response]]
LOOPBACK = frozenset({"127.0.0.1", "::1"})
MAX_BULK = 200_000


class BadRequest(ValueError):
    """The message goes to the caller, with the status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """`/_sandbox/…`, for loopback callers and for those who know the secret."""

    def __init__(self, world: World, secret: str) -> None:
        self._world = world
        self._secret = secret

    def routes(self) -> list[Route]:
        """The routes of the control API."""
        return [
            Route("/_sandbox/health", self._guarded(self.health), methods=["GET"]),
            Route("/_sandbox/state", self._guarded(self.state), methods=["GET"]),
            Route("/_sandbox/config", self._guarded(self.config), methods=["GET", "POST"]),
            Route("/_sandbox/clock", self._guarded(self.move_clock), methods=["POST"]),
            Route("/_sandbox/reset", self._guarded(self.reset), methods=["POST"]),
            Route("/_sandbox/bulk", self._guarded(self.bulk), methods=["POST"]),
            Route("/_sandbox/orders/{order_id}/deliver", self._guarded(self.deliver), methods=["POST"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            if not self._may_control(request):
                return _json({"error": "The control API is for loopback callers or the shared secret."}, 403)
            try:
                return await handler(request)
            except BadConfig as bad:
                return _json({"error": str(bad)}, 400)
            except BadRequest as bad:
                return _json({"error": str(bad)}, bad.status)

        return endpoint

    def _may_control(self, request: Request) -> bool:
        if request.client is not None and request.client.host in LOOPBACK:
            return True
        given = request.headers.get("x-sandbox-secret", "")
        return bool(self._secret) and hmac.compare_digest(given.encode(), self._secret.encode())

    async def health(self, request: Request) -> Response:
        """Whether the process answers, and what time it thinks it is."""
        clock = self._world.clock
        return _json(
            {"status": "ok", "now": rfc3339(clock.now(), "milliseconds"), "advanced_s": clock.advanced_s}
        )

    async def state(self, request: Request) -> Response:
        """The books; `?orders=0` leaves the orders out, `?vendor=` and `?status=` choose among them."""
        query = request.query_params
        status = query.get("status")
        if status is not None and status not in STATUSES:
            raise BadRequest(f"Unknown status {status!r}; known: {', '.join(sorted(STATUSES))}.")
        parts = []
        for vendor in self._chosen(query.get("vendor")):
            vendor.catch_up()
            head = to_json(_summary(vendor))
            if query.get("orders") != "0":
                head = head[:-1] + b',"orders":[%s]}' % b",".join(vendor.books.rows(status))
            parts.append(b'"%s":%s' % (vendor.name.encode(), head))
        body = b'{"now":"%s","vendors":{%s}}' % (
            rfc3339(self._world.clock.now(), "milliseconds").encode(),
            b",".join(parts),
        )
        return Response(body, media_type="application/json")

    async def config(self, request: Request) -> Response:
        """Change the behaviour of one vendor or all; all fields are checked before any is put in force."""
        if request.method == "POST":
            payload = await _payload(request)
            vendors = self._chosen(payload.pop("vendor", None))
            changes, balance = parse_changes(payload)
            for vendor in vendors:
                vendor.catch_up()
                vendor.configure(apply_changes(vendor.config, changes), balance)
        return _json({"vendors": {name: _config(vendor) for name, vendor in self._world.vendors.items()}})

    async def move_clock(self, request: Request) -> Response:
        """Advance the clock."""
        payload = await _payload(request)
        seconds = payload.pop("advance_s", None)
        _nothing_else(payload)
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not is_number or not 0 <= seconds <= MAX_SECONDS:
            raise BadRequest(f"advance_s must be a number of seconds between 0 and {MAX_SECONDS}.")
        self._world.clock.advance(seconds)
        for vendor in self._world.vendors.values():
            vendor.catch_up()
        return await self.health(request)

    async def reset(self, request: Request) -> Response:
        """Empty the books and return to the default configuration."""
        payload = await _payload(request)
        name = payload.pop("vendor", None)
        _nothing_else(payload)
        self._chosen(name)
        self._world.reset(name)
        return _json({"status": "ok"})

    async def bulk(self, request: Request) -> Response:
        """Open many orders on which nothing arrives."""
        payload = await _payload(request)
        name, number = payload.pop("vendor", None), payload.pop("count", None)
        service, country = payload.pop("service", None), payload.pop("country", None)
        _nothing_else(payload)
        if name is None:
            raise BadRequest("vendor is required.")
        vendor = self._chosen(name)[0]
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_BULK:
            raise BadRequest(f"count must be a whole number between 1 and {MAX_BULK}.")
        service = service or ("telegram" if name == "fivesim" else "tg")
        country = str(country or ("england" if name == "fivesim" else "16"))
        if service not in vendor.catalogue.services or country not in vendor.catalogue.countries:
            raise BadRequest(f"{name} does not sell {service!r} in {country!r}.")
        vendor.catch_up()
        orders = [vendor.sell_silent(service, country) for _ in range(number)]
        return _json(
            {"ids": [str(order.id) for order in orders], "phones": [order.phone for order in orders]}
        )

    async def deliver(self, request: Request) -> Response:
        """Hand an SMS to an order now, in whatever state it is."""
        payload = await _payload(request)
        vendors = self._chosen(payload.pop("vendor", None))
        text, sender, code = payload.pop("text", None), payload.pop("sender", None), payload.pop("code", None)
        _nothing_else(payload)
        if not isinstance(text, str) or not isinstance(sender, str):
            raise BadRequest("text and sender are required and must be text.")
        if code is not None and not isinstance(code, str):
            raise BadRequest("code must be text.")
        for vendor in vendors:
            now = vendor.catch_up()
            try:
                order = vendor.find(request.path_params["order_id"])
            except Refused:
                continue
            vendor.books.deliver(
                order, text, sender, texts.read_code(text) if code is None else code or None, now
            )
            return _json({"vendor": vendor.name, "order": order.as_json()})
        raise BadRequest("No vendor here knows this order.", 404)

    def _chosen(self, name: Any) -> list[Vendor]:
        if name is None:
            return list(self._world.vendors.values())
        if not isinstance(name, str) or name not in self._world.vendors:
            raise BadRequest(f"Unknown vendor {name!r}; known: {', '.join(self._world.vendors)}.")
        return [self._world.vendors[name]]


def _summary(vendor: Vendor) -> dict[str, Any]:
    books = vendor.books
    counters: dict[str, Any] = {name: books.counters[name] for name in COUNTERS}
    counters["requests"] = dict(books.requests)
    return {"counters": counters, "balance": money(books.balance), "open": len(books.open)}


def _config(vendor: Vendor) -> dict[str, Any]:
    return {**vendor.config.as_json(), "balance": money(vendor.books.balance)}


def _nothing_else(payload: dict[str, Any]) -> None:
    if payload:
        raise BadRequest(f"Unknown field {next(iter(payload))!r}.")


async def _payload(request: Request) -> dict[str, Any]:
    body = await request.body()
    try:
        payload = json.loads(body) if body.strip() else {}
    except ValueError:
        raise BadRequest("The body must be JSON.") from None
    if not isinstance(payload, dict):
        raise BadRequest("The body must be a JSON object.")
    return payload


def _json(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, media_type="application/json")
