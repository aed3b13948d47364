"""`/paystack/…` as the merchant's server sees it: keys, faults, and which call is which."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from sandbox.params import query_params
from sandbox.paystack import accounts, banks, customers, disputes, refunds, settlements, transactions
from sandbox.paystack.calls import Call, Endpoint
from sandbox.paystack.errors import ApiError, not_found
from sandbox.paystack.faults import FAULTS
from sandbox.paystack.integration import Integration
from sandbox.replies import HTML, Reply, send_reply
from sandbox.serving import Dialect
from sandbox.vendor import Refused

PREFIX = "/paystack"
MAX_BODY = 1_048_576

SERVER_ERROR = Reply(
    b"<!DOCTYPE html>\n<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>\n",
    500,
    HTML,
)


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API; its name counts it, its kind says which faults can strike it."""

    name: str
    kind: str
    method: str
    path: re.Pattern[str]
    endpoint: Endpoint


def _route(name: str, kind: str, what: str, endpoint: Endpoint) -> Route:
    method, _, template = what.partition(" ")
    return Route(name, kind, method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)), endpoint)


# The first that fits answers, so fixed words stand before the paths with an id.
ROUTES = (
    _route("initialize", "initialize", "POST /transaction/initialize", transactions.initialize),
    _route("verify", "verify", "GET /transaction/verify/{reference}", transactions.verify),
    _route("charge", "charge", "POST /transaction/charge_authorization", transactions.charge_authorization),
    _route("transactions", "list", "GET /transaction", transactions.listing),
    _route("totals", "read", "GET /transaction/totals", transactions.totals),
    _route("transaction", "read", "GET /transaction/{id}", transactions.fetch),
    _route("deactivate_authorization", "change", "POST /customer/authorization/deactivate", customers.deactivate),
    _route("customer", "read", "GET /customer/{code}", customers.fetch),
    _route("refund", "refund", "POST /refund", refunds.create),
    _route("refunds", "list", "GET /refund", refunds.listing),
    _route("refund_retry", "refund", "POST /refund/retry_with_customer_details/{id}", refunds.retry),
    _route("fetch_refund", "read", "GET /refund/{id}", refunds.fetch),
    _route("banks", "list", "GET /bank", banks.listing),
    _route("disputes", "list", "GET /dispute", disputes.listing),
    _route("dispute_of_transaction", "read", "GET /dispute/transaction/{id}", disputes.of_transaction),
    _route("dispute_upload_url", "dispute", "GET /dispute/{id}/upload_url", disputes.upload_url),
    _route("dispute_evidence", "dispute", "POST /dispute/{id}/evidence", disputes.add_evidence),
    _route("dispute_resolve", "dispute", "PUT /dispute/{id}/resolve", disputes.resolve),
    _route("dispute_update", "dispute", "PUT /dispute/{id}", disputes.update),
    _route("dispute", "read", "GET /dispute/{id}", disputes.fetch),
    _route("settlements", "list", "GET /settlement", settlements.listing),
    _route("settled_transactions", "list", "GET /settlement/{id}/transactions", settlements.transactions),
    _route("balance", "read", "GET /balance", settlements.balance),
    _route("balance_ledger", "list", "GET /balance/ledger", settlements.ledger),
    _route("assign_account", "change", "POST /dedicated_account/assign", accounts.assign),
    _route("account_providers", "read", "GET /dedicated_account/available_providers", accounts.providers),
    _route("requery_account", "change", "GET /dedicated_account/requery", accounts.requery),
    _route("create_account", "change", "POST /dedicated_account", accounts.create),
    _route("accounts", "list", "GET /dedicated_account", accounts.listing),
    _route("deactivate_account", "change", "DELETE /dedicated_account/{id}", accounts.deactivate),
    _route("account", "read", "GET /dedicated_account/{id}", accounts.fetch),
    _route("session_timeout", "read", "GET /integration/payment_session_timeout", customers.session_timeout),
    _route("set_session_timeout", "change", "PUT /integration/payment_session_timeout", customers.set_session_timeout),
)  # fmt: skip


class PaystackApi(Dialect[Integration]):
    """ASGI application of the API."""

    fault_strikes = FAULTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = Request(scope, receive)
        body = await request.body()
        try:
            key = _key(request.headers.get("authorization"))
            route, path = _find(scope["method"], _raw_path(scope))
            call = Call(
                base_url=f"{request.url.scheme}://{request.url.netloc}{PREFIX}",
                domain="live" if key.startswith("sk_live_") else "test",
                path=path,
                query=query_params(scope),
                body=_fields(body, request.headers.get("content-type", "")),
            )
        except ApiError as error:
            await send_reply(send, error.reply())
            return
        self.vendor.books.calls[route.name] += 1
        await self.serve(route.kind, partial(self._perform, route, call, key), scope, receive, send)

    def _perform(self, route: Route, call: Call, key: str, fault: str | None) -> Reply:
        try:
            reply = route.endpoint(self.vendor, call)
        except ApiError:
            self.vendor.books.refusals[route.name] += 1
            raise
        # Whoever was last let in has the key that signs the webhooks.
        self.vendor.books.key = key
        return reply

    def refusal(self, refused: Refused) -> Reply:
        if not isinstance(refused, ApiError):
            raise refused
        return refused.reply()

    def refuses(self, fault: str, kind: str) -> bool:
        return fault in _CANNED

    def canned(self, fault: str, kind: str) -> Reply:
        return _CANNED[fault]()


_CANNED: dict[str, Callable[[], Reply]] = {
    "http_500": lambda: SERVER_ERROR,
    "rate_limited": lambda: _with_retry_after(
        ApiError("Too many requests", status=429, code="rate_limited", kind="api_error").reply()
    ),
    "please_wait": lambda: ApiError("Please wait a few minutes and try again.", code=None).reply(),
    "bad_key": lambda: ApiError("Invalid key", status=401, code="invalid_Key").reply(),
    "deactivated": lambda: ApiError("Integration has been deactivated", status=403, code=None).reply(),
}


def _with_retry_after(reply: Reply) -> Reply:
    return Reply(reply.body, reply.status, reply.content_type, ((b"retry-after", b"2"),))


def _key(header: str | None) -> str:
    if not header:
        raise ApiError("No Authorization Header was found", status=401, code="missing_params")
    scheme, _, key = header.partition(" ")
    if scheme != "Bearer" or not key:
        raise ApiError("Format is Authorization Bearer [secret key]", status=401, code="invalid_params")
    if not key.startswith(("sk_test_", "sk_live_")):
        raise ApiError("Invalid key", status=401, code="invalid_Key")
    return key


def _raw_path(scope: Scope) -> str:
    # As it was sent: in the decoded path a reference with an escaped slash would look like two steps.
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0].removeprefix(PREFIX).rstrip("/") or "/"


def _find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        if route.method == method and (found := route.path.fullmatch(path)):
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    raise not_found(f"Cannot {method} {path}")


def _fields(body: bytes, content_type: str) -> dict[str, Any]:
    if len(body) > MAX_BODY:
        raise ApiError("Request entity too large", status=413)
    if not body.strip():
        return {}
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        fields = json.loads(body)
    except ValueError:
        raise ApiError("Invalid JSON passed", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise ApiError("The body must be an object", code="invalid_json")
    return fields
