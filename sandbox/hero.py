"""HeroSMS, the successor: the same actions, some as text and some as JSON with honest HTTP statuses."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from starlette.types import Scope

from sandbox.clock import rfc3339
from sandbox.handler import HandlerApi
from sandbox.handler_rows import sms_code, sms_text
from sandbox.orders import RECEIVED, WAITING, Message, Order, money
from sandbox.params import Params, whole_number
from sandbox.replies import JSON, Reply, quoted, to_json
from sandbox.serving import Stopping
from sandbox.vendor import Refused, Vendor

MAX_PAGE = 100

ERRORS: dict[str, tuple[int, str, str]] = {
    # reason: (HTTP status, title, details)
    "no_balance": (402, "NO_BALANCE", "Insufficient funds"),
    "unknown_order": (404, "NOT_FOUND", "Activation not found"),
    "has_sms": (409, "OTP_RECEIVED", "A code was already received"),
    "closed": (409, "ACTIVATION_NOT_ACTIVE", "Activation is not active"),
    "no_sms": (400, "BAD_STATUS", "No code was received yet"),
    "bad_status": (400, "BAD_STATUS", "Status is incorrect"),
    "bad_service": (400, "BAD_SERVICE", "Service is incorrect"),
    "bad_country": (400, "BAD_COUNTRY", "Country is incorrect"),
    "bad_operator": (400, "BAD_OPERATOR", "Operator is incorrect"),
    "bad_prefix": (400, "WRONG_EXCEPTION_PHONE", "Phone exception is incorrect"),
    "bad_value": (422, "UNPROCESSABLE_ENTITY", "A value is malformed"),
    "bad_action": (404, "BAD_ACTION", "Action is incorrect"),
    "no_operators": (404, "NOT_FOUND", "Operators not found"),
    "bad_key": (401, "BAD_KEY", "API key is incorrect"),
    "no_key": (422, "UNPROCESSABLE_ENTITY", "API key is missing"),
}


class HeroApi(HandlerApi):
    """`/hero/stubs/handler_api.php`."""

    keyless = frozenset({"getCountries", "getServicesList", "getOperators", "getPrices"})
    list_key = "data"

    def __init__(self, vendor: Vendor, *, keys: frozenset[str], stopping: Stopping) -> None:
        super().__init__(vendor, keys=keys, stopping=stopping)
        self.actions["getAllSms"] = ("read", self._get_all_sms)
        del self.actions["getPricesVerification"]

    def key_of(self, params: Params, scope: Scope) -> str | None:
        for name, value in scope["headers"]:
            if name == b"authorization" and value.startswith(b"ApiKey "):
                return bytes(value[7:]).decode("latin-1")
        return params.get("api_key")

    def say(self, text: str) -> Reply:
        return Reply(text.encode())

    def data(self, body: bytes) -> Reply:
        return Reply(body, content_type=JSON)

    def date(self, at: float) -> str:
        return rfc3339(at)

    def _error(self, status: int, title: str, details: str, info: Mapping[str, Any] | None = None) -> Reply:
        body: dict[str, Any] = {"title": title, "details": details}
        if info is not None:
            body["info"] = info
        return Reply(to_json(body), status, JSON)

    def refusal(self, refused: Refused) -> Reply:
        match refused.reason:
            case "no_stock":
                # The one refusal that stayed as it was in the original dialect.
                return self.say("NO_NUMBERS")
            case "server_error":
                return self.canned("http_500", "buy")
            case "price":
                minimum = money(refused.minimum or Decimal(0))
                body = f'{{"title":"WRONG_MAX_PRICE","details":"Maximum price is too low","info":{{"min":{minimum}}}}}'
                return Reply(body.encode(), 400, JSON)
            case "early":
                lock = int(self.vendor.config.cancel_lock_s)
                return self._early(lock)
            case "no_key":
                return self._error(*ERRORS["no_key"], {"field": "api_key", "code": "required"})
        return self._error(*ERRORS[refused.reason])

    def _early(self, lock_s: int) -> Reply:
        details = "Activation cannot be cancelled yet"
        return self._error(409, "EARLY_CANCEL_DENIED", details, {"minActivationTime": lock_s})

    def canned(self, fault: str, kind: str) -> Reply:
        match fault:
            case "http_500":
                return self._error(500, "SERVER_ERROR", "Internal server error")
            case "early_cancel_denied":
                return self._early(120)
            case "no_stock" | "no_balance" | "bad_key":
                return self.refusal(Refused(fault))
            case "banned":
                until = self.vendor.clock.now() + 600
                info = {
                    "scope": "global",
                    "banned_until": rfc3339(until),
                    "retry_after_seconds": 600,
                    "readable_date": super().date(until),
                }
                return self._error(403, "BANNED", "Account is blocked", info)
            case "rate_limited" | "rate_limited_bare":
                headers = ((b"retry-after", b"2"),) if fault == "rate_limited" else ()
                body = to_json({"title": "TOO_MANY_REQUESTS", "details": "Error code 1020"})
                return Reply(body, 429, JSON, headers)
        return super().canned(fault, kind)

    def number_json(self, order: Order) -> bytes:
        place = self.vendor.catalogue.countries[order.country]
        return (
            f'{{"activationId":"{order.id}","phoneNumber":"{order.phone}","activationCost":{money(order.price)},'
            f'"currency":840,"countryCode":"{order.country}","countryPhoneCode":"{place.dial}",'
            f'"canGetAnotherSms":true,"activationTime":"{rfc3339(order.created_at)}",'
            f'"activationEndTime":"{rfc3339(order.expires_at)}","activationOperator":"{order.operator}",'
            f'"verificationType":"sms","subtype":1,"serviceCode":"{order.service}","status":"4"}}'
        ).encode()

    def set_status(self, params: Params, fault: str | None) -> Reply:
        order, status = self.vendor.find(params.get("id", "")), params.get("status", "")
        if status not in {"3", "6", "8"}:
            raise Refused("bad_status")
        if status == "3":
            self.vendor.ask_another(order)
            return self.say("ACCESS_RETRY_GET")
        if status == "6":
            self.vendor.finish(order)
            return self.say("ACCESS_ACTIVATION")
        self.vendor.cancel(order, fault=fault)
        return self.say("ACCESS_CANCEL")

    def get_status_v2(self, params: Params, fault: str | None) -> Reply:
        order = self.vendor.find(params.get("id", ""))
        if not order.messages:
            if not order.is_open:
                return self.say("STATUS_CANCEL")
            return self.data(b'{"verificationType":"sms","data":null}')
        return self.data(f'{{"verificationType":"sms","data":{_sms(order, order.messages[-1])}}}'.encode())

    def row(self, order: Order, *, duplicate: bool = False) -> bytes:
        status = "4" if order.status == WAITING else "2" if order.status == RECEIVED else "3"
        place = self.vendor.catalogue.countries[order.country]
        return (
            f'{{"activationId":"{order.id}","serviceCode":"{order.service}","phoneNumber":"{order.phone}",'
            f'"activationCost":"{money(order.price)}","activationStatus":"{status}",'
            f'"smsCode":{sms_code(order, duplicate=duplicate)},"smsText":{sms_text(order)},'
            f'"activationTime":"{rfc3339(order.created_at)}","activationEndTime":"{rfc3339(order.expires_at)}",'
            f'"countryCode":"{order.country}","countryName":{quoted(place.name)},'
            f'"canGetAnotherSms":true,"currency":"840"}}'
        ).encode()

    def no_rows(self) -> Reply:
        return self.data(b'{"status":"success","activeActivations":{"rows":[]}}')

    def _get_all_sms(self, params: Params, fault: str | None) -> Reply:
        order = self.vendor.find(params.get("id", ""))
        size = min(whole_number(params.get("size"), MAX_PAGE) or MAX_PAGE, MAX_PAGE)
        start = max(whole_number(params.get("page"), 1) - 1, 0) * size
        messages = list(order.messages)
        if fault == "duplicate_sms":
            messages += messages[-1:]
        rows = ",".join(_sms(order, message) for message in islice(messages, start, start + size))
        page = f'"page":{start // size + 1},"size":{size},"total":{len(messages)}'
        return self.data(f'{{"data":[{rows}],{page}}}'.encode())


def _sms(order: Order, message: Message) -> str:
    return (
        f'{{"id":{message.id},"phoneFrom":{quoted(message.sender)},"code":{quoted(message.code)},'
        f'"text":{quoted(message.text)},"service":"{order.service}","date":"{rfc3339(message.at)}","type":"sms"}}'
    )
