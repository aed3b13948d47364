"""The SMS-Activate handler dialect as its original vendor spoke it: always 200, mostly text."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from functools import partial

from starlette.types import Receive, Scope, Send

from sandbox import handler_lists as lists
from sandbox.clock import zoneless
from sandbox.handler_rows import active_rows, classic_row, emitted_code, history_rows
from sandbox.orders import FINISHED, RECEIVED, RETRY, WAITING, Order, money
from sandbox.params import Params, form_params, price_limit, query_params
from sandbox.replies import HTML, Reply, quoted, send_reply
from sandbox.scenarios import scenario_of
from sandbox.serving import Dialect, Stopping
from sandbox.vendor import Refused, Vendor

Action = Callable[[Params, str | None], Reply]
CANCEL_STATUSES = frozenset({"8", "-1"})
_CENTS = Decimal("0.01")

LITERALS = {
    "no_stock": "NO_NUMBERS",
    "no_balance": "NO_BALANCE",
    "unknown_order": "NO_ACTIVATION",
    "no_operators": "OPERATORS_NOT_FOUND",
    "no_sms": "BAD_STATUS",
    "has_sms": "BAD_STATUS",
    "closed": "BAD_STATUS",
    "early": "EARLY_CANCEL_DENIED",
    "bad_status": "BAD_STATUS",
    "bad_service": "BAD_SERVICE",
    "bad_country": "BAD_COUNTRY",
    "bad_operator": "BAD_OPERATOR",
    "bad_prefix": "WRONG_EXCEPTION_PHONE",
    "bad_value": "ERROR_SQL",
    "error_sql": "ERROR_SQL",
    "bad_key": "BAD_KEY",
    "no_key": "NO_KEY",
    "early_cancel_denied": "EARLY_CANCEL_DENIED",
    "bad_action": "BAD_ACTION",
}
UNKNOWN_LITERALS = {"buy": "ACCESS_PENDING", "read": "STATUS_WAIT_OPERATOR", "cancel": "ACCESS_QUEUED"}


class HandlerApi(Dialect[Vendor]):
    """`/stubs/handler_api.php`; hero.py overrides what its successor does differently."""

    keyless: frozenset[str] = frozenset()
    list_key = "activeActivations"

    def __init__(self, vendor: Vendor, *, keys: frozenset[str], stopping: Stopping) -> None:
        super().__init__(vendor, keys=keys, stopping=stopping)
        self.actions: dict[str, tuple[str, Action]] = {
            "getBalance": ("balance", self._get_balance),
            "getBalanceAndCashBack": ("balance", self._get_balance),
            "getBalanceV2": ("balance", self._get_balance_v2),
            "getNumbersStatus": ("catalogue", self._listing(lists.numbers_status)),
            "getPrices": ("catalogue", self._listing(lists.prices)),
            "getPricesVerification": ("catalogue", self._listing(lists.prices_by_service)),
            "getTopCountriesByService": ("catalogue", self._listing(lists.top_countries)),
            "getCountries": ("catalogue", self._listing(lists.countries)),
            "getServicesList": ("catalogue", self._listing(lists.services)),
            "getOperators": ("catalogue", self._listing(lists.operators)),
            "getNumber": ("buy", self._get_number),
            "getNumberV2": ("buy", self._get_number_v2),
            "setStatus": ("change", self.set_status),
            "getStatus": ("read", self._get_status),
            "getStatusV2": ("read", self.get_status_v2),
            "getFullSms": ("read", self._get_full_sms),
            "getActiveActivations": ("list", self._get_active),
            "getListOfActiveActivations": ("list", self._get_active),
            "getHistory": ("list", self._get_history),
            "cancelActivation": ("cancel", self._cancel_activation),
            "finishActivation": ("change", self._finish_activation),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Clients send the query, a form, or both; where both name a thing the query wins.
        params = query_params(scope)
        if scope["method"] == "POST":
            params = await form_params(receive) | params
        name = params.get("action", "")
        action = self.actions.get(name)
        self.vendor.books.requests[name if action else "unknown"] += 1
        if (reason := self._denied(name, self.key_of(params, scope))) is not None:
            await send_reply(send, self.refusal(Refused(reason)))
        elif action is None:
            await send_reply(send, self.refusal(Refused("bad_action")))
        else:
            kind, perform = action
            if name == "setStatus" and params.get("status") in CANCEL_STATUSES:
                kind = "cancel"
            await self.serve(kind, partial(perform, params), scope, receive, send)

    def key_of(self, params: Params, scope: Scope) -> str | None:
        """The API key of a request."""
        return params.get("api_key")

    def _denied(self, action: str, key: str | None) -> str | None:
        if action in self.keyless and not key:
            return None
        if not key:
            return "no_key"
        return None if self.is_key(key) else "bad_key"

    # How this vendor words things

    def say(self, text: str) -> Reply:
        """A text answer; the original labels everything as HTML."""
        return Reply(text.encode(), content_type=HTML)

    def data(self, body: bytes) -> Reply:
        """A JSON answer under the same label."""
        return Reply(body, content_type=HTML)

    def refusal(self, refused: Refused) -> Reply:
        if refused.reason == "server_error":
            return self.canned("http_500", "buy")
        if refused.reason == "price":
            return self.say(f"WRONG_MAX_PRICE:{money(refused.minimum or Decimal(0))}")
        return self.say(LITERALS[refused.reason])

    def canned(self, fault: str, kind: str) -> Reply:
        match fault:
            case "http_500":
                return Reply(b"Internal Server Error", 500)
            case "unknown_literal":
                return self.say(UNKNOWN_LITERALS.get(kind, "SERVICE_MODE_7"))
            case "rate_limited":
                return Reply(b"TOO_MANY_REQUESTS", 429, headers=((b"retry-after", b"2"),))
            case "rate_limited_bare":
                return Reply(b"TOO_MANY_REQUESTS", 429)
            case "banned":
                until = datetime.fromtimestamp(self.vendor.clock.now() + 600, UTC)
                return self.say(f"BANNED:'{until:%Y-%m-%d %H-%M-%S}'")
        return self.say(LITERALS[fault])

    # Account and catalogue

    def _get_balance(self, params: Params, fault: str | None) -> Reply:
        return self.say(f"ACCESS_BALANCE:{self._balance(fault)}")

    def _get_balance_v2(self, params: Params, fault: str | None) -> Reply:
        return self.data(f'{{"balance":{self._balance(fault)},"cashback":0}}'.encode())

    def _balance(self, fault: str | None) -> str:
        balance = self.vendor.books.balance.quantize(_CENTS, ROUND_DOWN)
        return f"{balance}37" if fault == "balance_4_decimals" else str(balance)

    def _listing(self, build: Callable[[Vendor, Params], bytes]) -> Action:
        return lambda params, fault: self.data(build(self.vendor, params))

    # Orders

    def _get_number(self, params: Params, fault: str | None) -> Reply:
        order = self._buy(params, fault)
        return self._bought(order, self.say(f"ACCESS_NUMBER:{order.id}:{order.phone}"))

    def _get_number_v2(self, params: Params, fault: str | None) -> Reply:
        order = self._buy(params, fault)
        return self._bought(order, self.data(self.number_json(order)))

    def _bought(self, order: Order, reply: Reply) -> Reply:
        return replace(reply, hang=True) if scenario_of(order.service).hangs else reply

    def number_json(self, order: Order) -> bytes:
        """The answer of `getNumberV2`."""
        return (
            f'{{"activationId":"{order.id}","phoneNumber":"{order.phone}","activationCost":{money(order.price)},'
            f'"currency":840,"countryCode":"{order.country}","canGetAnotherSms":"1",'
            f'"activationTime":"{zoneless(order.created_at)}","activationOperator":"{order.operator}"}}'
        ).encode()

    def _buy(self, params: Params, fault: str | None) -> Order:
        service = lists.wanted_service(self.vendor, params)
        country = lists.wanted_country(self.vendor, params)
        operators = [name for name in params.get("operator", "any").split(",") if name]
        if not {"any", *self.vendor.catalogue.operators(country)}.issuperset(operators):
            raise Refused("bad_operator")
        prefixes = tuple(part for part in params.get("phoneException", "").split(",") if part)
        if len(prefixes) > 20 or not all(part.isdigit() for part in prefixes):
            raise Refused("bad_prefix")
        return self.vendor.sell(
            service,
            country,
            operators[0] if operators else "any",
            max_price=price_limit(params.get("maxPrice")),
            refused_prefixes=prefixes,
            fault=fault,
        )

    def set_status(self, params: Params, fault: str | None) -> Reply:
        """`setStatus` by the state of the order and the status asked for."""
        order, status = self.vendor.find(params.get("id", "")), params.get("status", "")
        if status not in {"1", "3", "6", *CANCEL_STATUSES}:
            raise Refused("bad_status")
        if not order.is_open:
            if status in CANCEL_STATUSES:
                self.vendor.note_cancel(order)
            return self.say(self._closed_answer(order, status))
        if status == "1":
            return self.say("ACCESS_READY")
        if status == "3":
            self.vendor.ask_another(order)
            return self.say("ACCESS_RETRY_GET")
        if status == "6":
            self.vendor.finish(order)
            return self.say("ACCESS_ACTIVATION")
        self.vendor.cancel(order, fault=fault)
        return self.say("ACCESS_CANCEL")

    def _closed_answer(self, order: Order, status: str) -> str:
        if order.status == FINISHED:
            return "ACCESS_ACTIVATION" if status == "6" else "BAD_STATUS"
        return "ACCESS_CANCEL" if status in CANCEL_STATUSES else "NO_ACTIVATION"

    def _get_status(self, params: Params, fault: str | None) -> Reply:
        order = self.vendor.find(params.get("id", ""))
        if order.status == WAITING:
            return self.say("STATUS_WAIT_CODE")
        if order.status in (RECEIVED, RETRY):
            name = "STATUS_OK" if order.status == RECEIVED else "STATUS_WAIT_RETRY"
            return self.say(f"{name}:{emitted_code(order.messages[-1])}")
        # Cancelled, expired or completed: the original does not tell the endings apart here.
        return self.say("STATUS_CANCEL")

    def get_status_v2(self, params: Params, fault: str | None) -> Reply:
        """`getStatusV2`: shows the latest SMS whatever became of the order."""
        order = self.vendor.find(params.get("id", ""))
        if not order.messages:
            if not order.is_open:
                return self.say("STATUS_CANCEL")
            return self.data(b'{"verificationType":0,"sms":null,"call":null}')
        sms = order.messages[-1]
        return self.data(
            f'{{"verificationType":0,"sms":{{"dateTime":"{zoneless(sms.at)}","code":{quoted(sms.code or "")},'
            f'"text":{quoted(sms.text)}}},"call":null}}'.encode()
        )

    def _get_full_sms(self, params: Params, fault: str | None) -> Reply:
        order = self.vendor.find(params.get("id", ""))
        if order.messages:
            return self.say(f"FULL_SMS:{order.messages[-1].text}")
        return self.say("STATUS_WAIT_CODE" if order.is_open else "STATUS_CANCEL")

    def _cancel_activation(self, params: Params, fault: str | None) -> Reply:
        self.vendor.cancel(self.vendor.find(params.get("id", "")), fault=fault)
        return Reply(status=204)

    def _finish_activation(self, params: Params, fault: str | None) -> Reply:
        self.vendor.finish(self.vendor.find(params.get("id", "")))
        return Reply(status=204)

    # Lists

    def row(self, order: Order, *, duplicate: bool = False) -> bytes:
        """A row of the list of open orders."""
        return classic_row(order, self.vendor.catalogue, duplicate=duplicate)

    def no_rows(self) -> Reply:
        """The answer when nothing is open."""
        return self.say("NO_ACTIVATIONS")

    def _get_active(self, params: Params, fault: str | None) -> Reply:
        duplicate = fault == "duplicate_sms"
        row = partial(self.row, duplicate=duplicate)
        rows = active_rows(self.vendor.books, params, row, cached=not duplicate)
        if not rows:
            return self.no_rows()
        return self.data(b'{"status":"success","%s":[%s]}' % (self.list_key.encode(), rows))

    def _get_history(self, params: Params, fault: str | None) -> Reply:
        return self.data(history_rows(self.vendor.books, params, self.date))

    def date(self, at: float) -> str:
        """How this vendor writes a time."""
        return zoneless(at)
