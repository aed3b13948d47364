import time
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response

from sandbox.faults import FAULTS
from sandbox.serving import HUGE_CHUNK, HUGE_CHUNKS
from tests.sandbox.client import SandboxClient

Buy = Callable[[SandboxClient], Response]

BUYS: dict[str, Buy] = {
    "handler": lambda sandbox: sandbox.handler("getNumber", service="wa", country="6"),
    "hero": lambda sandbox: sandbox.hero("getNumberV2", service="wa", country="6"),
    "fivesim": lambda sandbox: sandbox.fivesim("user/buy/activation/england/any/telegram"),
}
ALL = pytest.mark.parametrize("vendor", list(BUYS))


def sold(sandbox: SandboxClient, vendor: str) -> int:
    counters: dict[str, Any] = sandbox.state(vendor)["counters"]
    return int(counters["sold"])


def heal(sandbox: SandboxClient) -> None:
    sandbox.control("config", fault_rate=0, faults=[])


REFUSALS = [
    # fault, what the handler says, what HeroSMS says, what 5SIM says
    ("http_500", (500, "Internal Server Error"), (500, '"title":"SERVER_ERROR"'), (500, "internal error")),
    ("error_sql", (200, "ERROR_SQL"), (200, "ERROR_SQL"), (400, "server offline")),
    ("unknown_literal", (200, "ACCESS_PENDING"), (200, "ACCESS_PENDING"), (200, "service mode seven")),
    (
        "rate_limited",
        (429, "TOO_MANY_REQUESTS"),
        (429, "1020"),
        (429, "api limit is 100 requests per second"),
    ),
    (
        "rate_limited_bare",
        (429, "TOO_MANY_REQUESTS"),
        (429, "1020"),
        (429, "api limit is 100 requests per second"),
    ),
    ("banned", (200, "BANNED:'20"), (403, '"banned_until":'), (400, "not enough rating")),
    ("bad_key", (200, "BAD_KEY"), (401, '"title":"BAD_KEY"'), (401, "")),
    ("no_balance", (200, "NO_BALANCE"), (402, '"title":"NO_BALANCE"'), (400, "not enough user balance")),
    ("no_stock", (200, "NO_NUMBERS"), (200, "NO_NUMBERS"), (200, "no free phones")),
    ("html_200", (200, "<!DOCTYPE html>"), (200, "<!DOCTYPE html>"), (200, "<!DOCTYPE html>")),
    ("redirect", (302, ""), (302, ""), (302, "")),
]


