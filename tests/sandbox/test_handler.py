import re
from decimal import Decimal

import pytest

from sandbox.handler_lists import FIXED_STOCK_KEYS
from tests.sandbox.client import HANDLER_PATH, KEY, SandboxClient


def set_status(sandbox: SandboxClient, order_id: str, status: str) -> str:
    return sandbox.handler("setStatus", id=order_id, status=status).text


def test_balance_has_two_decimals(sandbox: SandboxClient) -> None:
    assert sandbox.handler("getBalance").text == "ACCESS_BALANCE:1000000.00"
    assert sandbox.handler("getBalanceAndCashBack").text == "ACCESS_BALANCE:1000000.00"
    assert sandbox.handler("getBalanceV2").text == '{"balance":1000000.00,"cashback":0}'


@pytest.mark.parametrize(
    ("params", "literal"),
    [
        ({"action": "getBalance"}, "NO_KEY"),
        ({"action": "getBalance", "api_key": ""}, "NO_KEY"),
        ({"action": "getBalance", "api_key": "wrong"}, "BAD_KEY"),
        ({"action": "getbalance", "api_key": KEY}, "BAD_ACTION"),
        ({"api_key": KEY}, "BAD_ACTION"),
    ],
)
def test_request_without_right_key_or_action_gets_literal_with_200(
    sandbox: SandboxClient, params: dict[str, str], literal: str
) -> None:
    reply = sandbox.http.get(HANDLER_PATH, params=params)

    assert (reply.status_code, reply.text) == (200, literal)


def test_configured_key_opens_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_KEYS", "one,two")

    reply = SandboxClient().http.get(HANDLER_PATH, params={"api_key": "two", "action": "getBalance"})

    assert reply.text == "ACCESS_BALANCE:1000000.00"


def test_post_takes_form_and_query_and_query_wins(sandbox: SandboxClient) -> None:
    by_form = sandbox.http.post(HANDLER_PATH, data={"api_key": KEY, "action": "getBalance"})
    by_query = sandbox.http.post(f"{HANDLER_PATH}?api_key={KEY}&action=getBalance")
    by_both = sandbox.http.post(f"{HANDLER_PATH}?action=getBalance", data={"api_key": KEY, "action": "nope"})

    assert [reply.text for reply in (by_form, by_query, by_both)] == ["ACCESS_BALANCE:1000000.00"] * 3


def test_get_number_sells_digits_and_takes_listed_price(sandbox: SandboxClient) -> None:
    listed = sandbox.handler("getPrices", service="wa", country="6").json()["6"]["wa"]

    reply = sandbox.handler("getNumber", service="wa", country="6")

    assert re.fullmatch(r"ACCESS_NUMBER:[0-9]+:62[0-9]{7,11}", reply.text)
    order = sandbox.order("handler")
    assert int(order["id"]) < 2**31
    assert Decimal(order["price"]) == Decimal(str(listed["cost"]))
    assert Decimal(sandbox.state("handler")["balance"]) == 1_000_000 - Decimal(order["price"])


