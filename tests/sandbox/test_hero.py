from typing import Any

import pytest

from tests.sandbox.client import HERO_PATH, KEY, SandboxClient


def set_status(sandbox: SandboxClient, order_id: str, status: str) -> tuple[int, Any]:
    reply = sandbox.hero("setStatus", id=order_id, status=status)
    return reply.status_code, reply.json() if reply.text.startswith("{") else reply.text


def error(sandbox: SandboxClient, action: str, **params: Any) -> tuple[int, str]:
    reply = sandbox.hero(action, **params)
    return reply.status_code, reply.json()["title"]


def test_russia_is_222_and_0_and_12_are_unknown(sandbox: SandboxClient) -> None:
    countries = sandbox.hero("getCountries").json()

    assert countries["222"]["eng"] == "Russia"
    assert {"203", "204"} <= set(countries)
    assert {"0", "12"}.isdisjoint(countries)
    assert sandbox.hero("getNumber", service="wa", country="222").text.split(":")[2].startswith("7")
    assert error(sandbox, "getNumber", service="wa", country="0") == (400, "BAD_COUNTRY")


def test_key_is_wanted_except_for_catalogue(sandbox: SandboxClient) -> None:
    missing = sandbox.http.get(HERO_PATH, params={"action": "getBalance"})
    wrong = sandbox.http.get(HERO_PATH, params={"action": "getBalance", "api_key": "nope"})
    header = sandbox.http.get(
        HERO_PATH, params={"action": "getBalance"}, headers={"Authorization": f"ApiKey {KEY}"}
    )
    keyless = sandbox.http.get(HERO_PATH, params={"action": "getServicesList"})

    assert (missing.status_code, missing.json()["title"]) == (422, "UNPROCESSABLE_ENTITY")
    assert missing.json()["info"] == {"field": "api_key", "code": "required"}
    assert (wrong.status_code, wrong.json()["title"]) == (401, "BAD_KEY")
    assert header.text == "ACCESS_BALANCE:1000000.00"
    assert keyless.status_code == 200


@pytest.mark.parametrize(
    ("action", "params", "expected"),
    [
        ("nope", {}, (404, "BAD_ACTION")),
        ("getNumber", {"service": "nope", "country": "6"}, (400, "BAD_SERVICE")),
        ("getNumber", {"service": "wa"}, (400, "BAD_COUNTRY")),
        ("getNumber", {"service": "wa", "country": "6", "maxPrice": "x"}, (422, "UNPROCESSABLE_ENTITY")),
        ("getStatus", {"id": "1"}, (404, "NOT_FOUND")),
        ("setStatus", {"id": "1", "status": "8"}, (404, "NOT_FOUND")),
        ("cancelActivation", {"id": "1"}, (404, "NOT_FOUND")),
    ],
)
def test_errors_are_json_with_honest_status(
    sandbox: SandboxClient, action: str, params: dict[str, str], expected: tuple[int, str]
) -> None:
    assert error(sandbox, action, **params) == expected


def test_price_limit_names_minimum_in_json(sandbox: SandboxClient) -> None:
    price = sandbox.hero("getPrices", service="wa", country="6").json()["6"]["wa"]["cost"]

    reply = sandbox.hero("getNumberV2", service="wa", country="6", maxPrice="0.01")

    assert reply.status_code == 400
    assert reply.json() == {
        "title": "WRONG_MAX_PRICE",
        "details": "Maximum price is too low",
        "info": {"min": price},
    }


def test_no_balance_is_402_and_no_stock_is_text_with_200(sandbox: SandboxClient) -> None:
    sold_out = sandbox.hero("getNumber", service="sold_out", country="6")
    sandbox.control("config", vendor="hero", balance=0)

    assert (sold_out.status_code, sold_out.text) == (200, "NO_NUMBERS")
    assert error(sandbox, "getNumberV2", service="wa", country="6") == (402, "NO_BALANCE")


