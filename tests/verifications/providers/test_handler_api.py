"""The handler dialect against recorded replies, classic and HeroSMS."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine

from namaskah.lib import http
from tests.verifications.providers.replay import Vendor, payload
from verifications.providers.base import (
    Balance,
    BuyRequest,
    Closed,
    OfferRow,
    OrderRef,
    ProviderAccount,
    ProviderCode,
    UpstreamState,
)
from verifications.providers.errors import (
    Ambiguous,
    BadRequest,
    Conflict,
    NoStock,
    NotSupported,
    OrderNotFound,
    ProviderError,
    Suspended,
    Throttled,
    TooEarly,
    TooLate,
    Unreachable,
)
from verifications.providers.handler_api import HandlerApi

BAN_END = dt.datetime(2026, 11, 20, 15, 4, 5, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
KEY = "k" * 32
HERO = {"error_mode": "mixed", "has_v2": True, "close_actions": True}
WANTED = BuyRequest("tg", "6", "", Decimal("0.250000"), "attempt-1")
ORDER = OrderRef("635468024")


def adapter(**dialect: object) -> HandlerApi:
    return HandlerApi(
        ProviderAccount("seller", "https://seller.example/stubs/handler_api.php", KEY, dialect=dialect)
    )


# Buying


@time_machine.travel(NOW, tick=False)
def test_buy_reads_the_number_line(vendor: Vendor) -> None:
    vendor.plays("handler/number.txt")

    bought = adapter().buy(WANTED)

    assert (bought.provider_order_id, bought.phone_number, bought.cost) == ("635468024", "+79580000001", None)
    assert bought.expires_at == NOW + dt.timedelta(minutes=20)
    assert bought.cancel_not_before == NOW + dt.timedelta(minutes=2)
    assert bought.can_resend


def test_buy_always_sends_a_maximum_price(vendor: Vendor) -> None:
    vendor.plays("handler/number.txt")

    adapter(buy_params={"ref": "7"}).buy(BuyRequest("tg", "6", "beeline", Decimal("0.250000"), "attempt-1"))

    [call] = vendor.calls
    assert (call.method, call.url) == ("GET", "https://seller.example/stubs/handler_api.php")
    assert call.params == {
        "action": "getNumber",
        "api_key": KEY,
        "ref": "7",
        "service": "tg",
        "country": "6",
        "maxPrice": "0.25",
        "operator": "beeline",
    }


@time_machine.travel(NOW, tick=False)
def test_buy_v2_reads_cost_and_operator_but_not_the_zoneless_time(vendor: Vendor) -> None:
    vendor.plays("handler/number_v2.json")

    bought = adapter(has_v2=True).buy(WANTED)

    assert vendor.calls[0].action == "getNumberV2"
    assert (bought.cost, bought.operator, bought.can_resend) == (Decimal("0.19"), "any", True)
    assert bought.expires_at == NOW + dt.timedelta(minutes=20)


def test_buy_from_hero_takes_its_end_time(vendor: Vendor) -> None:
    vendor.plays("hero/number_v2.json")

    bought = adapter(**HERO).buy(WANTED)

    assert bought.expires_at == dt.datetime(2099, 1, 2, 3, 24, 5, tzinfo=dt.UTC)
    assert bought.phone_number == "+62812000001"


def test_buy_reads_the_price_header_of_daisysms(vendor: Vendor) -> None:
    vendor.says("ACCESS_NUMBER:1:12125550100", x_price="0.35")

    bought = adapter(max_price="max_price", auth="header_x_apikey").buy(WANTED)

    assert bought.cost == Decimal("0.35")
    assert vendor.calls[0].headers == {"X-ApiKey": KEY}
    assert "api_key" not in vendor.calls[0].params
    assert vendor.calls[0].params["max_price"] == "0.25"


def test_buy_accepts_an_id_above_31_bits(vendor: Vendor) -> None:
    vendor.says("ACCESS_NUMBER:98765432101:79580000001")

    assert adapter().buy(WANTED).provider_order_id == "98765432101"


def test_key_travels_in_the_form_of_a_post(vendor: Vendor) -> None:
    vendor.plays("handler/number.txt")

    adapter(method="POST").buy(WANTED)

    assert vendor.calls[0].params == {}
    assert vendor.calls[0].data["api_key"] == KEY


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (payload("handler/block_page.html"), 200),
        (payload("handler/block_page.html"), 403),
        (payload("handler/number_truncated.json"), 200),
        ("", 200),
        ("ACCESS", 200),
        ("ACCESS_NUMBER:635468024", 200),
        ("ACCESS_NUMBER:635468024:", 200),
        ("ACCESS_NUMBER::79580000001", 200),
        ("ACCESS_NUMBER:635468024:795", 200),
        ("ACCESS_PENDING", 200),
        ("{}", 200),
        ("[]", 200),
        ("null", 200),
        ('{"activationId":"1"}', 200),
        ('{"title":"SOMETHING_NEW","details":"?"}', 400),
        ('{"status":"error","message":"SOMETHING_NEW"}', 200),
        ("NO_NUMBERS", 503),
        ('{"title":"NO_BALANCE"}', 500),
        ('{"title":"SERVER_ERROR"}', 500),
        ("ERROR_SQL", 200),
        ("SQL_ERROR", 200),
        ("SERVER_ERROR", 200),
        ("NO_CONNECTION", 200),
        ("ORDER_ALREADY_EXISTS", 200),
        ("Internal Server Error", 500),
        ("", 502),
        ("", 302),
        ("what?", 404),
    ],
)
@pytest.mark.parametrize("has_v2", [False, True])
def test_buy_with_an_unclear_answer_may_have_bought(
    vendor: Vendor, text: str, status: int, *, has_v2: bool
) -> None:
    vendor.says(text, status)

    with pytest.raises(Ambiguous) as caught:
        adapter(has_v2=has_v2).buy(WANTED)

    assert caught.value.ambiguous
    assert len(vendor.calls) == 1


def test_buy_without_an_answer_may_have_bought(vendor: Vendor) -> None:
    vendor.fails(http.NoAnswer("late"))

    with pytest.raises(Ambiguous):
        adapter().buy(WANTED)


def test_buy_without_a_connection_has_not_bought(vendor: Vendor) -> None:
    vendor.fails(http.ConnectionNotMade("refused"))

    with pytest.raises(Unreachable) as caught:
        adapter().buy(WANTED)

    assert not caught.value.ambiguous


# Refusals

LITERALS = {
    "auth": ["BAD_KEY", "NO_KEY"],
    "suspended": ["BANNED:'2026-11-20 15-4-5'", "ACCOUNT_INACTIVE"],
    "bad_request": [
        "BAD_ACTION",
        "BAD_SERVICE",
        "WRONG_SERVICE",
        "BAD_COUNTRY",
        "BAD_OPERATOR",
        "WRONG_OPERATOR",
        "OPERATORS_NOT_FOUND",
        "WRONG_EXCEPTION_PHONE",
        "WRONG_SECURITY",
        "WRONG_ADDITIONAL_SERVICE",
        "REPEAT_ADDITIONAL_SERVICE",
        '{"status":"false","msg":"service is incorrect"}',
    ],
    "conflict": ["BAD_STATUS"],
    "no_stock": [
        "NO_NUMBERS",
        "NOT_AVAILABLE",
        "SERVICE_UNAVAILABLE_REGION",
        "WHATSAPP_NOT_AVAILABLE",
        "NO_YULA_MAIL",
        "The sale of this service is prohibited in your region",
        "RENEW_ACTIVATION_NOT_AVAILABLE",
        "NEW_ACTIVATION_IMPOSSIBLE",
        "SIM_OFFLINE",
        "NUMBER_OFFLINE",
        "IMPOSSIBLE_AGAIN",
        "NOT_INCOMING",
    ],
    "no_balance": ["NO_BALANCE", "NO_MONEY", "NO_MEANS", "LOW_BALANCE", "NO_BALANCE_FORWARD"],
    "price_too_high": ["WRONG_MAX_PRICE:0.31", "MAX_PRICE_EXCEEDED"],
    "not_found": ["NO_ACTIVATION", "WRONG_ACTIVATION_ID", "INVALID_ACTIVATION_ID", "ORDER_NOT_FOUND"],
    "too_early": ["EARLY_CANCEL_DENIED"],
    "throttled": ["CHANNELS_LIMIT", "TOO_MANY_ACTIVE_RENTALS", "TOO_MANY_REQUESTS", "error code: 1020"],
    "ambiguous": ["ERROR_SQL", "SQL_ERROR", "SERVER_ERROR", "NO_CONNECTION", "ORDER_ALREADY_EXISTS"],
}
TITLES = {
    (400, "WRONG_MAX_PRICE"): "price_too_high",
    (401, "BAD_KEY"): "auth",
    (402, "NO_BALANCE"): "no_balance",
    (403, "CHANNELS_LIMIT"): "throttled",
    (403, "SERVICE_NOT_AVAILABLE"): "no_stock",
    (403, "BANNED"): "suspended",
    (403, "ACCOUNT_INACTIVE"): "suspended",
    (404, "NOT_FOUND"): "not_found",
    (404, "BAD_ACTION"): "bad_request",
    (404, "NO_NUMBERS"): "no_stock",
    (409, "EARLY_CANCEL_DENIED"): "too_early",
    (409, "OTP_RECEIVED"): "too_late",
    (409, "FREE_CANCELLATION_EXPIRED"): "too_late",
    (409, "NEW_OTP_RECEIVED"): "too_late",
    (409, "ACTIVATION_NOT_ACTIVE"): "too_late",
    (422, "UNPROCESSABLE_ENTITY"): "bad_request",
    (425, "TOO_EARLY"): "too_early",
    (500, "SERVER_ERROR"): "ambiguous",
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, texts in LITERALS.items() for text in texts]
)
def test_text_refusals_are_told_apart(vendor: Vendor, code: str, text: str, status: int) -> None:
    vendor.says(f"{text}\n", status)

    with pytest.raises(ProviderError) as caught:
        adapter().buy(WANTED)

    assert caught.value.code == code


@pytest.mark.parametrize(("status", "title", "code"), [(*key, code) for key, code in TITLES.items()])
def test_hero_titles_are_told_apart(vendor: Vendor, status: int, title: str, code: str) -> None:
    vendor.says(f'{{"title":"{title}","details":"for people","info":null}}', status)

    with pytest.raises(ProviderError) as caught:
        adapter(**HERO).buy(WANTED)

    assert (caught.value.code, caught.value.literal) == (code, title)


@pytest.mark.parametrize(
    "text", ["WRONG_MAX_PRICE:0.31", '{"title":"WRONG_MAX_PRICE","details":"x","info":{"min":0.31}}']
)
def test_the_minimum_price_is_kept(vendor: Vendor, text: str) -> None:
    vendor.says(text, 400)

    with pytest.raises(ProviderError) as caught:
        adapter().buy(WANTED)

    assert vars(caught.value)["minimum"] == Decimal("0.31")


@pytest.mark.parametrize(
    ("text", "offset", "until"),
    [
        ("BANNED:'2026-11-20 15-4-5'", None, BAN_END),
        ("BANNED:'2026-11-20 15-4-5'", 3, dt.datetime(2026, 11, 20, 12, 4, 5, tzinfo=dt.UTC)),
        ("BANNED:'2026-99-20 15-4-5'", None, None),
        ("BANNED", None, None),
        ('{"title":"BANNED","info":{"banned_until":"2026-11-20T15:04:05Z"}}', None, BAN_END),
        ('{"title":"BANNED","info":{"retry_after_seconds":600}}', None, NOW + dt.timedelta(minutes=10)),
        ('{"title":"BANNED","info":{"readable_date":"2026-11-20 15:04:05"}}', None, BAN_END),
    ],
)  # fmt: skip
@time_machine.travel(NOW, tick=False)
def test_the_end_of_a_ban_is_read(
    vendor: Vendor, text: str, offset: int | None, until: dt.datetime | None
) -> None:
    vendor.says(text)

    with pytest.raises(Suspended) as caught:
        adapter(utc_offset_h=offset).balance()

    assert caught.value.until == until


@pytest.mark.parametrize(
    ("text", "headers", "seconds"),
    [
        ("TOO_MANY_REQUESTS", {"retry_after": "2"}, 2),
        ("", {}, None),
        ("<html>slow down</html>", {"retry_after": "Fri, 20 Nov 2026 12:01:00 GMT"}, 60),
        ('{"title":"CHANNELS_LIMIT","info":{"retry_after_seconds":30}}', {}, 30),
        ("what?", {"retry_after": "soon"}, None),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_429_on_a_purchase_is_throttling_and_has_not_bought(
    vendor: Vendor, text: str, headers: dict[str, str], seconds: float | None
) -> None:
    vendor.says(text, 429, **headers)

    with pytest.raises(Throttled) as caught:
        adapter().buy(WANTED)

    assert caught.value.retry_after_s == seconds


def test_a_missing_key_is_told_from_other_unprocessable_values(vendor: Vendor) -> None:
    vendor.says('{"title":"UNPROCESSABLE_ENTITY","info":{"field":"api_key","code":"required"}}', 422)

    with pytest.raises(ProviderError) as caught:
        adapter(**HERO).balance()

    assert caught.value.code == "auth"


def test_an_error_shows_neither_key_nor_number_nor_code(vendor: Vendor) -> None:
    vendor.says(f"SURPRISE {KEY} for 79580000001: code 482913")

    with pytest.raises(Ambiguous) as caught:
        adapter().buy(WANTED)

    assert str(caught.value).endswith("SURPRISE [hidden] for …: code …")


# Reading one order


@pytest.mark.parametrize(
    ("text", "state", "code"),
    [
        ("STATUS_WAIT_CODE", UpstreamState.WAITING, None),
        ("STATUS_WAIT_RESEND", UpstreamState.WAITING, None),
        ("STATUS_WAIT_OPERATOR", UpstreamState.WAITING, None),
        ("STATUS_SOMETHING_NEW", UpstreamState.WAITING, None),
        ("STATUS_OK:", UpstreamState.WAITING, None),
        ("STATUS_WAIT_RETRY:111111", UpstreamState.WAITING_MORE, None),
        ("STATUS_WAIT_RETRY", UpstreamState.WAITING_MORE, None),
        ("STATUS_OK:048291", UpstreamState.RECEIVED, "048291"),
        ("STATUS_OK:A7K9QX", UpstreamState.RECEIVED, "A7K9QX"),
        ("STATUS_OK:482-913", UpstreamState.RECEIVED, "482-913"),
        ("STATUS_OK:open: the app now", UpstreamState.RECEIVED, ""),
        ("STATUS_CANCEL", UpstreamState.CANCELLED, None),
        ("ACCESS_CANCEL", UpstreamState.CANCELLED, None),
    ],
)
def test_fetch_reads_the_status_line(
    vendor: Vendor, text: str, state: UpstreamState, code: str | None
) -> None:
    vendor.says(text)

    snapshot = adapter().fetch(ORDER)

    assert snapshot.state == state
    assert [message.code for message in snapshot.messages] == ([] if code is None else [code])


@pytest.mark.parametrize("text", ["SERVICE_MODE_7", "", "<html></html>", "ACCESS_READY", "[]"])
def test_fetch_without_a_status_tells_nothing(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    with pytest.raises(Ambiguous):
        adapter().fetch(ORDER)


@pytest.mark.parametrize(
    ("name", "code", "text", "sender"),
    [
        ("handler/status_v2_code.json", "048291", "Your code is 048291", ""),
        ("handler/status_v2_call.json", "4829", "four eight two nine", "+15550100"),
        ("hero/status_v2_code.json", "482913", "Your code is 482913", "Telegram"),
    ],
)
def test_fetch_v2_reads_the_whole_message(
    vendor: Vendor, name: str, code: str, text: str, sender: str
) -> None:
    vendor.plays(name)

    snapshot = adapter(has_v2=True).fetch(ORDER)

    [message] = snapshot.messages
    assert vendor.calls[0].action == "getStatusV2"
    assert snapshot.state == UpstreamState.RECEIVED
    assert (message.code, message.text, message.sender) == (code, text, sender)


@pytest.mark.parametrize(
    "text",
    [
        payload("handler/status_v2_waiting.json"),
        payload("hero/status_v2_waiting.json"),
        "{}",
        '{"sms":{"code":null,"text":null}}',
        '{"sms":[]}',
        "STATUS_WAIT_CODE",
    ],
)
def test_fetch_v2_without_an_sms_is_waiting(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    assert adapter(has_v2=True).fetch(ORDER).state == UpstreamState.WAITING


def test_fetch_v2_falls_back_where_the_call_is_missing(vendor: Vendor) -> None:
    vendor.says("BAD_ACTION").says("STATUS_OK:482913").says("BAD_ACTION")

    snapshot = adapter(has_v2=True).fetch(ORDER)

    assert [call.action for call in vendor.calls] == ["getStatusV2", "getStatus", "getStatusV2"]
    assert snapshot.messages[0].code == "482913"


def test_fetch_v2_passes_other_refusals_on(vendor: Vendor) -> None:
    vendor.says('{"title":"NOT_FOUND","details":"x"}', 404)

    with pytest.raises(OrderNotFound):
        adapter(**HERO).fetch(ORDER)


def test_fetch_in_a_later_round_does_not_take_the_old_sms_for_the_new(vendor: Vendor) -> None:
    vendor.says("STATUS_WAIT_RETRY:048291").plays("handler/status_v2_code.json")

    snapshot = adapter(has_v2=True).fetch(OrderRef("635468024", sms_round=1))

    assert (snapshot.state, snapshot.messages) == (UpstreamState.WAITING_MORE, ())
    assert [call.action for call in vendor.calls] == ["getStatus"]


def test_fetch_in_a_later_round_completes_the_text(vendor: Vendor) -> None:
    vendor.says("STATUS_OK:048291").plays("handler/status_v2_code.json")

    [message] = adapter(has_v2=True).fetch(OrderRef("635468024", sms_round=1)).messages

    assert message.text == "Your code is 048291"


@pytest.mark.parametrize(
    ("second", "text"),
    [
        ("FULL_SMS:Your code: 482913\nbye", "Your code: 482913\nbye"),
        ("NO_ACTIVATION", "482913"),
        ("", "482913"),
    ],
)
def test_fetch_asks_for_the_full_text_and_lives_without(vendor: Vendor, second: str, text: str) -> None:
    vendor.says("STATUS_OK:482913").says(second)

    [message] = adapter(full_text="call").fetch(ORDER).messages

    assert (message.code, message.text) == ("482913", text)


@pytest.mark.parametrize(
    ("last", "texts"),
    [("FULL_SMS:Your code is 482913", ["Your code is 482913"]), ("NO_ACTIVATION", []), ("STATUS_CANCEL", [])],
)
def test_fetch_asks_an_ended_order_for_an_sms_nobody_has_read(
    vendor: Vendor, last: str, texts: list[str]
) -> None:
    vendor.says("STATUS_CANCEL").says(last)

    snapshot = adapter(full_text="call").fetch(ORDER)

    assert (snapshot.state, [message.text for message in snapshot.messages]) == (
        UpstreamState.CANCELLED,
        texts,
    )


def test_fetch_reads_the_text_header_of_daisysms(vendor: Vendor) -> None:
    vendor.says("STATUS_OK:482913", x_text="Your code is 482913")

    [message] = adapter(full_text="header").fetch(ORDER).messages

    assert vendor.calls[0].params["text"] == "1"
    assert message.text == "Your code is 482913"


# Lists


def test_fetch_open_reads_every_shape_of_row(vendor: Vendor) -> None:
    vendor.plays("handler/active.json")

    found = adapter().fetch_open({"4": 1})

    assert {order_id: snapshot.state for order_id, snapshot in found.items()} == {
        "1": UpstreamState.WAITING,
        "2": UpstreamState.RECEIVED,
        "3": UpstreamState.RECEIVED,
        "4": UpstreamState.WAITING_MORE,
        "5": UpstreamState.WAITING,
        "6": UpstreamState.RECEIVED,
        "7": UpstreamState.WAITING,
    }
    assert [(m.code, m.text) for m in found["3"].messages] == [
        ("111111", "111111"),
        ("222222", "Your code is 222222"),
    ]
    assert [(m.code, m.text) for m in found["6"].messages] == [("", "No digits: open the app")]
    assert found["4"].messages == ()


def test_fetch_open_reads_the_list_of_hero(vendor: Vendor) -> None:
    vendor.plays("hero/active.json")

    snapshot = adapter(**HERO).fetch_open({})["1"]

    assert snapshot.state == UpstreamState.RECEIVED
    assert snapshot.expires_at == dt.datetime(2026, 1, 2, 3, 24, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "NO_ACTIVATIONS",
        payload("handler/active_none.json"),
        payload("hero/active_none.json"),
        '{"status":"error","error":"NO_ACTIVATIONS"}',
        "[]",
        '{"status":"success","data":[]}',
    ],
)
def test_fetch_open_knows_an_empty_list(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    assert adapter().fetch_open({}) == {}


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("BAD_KEY", 200, "auth"),
        ("ERROR_SQL", 200, "ambiguous"),
        ("NO_ACTIVATION", 200, "not_found"),
        ("SERVICE_MODE_7", 200, "ambiguous"),
        (payload("handler/block_page.html"), 200, "ambiguous"),
        ("", 200, "ambiguous"),
        ("{}", 200, "ambiguous"),
        ('{"status":"success"}', 200, "ambiguous"),
        ('{"status":"error","error":"BAD_KEY"}', 200, "auth"),
        ('{"activeActivations":null}', 200, "ambiguous"),
        ('{"activeActivations":[{"activationId":"1"', 200, "ambiguous"),
        ("[]", 503, "ambiguous"),
    ],
)
def test_fetch_open_never_reads_an_error_as_empty(vendor: Vendor, text: str, status: int, code: str) -> None:
    vendor.says(text, status)

    with pytest.raises(ProviderError) as caught:
        adapter().fetch_open({})

    assert caught.value.code == code


def test_fetch_open_reads_page_by_page(vendor: Vendor) -> None:
    row = '{{"activationId":"{}","activationStatus":"4"}}'
    pages = [[row.format(at) for at in (1, 2)], [row.format(3)]]
    for page in pages:
        vendor.says(f'{{"activeActivations":[{",".join(page)}]}}')

    found = adapter(list_page=2).fetch_open({})

    assert sorted(found) == ["1", "2", "3"]
    assert [(call.params["start"], call.params["limit"]) for call in vendor.calls] == [("0", "2"), ("2", "2")]


def test_fetch_open_is_not_supported_without_a_list(vendor: Vendor) -> None:
    with pytest.raises(NotSupported):
        adapter(list_open=False).fetch_open({})

    assert not adapter(list_open=False).capabilities.list_open


LONG_TEXT = "Tap:\nhttps://a.example/" + "x" * 200 + " 😀 now"


@pytest.mark.parametrize(
    ("single", "v2", "row"),
    [
        (
            "STATUS_OK:482913",
            '{"sms":{"code":"482913","text":"Your code is 482913"}}',
            '{"smsCode":"482913","smsText":"Your code is 482913"}',
        ),
        ("STATUS_OK:482913", '{"data":{"code":"482913"}}', '{"smsCode":["482913"],"smsText":null}'),
        (
            "STATUS_OK:open  the app",
            '{"sms":{"text":"open: the app"}}',
            '{"smsCode":null,"smsText":"open:\\nthe app"}',
        ),
    ],
)
@pytest.mark.parametrize("sms_round", [0, 1])
def test_the_same_sms_has_the_same_key_whichever_call_reports_it(
    vendor: Vendor, single: str, v2: str, row: str, sms_round: int
) -> None:
    vendor.says(single).says(single).says(v2).says(
        f'{{"activeActivations":[{{"activationId":"635468024","activationStatus":"2",{row[1:]}]}}'
    )
    order = OrderRef("635468024", sms_round=sms_round)

    by_line = adapter().fetch(order)
    by_v2 = adapter(has_v2=True).fetch(order) if sms_round else by_line
    if not sms_round:
        vendor.replies.pop(0)
        by_v2 = adapter(has_v2=True).fetch(order)
    by_list = adapter().fetch_open({order.provider_order_id: sms_round})[order.provider_order_id]

    keys = {message.dedupe_key for snapshot in (by_line, by_v2, by_list) for message in snapshot.messages}
    assert len(keys) == 1


def test_the_same_code_in_the_next_round_is_another_sms(vendor: Vendor) -> None:
    vendor.says("STATUS_OK:482913")

    [first] = adapter().fetch(OrderRef("1", sms_round=0)).messages
    [second] = adapter().fetch(OrderRef("1", sms_round=1)).messages

    assert first.dedupe_key != second.dedupe_key


def test_a_growing_list_keeps_the_keys_of_what_was_there(vendor: Vendor) -> None:
    row = '{{"activeActivations":[{{"activationId":"1","activationStatus":"2","smsCode":{}}}]}}'
    vendor.says(row.format('"111111"')).says(row.format('["111111","222222"]'))

    [first] = adapter().fetch_open({})["1"].messages
    old, new = adapter().fetch_open({"1": 1})["1"].messages

    assert first.dedupe_key == old.dedupe_key != new.dedupe_key


# Lost purchases


def test_find_lost_lists_open_orders_with_what_identifies_them(vendor: Vendor) -> None:
    vendor.plays("handler/active.json")

    lost = adapter().find_lost(NOW)[0]

    assert (lost.provider_order_id, lost.phone_number) == ("1", "+79580000001")
    assert (lost.service_code, lost.country_code, lost.cost) == ("tg", "6", Decimal("0.19"))
    assert lost.created_at is None


def test_find_lost_leaves_out_what_is_certainly_older(vendor: Vendor) -> None:
    vendor.plays("handler/active.json")

    assert adapter(utc_offset_h=3).find_lost(NOW) == []


def test_find_lost_adds_the_history_where_there_is_one(vendor: Vendor) -> None:
    vendor.says("NO_ACTIVATIONS").plays("handler/history.json")

    [lost] = adapter(has_history=True).find_lost(NOW - dt.timedelta(hours=1))

    assert (lost.provider_order_id, lost.state, lost.service_code) == ("9", UpstreamState.CANCELLED, "")
    assert int(vendor.calls[1].params["start"]) == int((NOW - dt.timedelta(hours=1)).timestamp())


def test_find_lost_is_not_supported_without_any_list(vendor: Vendor) -> None:
    with pytest.raises(NotSupported):
        adapter(list_open=False).find_lost(NOW)


# Closing


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("ACCESS_CANCEL", Closed(UpstreamState.CANCELLED, refunded=True)),
        ("ACCESS_CANCEL:635468024", Closed(UpstreamState.CANCELLED, refunded=True)),
        ('{"status":"success"}', Closed(UpstreamState.CANCELLED, refunded=True)),
    ],
)
def test_cancel_gives_the_money_back(vendor: Vendor, text: str, closed: Closed) -> None:
    vendor.says(text)

    assert adapter(cancel_code=-1).cancel(ORDER) == closed
    assert vendor.calls[0].params["status"] == "-1"
    assert adapter().report_bad(ORDER) == closed
    assert vendor.calls[1].params["status"] == "8"


@pytest.mark.parametrize(
    ("text", "status", "error"),
    [
        ("ACCESS_READY", 200, TooLate),
        ("ACCESS_ACTIVATION", 200, TooLate),
        ("BAD_STATUS", 200, TooLate),
        ('{"title":"OTP_RECEIVED"}', 409, TooLate),
        ('{"title":"NEW_OTP_RECEIVED"}', 409, TooLate),
        ('{"title":"FREE_CANCELLATION_EXPIRED"}', 409, TooLate),
        ('{"title":"ACTIVATION_NOT_ACTIVE"}', 409, TooLate),
        ("EARLY_CANCEL_DENIED", 200, TooEarly),
        ('{"title":"EARLY_CANCEL_DENIED","info":{"minActivationTime":120}}', 409, TooEarly),
        ("NO_ACTIVATION", 200, OrderNotFound),
        ("ACCESS_QUEUED", 200, Ambiguous),
        ("", 503, Ambiguous),
        ("", 200, Ambiguous),
    ],
)
@pytest.mark.parametrize("close_actions", [False, True])
def test_cancel_tells_why_not(
    vendor: Vendor, text: str, status: int, error: type[ProviderError], *, close_actions: bool
) -> None:
    vendor.says(text, status)

    with pytest.raises(error):
        adapter(close_actions=close_actions).cancel(ORDER)


@pytest.mark.parametrize("failure", [http.NoAnswer("late")])
def test_closing_without_an_answer_is_in_doubt(vendor: Vendor, failure: http.HttpError) -> None:
    vendor.fails(failure)

    with pytest.raises(Ambiguous):
        adapter().cancel(ORDER)
    with pytest.raises(Ambiguous):
        adapter().finish(ORDER)


def test_hero_closes_with_actions_of_their_own(vendor: Vendor) -> None:
    vendor.says("", 204)

    assert adapter(**HERO).cancel(ORDER) == Closed(UpstreamState.CANCELLED, refunded=True)
    assert adapter(**HERO).finish(ORDER) == Closed(UpstreamState.FINISHED, refunded=False)
    assert [call.action for call in vendor.calls] == ["cancelActivation", "finishActivation"]


def test_finish_keeps_the_charge(vendor: Vendor) -> None:
    vendor.says("ACCESS_ACTIVATION")

    assert adapter().finish(ORDER) == Closed(UpstreamState.FINISHED, refunded=False)
    assert vendor.calls[0].params["status"] == "6"


@pytest.mark.parametrize(
    ("text", "error"),
    [("BAD_STATUS", Conflict), ("NO_ACTIVATION", OrderNotFound), ("ACCESS_SOMETHING", Ambiguous)],
)
def test_finish_tells_why_not(vendor: Vendor, text: str, error: type[ProviderError]) -> None:
    vendor.says(text)

    with pytest.raises(error):
        adapter().finish(ORDER)


def test_another_sms_is_asked_for(vendor: Vendor) -> None:
    vendor.says("ACCESS_RETRY_GET")

    adapter().request_another(ORDER)

    assert vendor.calls[0].params["status"] == "3"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("BAD_STATUS", Conflict),
        ("NO_ACTIVATION", OrderNotFound),
        ("STATUS_CANCEL", Conflict),
        ("huh", Ambiguous),
    ],
)
def test_another_sms_is_refused(vendor: Vendor, text: str, error: type[ProviderError]) -> None:
    vendor.says(text)

    with pytest.raises(error):
        adapter().request_another(ORDER)


def test_another_sms_is_not_supported_where_the_row_says_so(vendor: Vendor) -> None:
    vendor.plays("handler/number.txt")

    with pytest.raises(NotSupported):
        adapter(another_sms=False).request_another(ORDER)
    assert not adapter(another_sms=False).buy(WANTED).can_resend


# Catalogue


@pytest.mark.parametrize("text", ["ACCESS_BALANCE:12.3456", "ACCESS_BALANCE: 12.3456 "])
def test_balance_keeps_four_decimals(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    assert adapter().balance() == Balance(Decimal("12.3456"), "USD")


@pytest.mark.parametrize("text", ["ACCESS_BALANCE:", "ACCESS_BALANCE:NaN", "12.3", "{}"])
def test_balance_that_is_none_is_an_error(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    with pytest.raises(Ambiguous):
        adapter().balance()


def test_offers_count_what_can_be_delivered(vendor: Vendor) -> None:
    vendor.plays("handler/prices.json")

    assert adapter().offers("6") == [
        OfferRow("tg", "6", "", Decimal("0.19"), 1000),
        OfferRow("wa", "6", "", Decimal("21.5"), 40),
        OfferRow("go", "6", "", Decimal("0.3"), 0),
    ]


def test_offers_read_the_other_nesting(vendor: Vendor) -> None:
    vendor.plays("handler/prices_verification.json")

    assert adapter(prices="getPricesVerification").offers("6") == [
        OfferRow("tg", "6", "", Decimal("0.19"), 1224)
    ]


@pytest.mark.parametrize("text", ["[]", "{}", '{"7":{"tg":{"cost":1,"count":1}}}', '{"6":[]}'])
def test_offers_of_a_country_without_any(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    assert adapter().offers("6") == []


def test_offers_of_an_unknown_country_are_an_error(vendor: Vendor) -> None:
    vendor.plays("handler/prices_bad.json")

    with pytest.raises(BadRequest):
        adapter().offers("6")


@pytest.mark.parametrize("text", ["NO_NUMBERS", "<html></html>", "ok"])
def test_offers_need_a_document(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    with pytest.raises((Ambiguous, NoStock)):
        adapter().offers("6")


@pytest.mark.parametrize("text", [payload("handler/services.json"), '{"tg":"Telegram","wa":"WhatsApp"}'])
def test_services_are_named(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    assert adapter().services() == [ProviderCode("tg", "Telegram"), ProviderCode("wa", "WhatsApp")]


@pytest.mark.parametrize("name", ["handler/countries.json", "handler/countries_list.json"])
def test_countries_are_named(vendor: Vendor, name: str) -> None:
    vendor.plays(name)

    assert adapter().countries() == [ProviderCode("6", "Indonesia")]


@pytest.mark.parametrize("flags", [{"has_v3": True}, {"cancel_code": 7}, {"auth": "cookie"}])
def test_a_wrong_flag_is_refused_when_the_row_is_read(flags: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=f"flags of seller: {next(iter(flags))}"):
        adapter(**flags)


def test_a_bare_host_gets_the_usual_path(vendor: Vendor) -> None:
    vendor.says("ACCESS_BALANCE:1.00")

    HandlerApi(ProviderAccount("s", "https://seller.example", KEY)).balance()
    HandlerApi(ProviderAccount("s", "https://seller.example/stubs/handler_api", KEY)).balance()

    assert [call.url for call in vendor.calls] == [
        "https://seller.example/stubs/handler_api.php",
        "https://seller.example/stubs/handler_api",
    ]