def test_get_number_v2_has_string_ids_and_zoneless_time(sandbox: SandboxClient) -> None:
    body = sandbox.handler("getNumberV2", service="tg", country="187", operator="tmobile").json()

    assert re.fullmatch(r"1[0-9]{3}55501[0-9]{2}", body["phoneNumber"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", body["activationTime"])
    assert body["activationId"].isdigit()
    assert (body["currency"], body["countryCode"], body["canGetAnotherSms"]) == (840, "187", "1")
    assert body["activationOperator"] == "tmobile"
    assert isinstance(body["activationCost"], float)


@pytest.mark.parametrize(
    ("params", "literal"),
    [
        ({"service": "nope", "country": "6"}, "BAD_SERVICE"),
        ({"country": "6"}, "BAD_SERVICE"),
        ({"service": "wa", "country": "999"}, "BAD_COUNTRY"),
        ({"service": "wa", "country": "222"}, "BAD_COUNTRY"),
        ({"service": "wa", "country": "6", "operator": "nobody"}, "BAD_OPERATOR"),
        ({"service": "wa", "country": "6", "maxPrice": "cheap"}, "ERROR_SQL"),
        ({"service": "wa", "country": "6", "phoneException": "62x"}, "WRONG_EXCEPTION_PHONE"),
    ],
)
def test_get_number_refuses_bad_parameters(
    sandbox: SandboxClient, params: dict[str, str], literal: str
) -> None:
    assert sandbox.handler("getNumber", **params).text == literal
    assert sandbox.state("handler")["counters"]["sold"] == 0


def test_get_number_without_country_means_russia(sandbox: SandboxClient) -> None:
    assert sandbox.handler("getNumber", service="wa").text.split(":")[2].startswith("7")


def test_get_number_under_price_names_minimum(sandbox: SandboxClient) -> None:
    price = sandbox.handler("getPrices", service="wa", country="6").json()["6"]["wa"]["cost"]

    assert (
        sandbox.handler("getNumber", service="wa", country="6", maxPrice="0.01").text
        == f"WRONG_MAX_PRICE:{price}"
    )
    assert sandbox.handler("getNumber", service="wa", country="6", maxPrice=price).text.startswith(
        "ACCESS_NUMBER:"
    )


def test_refused_prefix_leaves_no_stock(sandbox: SandboxClient) -> None:
    assert sandbox.handler("getNumber", service="wa", country="6", phoneException="62").text == "NO_NUMBERS"


def test_empty_balance_refuses(sandbox: SandboxClient) -> None:
    sandbox.control("config", balance="0.01")

    assert sandbox.handler("getNumber", service="wa", country="6").text == "NO_BALANCE"


def test_code_arrives_by_itself_within_six_seconds(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler()
    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_WAIT_CODE"
    assert sandbox.handler("getStatusV2", id=order_id).text == '{"verificationType":0,"sms":null,"call":null}'
    assert sandbox.handler("getFullSms", id=order_id).text == "STATUS_WAIT_CODE"

    sandbox.advance(6)

    (message,) = sandbox.order("handler")["messages"]
    assert sandbox.handler("getStatus", id=order_id).text == f"STATUS_OK:{message['code']}"
    assert sandbox.handler("getFullSms", id=order_id).text == f"FULL_SMS:{message['text']}"
    sms = sandbox.handler("getStatusV2", id=order_id).json()["sms"]
    assert (sms["code"], sms["text"]) == (message["code"], message["text"])


def test_set_status_while_waiting(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler("never_arrives")

    assert set_status(sandbox, order_id, "1") == "ACCESS_READY"
    assert set_status(sandbox, order_id, "3") == "ACCESS_RETRY_GET"
    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_WAIT_CODE"
    assert set_status(sandbox, order_id, "6") == "BAD_STATUS"
    assert set_status(sandbox, order_id, "2") == "BAD_STATUS"
    assert set_status(sandbox, order_id, "8") == "EARLY_CANCEL_DENIED"


@pytest.mark.parametrize("status", ["8", "-1"])
def test_cancel_after_lock_refunds_once(sandbox: SandboxClient, status: str) -> None:
    order_id = sandbox.buy_handler("never_arrives")
    sandbox.advance(119)
    assert set_status(sandbox, order_id, status) == "EARLY_CANCEL_DENIED"
    sandbox.advance(1)

    assert set_status(sandbox, order_id, status) == "ACCESS_CANCEL"
    assert set_status(sandbox, order_id, status) == "ACCESS_CANCEL"

    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_CANCEL"
    assert [set_status(sandbox, order_id, other) for other in "136"] == ["NO_ACTIVATION"] * 3
    state = sandbox.state("handler")
    assert (state["balance"], state["open"]) == ("1000000.00", 0)
    assert state["counters"]["cancelled"] == 1
    assert state["counters"]["cancel_requested"] == 3
    assert sandbox.order("handler")["cancel_requests"] == 3


def test_set_status_after_code(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler()
    sandbox.advance(200)

    assert set_status(sandbox, order_id, "1") == "ACCESS_READY"
    assert set_status(sandbox, order_id, "8") == "BAD_STATUS"
    assert set_status(sandbox, order_id, "6") == "ACCESS_ACTIVATION"
    assert set_status(sandbox, order_id, "6") == "ACCESS_ACTIVATION"
    assert [set_status(sandbox, order_id, other) for other in ("1", "3", "8")] == ["BAD_STATUS"] * 3
    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_CANCEL"
    assert sandbox.order("handler")["status"] == "finished"


def test_another_sms_repeats_old_code_until_new_one_comes(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler()
    sandbox.advance(6)
    (first,) = sandbox.order("handler")["messages"]

    assert set_status(sandbox, order_id, "3") == "ACCESS_RETRY_GET"
    assert set_status(sandbox, order_id, "3") == "ACCESS_RETRY_GET"
    assert sandbox.handler("getStatus", id=order_id).text == f"STATUS_WAIT_RETRY:{first['code']}"
    assert set_status(sandbox, order_id, "8") == "BAD_STATUS"
    sandbox.advance(6)

    messages = sandbox.order("handler")["messages"]
    assert len(messages) == 2
    assert sandbox.handler("getStatus", id=order_id).text == f"STATUS_OK:{messages[1]['code']}"
    assert set_status(sandbox, order_id, "6") == "ACCESS_ACTIVATION"


def test_unknown_order_is_no_activation(sandbox: SandboxClient) -> None:
    for order_id in ("1", "", "abc", "9" * 40):
        assert sandbox.handler("getStatus", id=order_id).text == "NO_ACTIVATION"
        assert set_status(sandbox, order_id, "8") == "NO_ACTIVATION"


def test_order_without_sms_expires_with_refund(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler("never_arrives")
    sandbox.advance(1200)

    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_CANCEL"
    assert sandbox.handler("getStatusV2", id=order_id).text == "STATUS_CANCEL"
    assert set_status(sandbox, order_id, "8") == "ACCESS_CANCEL"
    assert sandbox.order("handler")["status"] == "expired"
    assert sandbox.state("handler")["balance"] == "1000000.00"


def test_order_with_code_completes_itself_and_stays_charged(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler()
    sandbox.advance(1200)

    order = sandbox.order("handler")
    assert order["status"] == "finished"
    assert Decimal(sandbox.state("handler")["balance"]) == 1_000_000 - Decimal(order["price"])
    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_CANCEL"
    assert sandbox.handler("getStatusV2", id=order_id).json()["sms"]["code"] == order["messages"][0]["code"]


def test_active_list_is_literal_when_empty_and_rows_of_strings_otherwise(sandbox: SandboxClient) -> None:
    assert sandbox.handler("getActiveActivations").text == "NO_ACTIVATIONS"
    order_id = sandbox.buy_handler()

    before = sandbox.handler("getActiveActivations").json()
    sandbox.advance(6)
    after = sandbox.handler("getListOfActiveActivations").json()

    (row,) = before["activeActivations"]
    assert before["status"] == "success"
    assert (row["activationId"], row["activationStatus"], row["countryName"]) == (order_id, "4", "Indonesia")
    assert (row["smsCode"], row["smsText"]) == (None, None)
    assert all(value is None or isinstance(value, str) for value in row.values())
    (row,) = after["activeActivations"]
    (message,) = sandbox.order("handler")["messages"]
    assert (row["activationStatus"], row["smsCode"], row["smsText"]) == (
        "2",
        message["code"],
        message["text"],
    )


def test_active_list_pages_only_when_asked(sandbox: SandboxClient) -> None:
    ids = sandbox.control("bulk", vendor="handler", count=150).json()["ids"]

    def listed(**params: int) -> list[str]:
        rows = sandbox.handler("getActiveActivations", **params).json()["activeActivations"]
        return [row["activationId"] for row in rows]

    assert listed() == ids
    assert listed(start=0, limit=10) == ids[:10]
    assert listed(start=145, limit=10) == ids[145:]
    assert listed(start=0, limit=1000) == ids[:100]
    assert sandbox.handler("getActiveActivations", start=150, limit=10).text == "NO_ACTIVATIONS"


def test_history_is_newest_first_within_period(sandbox: SandboxClient) -> None:
    first = sandbox.buy_handler("never_arrives")
    sandbox.advance(1300)
    second = sandbox.buy_handler()
    sandbox.advance(6)
    (_, newest) = sandbox.state("handler")["orders"]

    rows = sandbox.handler("getHistory", start=0, end=99_999_999_999).json()

    assert [(row["id"], row["status"]) for row in rows] == [(second, "2"), (first, "10")]
    assert rows[0]["sms"] == newest["messages"][0]["text"]
    assert set(rows[0]) == {"id", "date", "phone", "sms", "cost", "status", "currency"}
    assert sandbox.handler("getHistory", end=1).json() == []
    assert [row["id"] for row in sandbox.handler("getHistory", offset=1, size=1).json()] == [first]


def test_prices_filter_and_refuse(sandbox: SandboxClient) -> None:
    everything = sandbox.handler("getPrices").json()
    one_service = sandbox.handler("getPrices", service="wa").json()
    swapped = sandbox.handler("getPricesVerification", service="wa", country="6").json()

    assert len(everything) == 203
    assert set(one_service["6"]) == {"wa"}
    assert one_service["6"]["wa"] == everything["6"]["wa"] == swapped["wa"]["6"]
    assert set(everything["6"]["wa"]) == {"cost", "count", "physicalCount"}
    assert sandbox.handler("getPrices", service="zzz").json() == {
        "status": "false",
        "msg": "service is incorrect",
    }
    assert sandbox.handler("getPrices", country="999").json() == {
        "status": "false",
        "msg": "country is incorrect",
    }
    assert all(
        Decimal("0.05") <= Decimal(str(offer["cost"])) <= Decimal("1.5") and offer["physicalCount"] > 0
        for offers in everything.values()
        for offer in offers.values()
    )


def test_catalogue_lists_have_documented_shapes(sandbox: SandboxClient) -> None:
    stock = sandbox.handler("getNumbersStatus", country="6").json()
    countries = sandbox.handler("getCountries").json()
    services = sandbox.handler("getServicesList").json()
    operators = sandbox.handler("getOperators", country="6").json()
    top = sandbox.handler("getTopCountriesByService", service="wa").json()

    assert set(FIXED_STOCK_KEYS) <= set(stock)
    assert stock["wa_0"] > 0
    assert (countries["6"]["id"], countries["6"]["eng"], countries["6"]["visible"]) == (6, "Indonesia", 1)
    assert {"code": "wa", "name": "WhatsApp"} in services["services"]
    assert operators == {
        "status": "success",
        "countryOperators": {"6": ["any", "telkomsel", "indosat", "axis", "three"]},
    }
    assert sandbox.handler("getOperators", country="999").text == "OPERATORS_NOT_FOUND"
    assert set(top["0"]) == {"country", "count", "price", "retail_price", "freePriceMap"}
    assert top["0"]["price"] <= top["1"]["price"]


def test_short_cancel_and_finish_answer_204(sandbox: SandboxClient) -> None:
    silent, quick = sandbox.buy_handler("never_arrives"), sandbox.buy_handler()
    sandbox.advance(120)

    cancelled = sandbox.handler("cancelActivation", id=silent)
    finished = sandbox.handler("finishActivation", id=quick)

    assert [(reply.status_code, reply.content) for reply in (cancelled, finished)] == [(204, b"")] * 2
    assert [order["status"] for order in sandbox.state("handler")["orders"]] == ["cancelled", "finished"]