def test_number_v2_is_extended(sandbox: SandboxClient) -> None:
    body = sandbox.hero("getNumberV2", service="wa", country="222").json()
    order = sandbox.order("hero")

    assert body["activationId"] == order["id"]
    assert (body["countryPhoneCode"], body["canGetAnotherSms"], body["subtype"]) == ("7", True, 1)
    assert (body["serviceCode"], body["verificationType"], body["status"]) == ("wa", "sms", "4")
    assert body["activationEndTime"] == order["expires_at"][:19] + "Z"
    assert body["activationTime"] == order["created_at"][:19] + "Z"


def test_list_uses_data_when_full_and_rows_when_empty(sandbox: SandboxClient) -> None:
    empty = sandbox.hero("getActiveActivations").json()
    order_id = sandbox.buy_hero()

    full = sandbox.hero("getActiveActivations").json()

    assert empty == {"status": "success", "activeActivations": {"rows": []}}
    (row,) = full["data"]
    assert (row["activationId"], row["canGetAnotherSms"], row["activationStatus"]) == (order_id, True, "4")
    assert row["activationEndTime"] == sandbox.order("hero")["expires_at"][:19] + "Z"


def test_status_v2_puts_sms_under_data(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_hero()
    waiting = sandbox.hero("getStatusV2", id=order_id).json()
    sandbox.advance(6)
    (message,) = sandbox.order("hero")["messages"]

    body = sandbox.hero("getStatusV2", id=order_id).json()
    page = sandbox.hero("getAllSms", id=order_id).json()

    assert waiting == {"verificationType": "sms", "data": None}
    assert body["verificationType"] == "sms"
    assert body["data"] == {
        "id": int(message["id"]),
        "phoneFrom": message["sender"],
        "code": message["code"],
        "text": message["text"],
        "service": "wa",
        "date": message["at"][:19] + "Z",
        "type": "sms",
    }
    assert page == {"data": [body["data"]], "page": 1, "size": 100, "total": 1}


def test_cancel_is_denied_early_then_refunds_then_is_not_active(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_hero("never_arrives")

    status, body = set_status(sandbox, order_id, "8")
    assert (status, body["title"], body["info"]) == (409, "EARLY_CANCEL_DENIED", {"minActivationTime": 120})
    sandbox.advance(120)
    assert set_status(sandbox, order_id, "8") == (200, "ACCESS_CANCEL")

    status, body = set_status(sandbox, order_id, "8")
    assert (status, body["title"]) == (409, "ACTIVATION_NOT_ACTIVE")
    assert sandbox.hero("getStatus", id=order_id).text == "STATUS_CANCEL"
    assert sandbox.hero("getStatusV2", id=order_id).text == "STATUS_CANCEL"
    assert sandbox.state("hero")["balance"] == "1000000.00"


def test_cancel_after_code_is_otp_received(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_hero()
    sandbox.advance(200)

    assert set_status(sandbox, order_id, "8")[1]["title"] == "OTP_RECEIVED"
    assert error(sandbox, "cancelActivation", id=order_id) == (409, "OTP_RECEIVED")
    assert set_status(sandbox, order_id, "3") == (200, "ACCESS_RETRY_GET")
    assert set_status(sandbox, order_id, "6") == (200, "ACCESS_ACTIVATION")
    assert error(sandbox, "finishActivation", id=order_id) == (409, "ACTIVATION_NOT_ACTIVE")


@pytest.mark.parametrize("status", ["1", "-1", "2"])
def test_only_3_6_and_8_are_statuses(sandbox: SandboxClient, status: str) -> None:
    assert error(sandbox, "setStatus", id=sandbox.buy_hero(), status=status) == (400, "BAD_STATUS")


def test_hero_and_classic_have_separate_books(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_hero()

    assert sandbox.handler("getStatus", id=order_id).text == "NO_ACTIVATION"
    assert sandbox.state("handler")["counters"]["sold"] == 0
    assert sandbox.state("hero")["counters"]["sold"] == 1
