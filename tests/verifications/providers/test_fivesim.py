"""5SIM against recorded replies."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

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
    NotSupported,
    OrderNotFound,
    ProviderError,
    Throttled,
    TooEarly,
    TooLate,
    Unreachable,
)
from verifications.providers.fivesim import FiveSim

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
WANTED = BuyRequest("telegram", "england", "", Decimal("21.500000"), "attempt-1")
ORDER = OrderRef("11631253")


def adapter(**dialect: object) -> FiveSim:
    return FiveSim(
        ProviderAccount("fivesim", "https://5sim.example/v1", "jwt-key-0001", "RUB", dialect, lifetime_s=900)
    )


def order_text(**changes: Any) -> str:
    return json.dumps(json.loads(payload("fivesim/order_waiting.json")) | changes)


# Buying


def test_buy_reads_the_order(vendor: Vendor) -> None:
    vendor.plays("fivesim/order_new.json")

    bought = adapter().buy(WANTED)

    assert (bought.provider_order_id, bought.phone_number) == ("11631253", "+447000000001")
    assert (bought.cost, bought.operator, bought.can_resend) == (Decimal(21), "vodafone", True)
    assert bought.expires_at == dt.datetime(2099, 1, 2, 3, 19, 5, 307041, tzinfo=dt.UTC)
    [call] = vendor.calls
    assert (call.method, call.url) == (
        "GET",
        "https://5sim.example/v1/user/buy/activation/england/any/telegram",
    )
    assert call.params == {"maxPrice": "21.5"}
    assert call.headers["Authorization"] == "Bearer jwt-key-0001"


def test_buy_from_a_named_operator_sends_no_maximum_price(vendor: Vendor) -> None:
    vendor.plays("fivesim/order_new.json")

    adapter().buy(BuyRequest("tele/gram", "england", "o2", Decimal(21), "attempt-1"))

    assert vendor.calls[0].url.endswith("/england/o2/tele%2Fgram")
    assert vendor.calls[0].params == {}


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("expires", [None, "0001-01-01T00:00:00Z", "soon", "2026-01-02T03:19:05Z"])
def test_buy_without_a_usable_end_uses_the_lifetime(vendor: Vendor, expires: str | None) -> None:
    vendor.says(order_text(expires=expires))

    assert adapter().buy(WANTED).expires_at == NOW + dt.timedelta(seconds=900)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("internal error", 500),
        ("internal error", 200),
        ("server offline", 400),
        ("something new", 400),
        ("something new", 200),
        ("no", 200),
        ("", 200),
        ("", 302),
        ("", 503),
        ("null", 200),
        ("[]", 200),
        ("{}", 200),
        (payload("fivesim/order_truncated.json"), 200),
        (payload("handler/block_page.html"), 200),
        (order_text(phone=""), 200),
        (order_text(id=None), 200),
        (payload("fivesim/order_new.json"), 500),
    ],
)
def test_buy_with_an_unclear_answer_may_have_bought(vendor: Vendor, text: str, status: int) -> None:
    vendor.says(text, status)

    with pytest.raises(Ambiguous):
        adapter().buy(WANTED)

    assert len(vendor.calls) == 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [(http.NoAnswer("late"), Ambiguous), (http.ConnectionNotMade("refused"), Unreachable)],
)
def test_buy_without_an_answer(vendor: Vendor, failure: http.HttpError, error: type[ProviderError]) -> None:
    vendor.fails(failure)

    with pytest.raises(error):
        adapter().buy(WANTED)


# Refusals

SENTENCES = [
    ("no free phones", 200, "no_stock"),
    ("No Free Phones\n", 400, "no_stock"),
    ('"no free phones"', 200, "no_stock"),
    ("not enough user balance", 400, "no_balance"),
    ("not enough rating", 400, "suspended"),
    ("select country", 400, "bad_request"),
    ("select operator", 400, "bad_request"),
    ("no product", 400, "bad_request"),
    ("bad country", 400, "bad_request"),
    ("bad operator", 200, "bad_request"),
    ("country is incorrect", 400, "bad_request"),
    ("product is incorrect", 400, "bad_request"),
    ("server offline", 400, "ambiguous"),
    ("internal error", 500, "ambiguous"),
    ("order not found", 404, "not_found"),
    ("record not found", 400, "not_found"),
    ("order expired", 400, "conflict"),
    ("order has sms", 400, "too_late"),
    ("order no sms", 400, "conflict"),
    ("hosting order", 400, "conflict"),
    ("you need to wait time", 400, "too_early"),
    ("api limit is 100 requests per second", 429, "throttled"),
    ("ip address limit is 100 requests per second", 503, "throttled"),
    ("buy limit is 100 requests per second", 503, "throttled"),
    ("", 429, "throttled"),
    ("", 401, "auth"),
]


@pytest.mark.parametrize(("text", "status", "code"), SENTENCES)
def test_refusals_are_told_apart_by_their_words(vendor: Vendor, text: str, status: int, code: str) -> None:
    vendor.says(text, status)

    with pytest.raises(ProviderError) as caught:
        adapter().finish(ORDER)

    assert caught.value.code == code


def test_throttling_keeps_the_wait(vendor: Vendor) -> None:
    vendor.says("api limit is 100 requests per second", 429, retry_after="7")

    with pytest.raises(Throttled) as caught:
        adapter().buy(WANTED)

    assert caught.value.retry_after_s == 7


# Reading


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PENDING", UpstreamState.WAITING),
        ("RECEIVED", UpstreamState.WAITING),
        ("POSTPONED", UpstreamState.WAITING),
        ("CANCELED", UpstreamState.CANCELLED),
        ("TIMEOUT", UpstreamState.EXPIRED),
        ("FINISHED", UpstreamState.FINISHED),
        ("BANNED", UpstreamState.CANCELLED),
    ],
)
@pytest.mark.parametrize("sms", [None, []])
def test_fetch_reads_the_state(vendor: Vendor, status: str, state: UpstreamState, sms: object) -> None:
    vendor.says(order_text(status=status, sms=sms))

    snapshot = adapter().fetch(ORDER)

    assert vendor.calls[0].url.endswith("/user/check/11631253")
    assert (snapshot.state, snapshot.messages) == (state, ())
    assert snapshot.expires_at == dt.datetime(2026, 1, 2, 3, 19, 5, 307041, tzinfo=dt.UTC)


def test_fetch_reads_all_messages(vendor: Vendor) -> None:
    vendor.plays("fivesim/order_code.json")

    snapshot = adapter().fetch(ORDER)

    first, second = snapshot.messages
    assert snapshot.state == UpstreamState.RECEIVED
    assert (first.dedupe_key, first.code, first.text, first.sender) == (
        "id:7",
        "482913",
        "Your code is 482913",
        "Telegram",
    )
    assert first.sent_at == dt.datetime(2026, 1, 2, 3, 5, 3, tzinfo=dt.UTC)
    assert (second.code, second.text) == ("", "Open the app")
    assert second.sent_at == dt.datetime(2026, 1, 2, 3, 6, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize("status", ["FINISHED", "TIMEOUT", "CANCELED"])
def test_fetch_of_an_ended_order_still_has_its_sms(vendor: Vendor, status: str) -> None:
    vendor.says(order_text(status=status, sms=[{"text": "Your code is 1234", "code": "1234"}]))

    snapshot = adapter().fetch(ORDER)

    assert snapshot.state.is_terminal
    assert len(snapshot.messages) == 1


def test_messages_without_id_have_keys_of_their_own(vendor: Vendor) -> None:
    same = {"created_at": "2026-01-02T03:05:05Z", "sender": "A", "text": "x"}
    vendor.says(order_text(sms=[same, same | {"text": "y"}, same]))

    keys = [message.dedupe_key for message in adapter().fetch(ORDER).messages]

    assert keys[0] == keys[2] != keys[1]
    assert all(len(key) <= 64 for key in keys)


@pytest.mark.parametrize("text", ["order not found", "record not found"])
def test_fetch_of_an_unknown_order(vendor: Vendor, text: str) -> None:
    vendor.says(text, 404)

    with pytest.raises(OrderNotFound):
        adapter().fetch(ORDER)


# Lists


def page(*orders: dict[str, Any], total: int) -> str:
    return json.dumps({"Data": list(orders), "ProductNames": [], "Statuses": [], "Total": total})


def row(order_id: int, *, minutes_ago: int = 1, **changes: Any) -> dict[str, Any]:
    created = NOW - dt.timedelta(minutes=minutes_ago)
    order: dict[str, Any] = json.loads(payload("fivesim/order_waiting.json"))
    return order | {"id": order_id, "created_at": created.isoformat()} | changes


@time_machine.travel(NOW, tick=False)
def test_fetch_open_has_what_has_not_ended(vendor: Vendor) -> None:
    vendor.says(
        page(
            row(3),
            row(2, sms=[{"id": 1, "text": "Your code is 1234"}]),
            row(1, status="TIMEOUT"),
            total=3,
        )
    )

    found = adapter().fetch_open({})

    assert {key: snapshot.state for key, snapshot in found.items()} == {
        "3": UpstreamState.WAITING,
        "2": UpstreamState.RECEIVED,
    }
    assert vendor.calls[0].params == {
        "category": "activation",
        "limit": "100",
        "offset": "0",
        "order": "id",
        "reverse": "true",
    }


@time_machine.travel(NOW, tick=False)
def test_fetch_open_stops_at_orders_too_old_to_be_open(vendor: Vendor) -> None:
    vendor.says(page(row(9), row(8, minutes_ago=60), total=100_000))

    assert list(adapter().fetch_open({})) == ["9", "8"]
    assert len(vendor.calls) == 1


@time_machine.travel(NOW, tick=False)
def test_fetch_open_reads_on_when_the_list_is_sorted_the_other_way(vendor: Vendor) -> None:
    vendor.says(page(row(1, minutes_ago=90), row(2, minutes_ago=60), total=3)).says(page(row(3), total=3))

    assert "3" in adapter().fetch_open({})


@time_machine.travel(NOW, tick=False)
def test_fetch_open_reads_all_pages(vendor: Vendor) -> None:
    vendor.says(page(row(3), row(2), total=3)).says(page(row(1), total=3))

    assert list(adapter().fetch_open({})) == ["3", "2", "1"]
    assert [call.params["offset"] for call in vendor.calls] == ["0", "100"]


@time_machine.travel(NOW, tick=False)
def test_fetch_open_passes_over_an_unreadable_row(vendor: Vendor) -> None:
    vendor.says(page(row(2), {"id": None}, {"nothing": 1}, row(1), total=4))

    assert list(adapter().fetch_open({})) == ["2", "1"]


@pytest.mark.parametrize("text", ['{"Data":[],"Total":0}', '{"Data":null,"Total":0}'])
def test_fetch_open_knows_an_empty_list(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    assert adapter().fetch_open({}) == {}


@pytest.mark.parametrize("text", ["null", "{}", "[]", "internal error", "", '{"Total":3}'])
def test_fetch_open_never_reads_an_error_as_empty(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    with pytest.raises(Ambiguous):
        adapter().fetch_open({})


def test_fetch_open_can_be_switched_off(vendor: Vendor) -> None:
    with pytest.raises(NotSupported):
        adapter(list_open=False).fetch_open({})

    assert not adapter(list_open=False).capabilities.list_open


@time_machine.travel(NOW, tick=False)
def test_find_lost_has_everything_since_then(vendor: Vendor) -> None:
    vendor.says(page(row(3), row(2, minutes_ago=5, status="CANCELED"), row(1, minutes_ago=11), total=900))

    open_order, closed_order = adapter().find_lost(NOW - dt.timedelta(minutes=10))

    assert (open_order.provider_order_id, open_order.state) == ("3", UpstreamState.WAITING)
    assert (open_order.service_code, open_order.country_code) == ("telegram", "england")
    assert open_order.created_at == NOW - dt.timedelta(minutes=1)
    assert closed_order.state == UpstreamState.CANCELLED
    assert len(vendor.calls) == 1


# Closing


@pytest.mark.parametrize(
    ("action", "status", "closed"),
    [
        ("cancel", "CANCELED", Closed(UpstreamState.CANCELLED, refunded=True)),
        ("cancel", "TIMEOUT", Closed(UpstreamState.EXPIRED, refunded=True)),
        ("finish", "FINISHED", Closed(UpstreamState.FINISHED, refunded=False)),
        ("report_bad", "BANNED", Closed(UpstreamState.CANCELLED, refunded=True)),
    ],
)
def test_closing_says_what_became_of_the_money(
    vendor: Vendor, action: str, status: str, closed: Closed
) -> None:
    vendor.says(order_text(status=status, sms=None))

    assert getattr(adapter(), action)(ORDER) == closed
    assert vendor.calls[0].url.endswith(f"/user/{'ban' if action == 'report_bad' else action}/11631253")


@pytest.mark.parametrize(
    ("text", "status", "error"),
    [
        ("you need to wait time", 400, TooEarly),
        ("order has sms", 400, TooLate),
        ("order expired", 400, TooLate),
        ("order not found", 404, OrderNotFound),
        ("internal error", 500, Ambiguous),
        (payload("fivesim/order_waiting.json"), 200, Ambiguous),
        ("", 200, Ambiguous),
    ],
)
def test_cancel_tells_why_not(vendor: Vendor, text: str, status: int, error: type[ProviderError]) -> None:
    vendor.says(text, status)

    with pytest.raises(error):
        adapter().cancel(ORDER)


def test_another_sms_needs_no_call(vendor: Vendor) -> None:
    adapter().request_another(ORDER)

    assert vendor.calls == []


# Catalogue


def test_balance_is_in_the_currency_of_the_account(vendor: Vendor) -> None:
    vendor.plays("fivesim/profile.json")

    assert adapter().balance() == Balance(Decimal("100.5"), "RUB")


def test_offers_are_by_operator(vendor: Vendor) -> None:
    vendor.plays("fivesim/prices.json")

    assert adapter().offers("england") == [
        OfferRow("telegram", "england", "vodafone", Decimal(21), 120, Decimal("93.1")),
        OfferRow("telegram", "england", "virtual21", Decimal("12.5"), 0, None),
    ]
    assert "Authorization" not in vendor.calls[0].headers


@pytest.mark.parametrize("text", ["null", "{}", '{"france":{}}'])
def test_offers_of_a_country_without_any(vendor: Vendor, text: str) -> None:
    vendor.says(text)

    assert adapter().offers("england") == []


def test_services_are_activation_products(vendor: Vendor) -> None:
    vendor.plays("fivesim/products.json")

    assert adapter().services() == [ProviderCode("telegram", "telegram")]


def test_countries_carry_their_iso_code(vendor: Vendor) -> None:
    vendor.plays("fivesim/countries.json")

    assert adapter().countries() == [ProviderCode("england", "England", "GB")]


def test_a_wrong_flag_is_refused_when_the_row_is_read() -> None:
    with pytest.raises(BadRequest, match="list_page"):
        adapter(list_page=0)