@pytest.mark.parametrize(("fault", "handler", "hero", "fivesim"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_buy_refused_by_fault_sells_nothing(
    sandbox: SandboxClient,
    fault: str,
    handler: tuple[int, str],
    hero: tuple[int, str],
    fivesim: tuple[int, str],
) -> None:
    sandbox.fail(fault)

    for vendor, (status, text) in {"handler": handler, "hero": hero, "fivesim": fivesim}.items():
        reply = BUYS[vendor](sandbox)
        assert reply.status_code == status
        assert text in reply.text
        assert sold(sandbox, vendor) == 0


@ALL
def test_rate_limit_says_when_to_retry_or_nothing(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.fail("rate_limited")
    polite = BUYS[vendor](sandbox)
    sandbox.fail("rate_limited_bare")
    bare = BUYS[vendor](sandbox)

    assert polite.headers["retry-after"] == "2"
    assert "retry-after" not in bare.headers


@ALL
def test_redirect_points_elsewhere_and_elsewhere_knows_who_followed(
    sandbox: SandboxClient, vendor: str
) -> None:
    sandbox.fail("redirect")

    reply = BUYS[vendor](sandbox)

    assert reply.headers["location"] == "/elsewhere"
    assert sandbox.http.get("/elsewhere").text == "you followed a redirect, 1 so far"


@ALL
def test_timeout_before_hangs_and_sells_nothing(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.fail("timeout_before", hang_s=0.2)

    started = time.monotonic()
    reply = BUYS[vendor](sandbox)

    assert time.monotonic() - started >= 0.2
    assert reply.status_code == 503
    assert sold(sandbox, vendor) == 0


@ALL
def test_buy_then_timeout_sells_and_hangs(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.fail("buy_then_timeout", hang_s=0.2)

    started = time.monotonic()
    reply = BUYS[vendor](sandbox)

    assert time.monotonic() - started >= 0.2
    assert sandbox.order(vendor)["id"] in reply.text


@ALL
@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [("buy_then_503", 503, "503 Service Temporarily Unavailable"), ("buy_then_html", 200, "<!DOCTYPE html>")],
)
def test_sold_number_is_hidden_by_error_page(
    sandbox: SandboxClient, vendor: str, fault: str, status: int, text: str
) -> None:
    sandbox.fail(fault)

    reply = BUYS[vendor](sandbox)

    assert (reply.status_code, text in reply.text) == (status, True)
    assert sandbox.order(vendor)["status"] == "waiting"


@ALL
def test_truncated_and_empty_answers_hide_a_sale(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.fail("truncated_json")
    truncated = BUYS[vendor](sandbox)
    sandbox.fail("empty_body")
    empty = BUYS[vendor](sandbox)

    first, _ = sandbox.state(vendor)["orders"]
    assert (truncated.status_code, truncated.text.endswith("}")) == (200, False)
    assert len(truncated.content) == 6 if vendor == "handler" else truncated.text.startswith('{"')
    assert first["status"] == "waiting"
    assert (empty.status_code, empty.content) == (200, b"")


@ALL
def test_connection_reset_gives_no_answer_and_sells_nothing(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.fail("connection_reset")

    with pytest.raises(ConnectionResetError):
        BUYS[vendor](sandbox)

    assert sold(sandbox, vendor) == 0


@ALL
def test_huge_body_passes_32_mib(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.fail("huge_body")

    reply = BUYS[vendor](sandbox)

    assert len(HUGE_CHUNK) * HUGE_CHUNKS > 32 * 2**20
    assert len(reply.content) > 32 * 2**20
    assert "content-length" not in reply.headers
    assert sold(sandbox, vendor) == 0


@ALL
def test_slow_answers_late_but_rightly(
    sandbox: SandboxClient, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.serving.SLOW_S", (0.2, 0.3))
    sandbox.fail("slow")

    started = time.monotonic()
    reply = BUYS[vendor](sandbox)

    assert time.monotonic() - started >= 0.2
    assert sandbox.order(vendor)["id"] in reply.text


@ALL
def test_big_id_is_above_31_bits_and_usable(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.fail("big_id")
    reply = BUYS[vendor](sandbox)
    heal(sandbox)

    order_id = sandbox.order(vendor)["id"]
    assert int(order_id) > 2**31
    assert order_id in reply.text
    if vendor == "fivesim":
        assert sandbox.fivesim(f"user/check/{order_id}").json()["id"] == int(order_id)
    else:
        call = sandbox.handler if vendor == "handler" else sandbox.hero
        assert call("getStatus", id=order_id).text == "STATUS_WAIT_CODE"


@ALL
def test_leading_zero_and_odd_and_codeless_texts(sandbox: SandboxClient, vendor: str) -> None:
    for fault in ("leading_zero_code", "odd_text", "no_code_sms"):
        sandbox.fail(fault)
        BUYS[vendor](sandbox)
    heal(sandbox)
    sandbox.advance(6)

    zero, odd, codeless = (order["messages"][0] for order in sandbox.state(vendor)["orders"])
    assert zero["code"].startswith("0")
    assert odd["code"] in odd["text"]
    assert all(part in odd["text"] for part in (":", "\n", "🔐", "رمز", "\u200f"))
    assert codeless["code"] is None
    assert not any(character.isdigit() for character in codeless["text"])


def test_odd_and_codeless_texts_on_the_wire(sandbox: SandboxClient) -> None:
    sandbox.fail("no_code_sms")
    order_id = sandbox.buy_handler()
    product_id = sandbox.buy_fivesim()
    heal(sandbox)
    sandbox.advance(6)

    text = sandbox.order("handler")["messages"][0]["text"]
    (row,) = sandbox.handler("getActiveActivations").json()["activeActivations"]
    assert sandbox.handler("getStatus", id=order_id).text == f"STATUS_OK:{text}"
    assert (row["smsCode"], row["smsText"]) == (None, text)
    assert sandbox.handler("getStatusV2", id=order_id).json()["sms"]["code"] == ""
    assert sandbox.fivesim(f"user/check/{product_id}").json()["sms"][0]["code"] == ""


def test_text_without_code_is_emitted_without_colons_and_breaks(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler("never_arrives")
    sandbox.control(f"orders/{order_id}/deliver", text="a: b\nc " + "x" * 200, sender="S", code="")

    reply = sandbox.handler("getStatus", id=order_id).text

    assert reply.startswith("STATUS_OK:a  b c xxx")
    assert len(reply) == len("STATUS_OK:") + 160


def test_duplicate_sms_is_listed_twice_under_one_id(sandbox: SandboxClient) -> None:
    sandbox.buy_handler()
    hero_id, product_id = sandbox.buy_hero(), sandbox.buy_fivesim()
    sandbox.advance(6)
    sandbox.fail("duplicate_sms")

    (row,) = sandbox.handler("getActiveActivations").json()["activeActivations"]
    hero = sandbox.hero("getAllSms", id=hero_id).json()["data"]
    fivesim = sandbox.fivesim(f"user/check/{product_id}").json()["sms"]

    assert isinstance(row["smsCode"], list)
    assert row["smsCode"][0] == row["smsCode"][1]
    assert hero[0] == hero[1]
    assert fivesim[0] == fivesim[1]
    heal(sandbox)
    assert len(sandbox.fivesim(f"user/check/{product_id}").json()["sms"]) == 1
    assert sandbox.state("fivesim")["counters"]["delivered"] == 1


def test_sms_null_replaces_empty_list(sandbox: SandboxClient) -> None:
    product_id = sandbox.buy_fivesim("never_arrives")
    sandbox.fail("sms_null")

    assert sandbox.fivesim(f"user/check/{product_id}").json()["sms"] is None
    assert sandbox.fivesim("user/orders").json()["Data"][0]["sms"] is None


def test_balance_with_four_decimals(sandbox: SandboxClient) -> None:
    sandbox.fail("balance_4_decimals")

    assert sandbox.handler("getBalance").text == "ACCESS_BALANCE:1000000.0037"
    assert sandbox.hero("getBalanceV2").json()["balance"] == 1000000.0037
    assert sandbox.fivesim("user/profile").json()["balance"] == 1000000.0037


def test_early_cancel_is_denied_whatever_the_age(sandbox: SandboxClient) -> None:
    handler, hero = sandbox.buy_handler("never_arrives"), sandbox.buy_hero("never_arrives")
    fivesim = sandbox.buy_fivesim("never_arrives")
    sandbox.advance(300)
    sandbox.fail("early_cancel_denied")

    assert sandbox.handler("setStatus", id=handler, status="8").text == "EARLY_CANCEL_DENIED"
    assert sandbox.hero("setStatus", id=hero, status="8").json()["title"] == "EARLY_CANCEL_DENIED"
    assert sandbox.fivesim(f"user/cancel/{fivesim}").text == "you need to wait time"
    assert sandbox.order("handler")["status"] == "waiting"


def test_sms_after_cancel_comes_a_second_later(sandbox: SandboxClient) -> None:
    handler, hero = sandbox.buy_handler("never_arrives"), sandbox.buy_hero("never_arrives")
    fivesim = sandbox.buy_fivesim("never_arrives")
    sandbox.advance(200)
    sandbox.fail("sms_after_cancel")
    assert sandbox.handler("setStatus", id=handler, status="8").text == "ACCESS_CANCEL"
    assert sandbox.hero("setStatus", id=hero, status="8").text == "ACCESS_CANCEL"
    assert sandbox.fivesim(f"user/cancel/{fivesim}").json()["status"] == "CANCELED"

    sandbox.advance(1)

    assert sandbox.handler("getStatus", id=handler).text == "STATUS_CANCEL"
    assert sandbox.handler("getStatusV2", id=handler).json()["sms"]["text"]
    assert sandbox.hero("getStatusV2", id=hero).json()["data"]["text"]
    check = sandbox.fivesim(f"user/check/{fivesim}").json()
    assert (check["status"], len(check["sms"])) == ("CANCELED", 1)
    assert sandbox.state("handler")["balance"] == "1000000.00"


@pytest.mark.parametrize("fault", ["buy_then_503", "buy_then_html", "truncated_json", "empty_body"])
def test_cancel_is_carried_out_and_its_answer_lost(sandbox: SandboxClient, fault: str) -> None:
    order_id = sandbox.buy_handler("never_arrives")
    sandbox.advance(120)
    sandbox.fail(fault)

    reply = sandbox.handler("setStatus", id=order_id, status="8")

    assert reply.text != "ACCESS_CANCEL"
    assert sandbox.order("handler")["status"] == "cancelled"


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("http_500", 500, "Internal Server Error"),
        ("html_200", 200, "<!DOCTYPE html>"),
        ("error_sql", 200, "ERROR_SQL"),
        ("bad_key", 200, "BAD_KEY"),
        ("rate_limited", 429, "TOO_MANY_REQUESTS"),
        ("empty_body", 200, ""),
    ],
)
@pytest.mark.parametrize(
    "action", ["getStatus", "getActiveActivations", "setStatus", "getPrices", "getBalance"]
)
def test_fault_strikes_every_kind_of_call(
    sandbox: SandboxClient, action: str, fault: str, status: int, text: str
) -> None:
    order_id = sandbox.buy_handler("never_arrives")
    sandbox.fail(fault)

    reply = sandbox.handler(action, id=order_id, status="8")

    assert (reply.status_code, reply.text.startswith(text)) == (status, True)
    assert sandbox.order("handler")["status"] == "waiting"


def test_unknown_literals_per_kind_of_call(sandbox: SandboxClient) -> None:
    order_id, product_id = sandbox.buy_handler("never_arrives"), sandbox.buy_fivesim("never_arrives")
    sandbox.fail("unknown_literal")

    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_WAIT_OPERATOR"
    assert sandbox.handler("setStatus", id=order_id, status="8").text == "ACCESS_QUEUED"
    assert sandbox.handler("getActiveActivations").text == "SERVICE_MODE_7"
    check = sandbox.fivesim(f"user/check/{product_id}").json()
    assert (str(check["id"]), check["status"]) == (product_id, "POSTPONED")


def test_fault_actions_limit_where_faults_strike(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_handler("never_arrives")
    sandbox.fail("http_500", fault_actions=["buy"])

    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_WAIT_CODE"
    assert sandbox.handler("getNumber", service="wa", country="6").status_code == 500


def test_fault_rate_is_a_share(sandbox: SandboxClient) -> None:
    sandbox.control("config", fault_rate=0.5, faults=["http_500"])

    failed = sum(sandbox.handler("getBalance").status_code == 500 for _ in range(300))

    assert 90 < failed < 210


def test_fault_that_cannot_strike_a_call_leaves_it_alone(sandbox: SandboxClient) -> None:
    sandbox.fail("big_id", "no_stock")

    assert sandbox.handler("getBalance").text == "ACCESS_BALANCE:1000000.00"


def test_every_named_fault_exists() -> None:
    buys = {"buy_then_timeout", "buy_then_503", "buy_then_html", "no_balance", "no_stock", "big_id"}
    answers = {
        "html_200",
        "truncated_json",
        "empty_body",
        "http_500",
        "error_sql",
        "unknown_literal",
        "huge_body",
    }
    transport = {
        "timeout_before",
        "connection_reset",
        "slow",
        "redirect",
        "rate_limited",
        "rate_limited_bare",
    }
    account = {"banned", "bad_key", "balance_4_decimals"}
    cancels = {"early_cancel_denied", "sms_after_cancel"}
    messages = {"sms_null", "duplicate_sms", "no_code_sms", "leading_zero_code", "odd_text"}

    assert set(FAULTS) == buys | answers | transport | account | cancels | messages
