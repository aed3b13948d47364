"""The control API: what was sold, how to behave, what time it is."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import rates, sms_gateway, texts
from sandbox.books import COUNTERS
from sandbox.clock import rfc3339
from sandbox.config import MAX_SECONDS, apply_changes, parse_changes
from sandbox.guard import MAX_BULK, BadRequest, Guard, answer, nothing_else, payload_of
from sandbox.orders import STATUSES, money
from sandbox.paystack import config as paystack_config
from sandbox.paystack import state as paystack_state
from sandbox.replies import to_json
from sandbox.vendor import Refused, Vendor
from sandbox.world import PAYSTACK, RATES, SMS, World


class Control:
    """`/_sandbox/…`, for loopback callers and for those who know the secret."""

    def __init__(self, world: World, guard: Guard) -> None:
        self._world = world
        self._guard = guard

    def routes(self) -> list[Route]:
        """The routes of the control API."""
        return [
            Route("/_sandbox/health", self._guard(self.health), methods=["GET"]),
            Route("/_sandbox/state", self._guard(self.state), methods=["GET"]),
            Route("/_sandbox/config", self._guard(self.config), methods=["GET", "POST"]),
            Route("/_sandbox/clock", self._guard(self.move_clock), methods=["POST"]),
            Route("/_sandbox/reset", self._guard(self.reset), methods=["POST"]),
            Route("/_sandbox/bulk", self._guard(self.bulk), methods=["POST"]),
            Route("/_sandbox/orders/{order_id}/deliver", self._guard(self.deliver), methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """Whether the process answers, and what time it thinks it is."""
        clock = self._world.clock
        return answer(
            {"status": "ok", "now": rfc3339(clock.now(), "milliseconds"), "advanced_s": clock.advanced_s}
        )

    async def state(self, request: Request) -> Response:
        """The books; `?orders=0` leaves the rows out, `?vendor=` and `?status=` choose among them."""
        query = request.query_params
        status = query.get("status")
        if status is not None and status not in STATUSES:
            raise BadRequest(f"Unknown status {status!r}; known: {', '.join(sorted(STATUSES))}.")
        chosen, with_rows = query.get("vendor"), query.get("orders") != "0"
        paystack = b""
        if chosen in (None, PAYSTACK):
            shown = paystack_state.describe(self._world.paystack, with_rows=with_rows)
            paystack = b',"paystack":%s' % to_json(shown)
        parts = []
        for vendor in [] if chosen == PAYSTACK else self._chosen(chosen):
            vendor.catch_up()
            head = to_json(_summary(vendor))
            if with_rows:
                head = head[:-1] + b',"orders":[%s]}' % b",".join(vendor.books.rows(status))
            parts.append(b'"%s":%s' % (vendor.name.encode(), head))
        body = b'{"now":"%s","vendors":{%s}%s}' % (
            rfc3339(self._world.clock.now(), "milliseconds").encode(),
            b",".join(parts),
            paystack,
        )
        return Response(body, media_type="application/json")

    async def config(self, request: Request) -> Response:
        """Change the behaviour of one vendor or all sellers; all fields are checked before any is put in force."""
        if request.method == "POST":
            payload = await payload_of(request)
            name = payload.pop("vendor", None)
            if name == PAYSTACK:
                self._world.paystack.catch_up()
                changes, balance = paystack_config.parse_changes(payload)
                self._world.paystack.configure(replace(self._world.paystack.config, **changes), balance)
            elif name == RATES:
                changes = rates.parse_changes(payload)
                self._world.rates.config = replace(self._world.rates.config, **changes)
            elif name == SMS:
                changes = sms_gateway.parse_changes(payload)
                self._world.sms.config = replace(self._world.sms.config, **changes)
            else:
                self._configure_sellers(self._chosen(name), payload)
        return answer(
            {
                "vendors": {name: _config(vendor) for name, vendor in self._world.vendors.items()},
                PAYSTACK: self._world.paystack.config.as_json(),
                RATES: self._world.rates.config.as_json(),
                SMS: self._world.sms.config.as_json(),
            }
        )

    def _configure_sellers(self, vendors: list[Vendor], payload: dict[str, Any]) -> None:
        changes, balance = parse_changes(payload)
        for vendor in vendors:
            vendor.catch_up()
            vendor.configure(apply_changes(vendor.config, changes), balance)

    async def move_clock(self, request: Request) -> Response:
        """Advance the clock."""
        payload = await payload_of(request)
        seconds = payload.pop("advance_s", None)
        nothing_else(payload)
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not is_number or not 0 <= seconds <= MAX_SECONDS:
            raise BadRequest(f"advance_s must be a number of seconds between 0 and {MAX_SECONDS}.")
        self._world.clock.advance(seconds)
        for vendor in self._world.vendors.values():
            vendor.catch_up()
        self._world.paystack.catch_up()
        self._world.paystack.on_change()
        return await self.health(request)

    async def reset(self, request: Request) -> Response:
        """Empty the books and return to the default configuration."""
        payload = await payload_of(request)
        name = payload.pop("vendor", None)
        nothing_else(payload)
        if name not in (PAYSTACK, RATES, SMS):
            self._chosen(name)
        self._world.reset(name)
        return answer({"status": "ok"})

    async def bulk(self, request: Request) -> Response:
        """Open many orders on which nothing arrives."""
        payload = await payload_of(request)
        name, number = payload.pop("vendor", None), payload.pop("count", None)
        service, country = payload.pop("service", None), payload.pop("country", None)
        nothing_else(payload)
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
        return answer(
            {"ids": [str(order.id) for order in orders], "phones": [order.phone for order in orders]}
        )

    async def deliver(self, request: Request) -> Response:
        """Hand an SMS to an order now, in whatever state it is."""
        payload = await payload_of(request)
        vendors = self._chosen(payload.pop("vendor", None))
        text, sender, code = payload.pop("text", None), payload.pop("sender", None), payload.pop("code", None)
        nothing_else(payload)
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
            return answer({"vendor": vendor.name, "order": order.as_json()})
        raise BadRequest("No vendor here knows this order.", 404)

    def _chosen(self, name: Any) -> list[Vendor]:
        if name is None:
            return list(self._world.vendors.values())
        if not isinstance(name, str) or name not in self._world.vendors:
            known = ", ".join([*self._world.vendors, PAYSTACK, RATES, SMS])
            raise BadRequest(f"Unknown vendor {name!r}; known: {known}.")
        return [self._world.vendors[name]]


def _summary(vendor: Vendor) -> dict[str, Any]:
    books = vendor.books
    counters: dict[str, Any] = {name: books.counters[name] for name in COUNTERS}
    counters["requests"] = dict(books.requests)
    return {"counters": counters, "balance": money(books.balance), "open": len(books.open)}


def _config(vendor: Vendor) -> dict[str, Any]:
    return {**vendor.config.as_json(), "balance": money(vendor.books.balance)}
