import re
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.client import KEY, SandboxClient

BUY = "user/buy/activation/england/any/telegram"


def sentence(sandbox: SandboxClient, path: str, **params: Any) -> tuple[int, str]:
    reply = sandbox.fivesim(path, **params)
    return reply.status_code, reply.text


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nope"}, {"Authorization": f"Basic {KEY}"}])
def test_user_calls_want_bearer_key(sandbox: SandboxClient, header: dict[str, str]) -> None:
    reply = sandbox.http.get("/v1/user/profile", headers=header)

    assert (reply.status_code, reply.content) == (401, b"")
    assert sandbox.http.get("/v1/guest/prices", headers=header).status_code == 200


def test_guest_countries_carry_operators_as_keys(sandbox: SandboxClient) -> None:
    england = sandbox.fivesim("guest/countries").json()["england"]

    assert (england["iso"], england["prefix"], england["text_en"]) == ({"gb": 1}, {"+44": 1}, "England")
    assert england["vodafone"] == {"activation": 1}


def test_guest_prices_nest_by_what_is_asked(sandbox: SandboxClient) -> None:
    everything = sandbox.fivesim("guest/prices").json()
    country = sandbox.fivesim("guest/prices", country="england").json()
    product = sandbox.fivesim("guest/prices", product="telegram").json()
    both = sandbox.fivesim("guest/prices", country="england", product="telegram").json()

    offers = everything["england"]["telegram"]
    assert (
        country["england"]["telegram"]
        == product["telegram"]["england"]
        == both["england"]["telegram"]
        == offers
    )
    assert len({offer["cost"] for offer in offers.values()}) > 1
    assert set(offers["vodafone"]) == {"cost", "count", "rate"}
    assert sandbox.fivesim("guest/prices", country="atlantis").text == "null"
    assert sandbox.fivesim("guest/prices", product="nothing").text == "null"


def test_guest_products_sum_operators(sandbox: SandboxClient) -> None:
    offers = sandbox.fivesim("guest/prices", country="england", product="telegram").json()["england"][
        "telegram"
    ]

    any_operator = sandbox.fivesim("guest/products/england/any").json()["telegram"]
    anywhere = sandbox.fivesim("guest/products/any/any").json()["telegram"]
    vodafone = sandbox.fivesim("guest/products/england/vodafone").json()["telegram"]

    assert any_operator == {
        "Category": "activation",
        "Qty": sum(offer["count"] for offer in offers.values()),
        "Price": min(offer["cost"] for offer in offers.values()),
    }
    assert anywhere["Price"] <= any_operator["Price"]
    assert vodafone["Price"] == offers["vodafone"]["cost"]
    assert sentence(sandbox, "guest/products/atlantis/any") == (400, "bad country")
    assert sandbox.fivesim("guest/flash/en").json() == {"text": ""}


def test_profile_carries_balance(sandbox: SandboxClient) -> None:
    profile = sandbox.fivesim("user/profile").json()

    assert (profile["balance"], profile["rating"], profile["frozen_balance"]) == (1_000_000.0, 96, 0)


def test_buy_any_takes_cheapest_operator_and_issues_number(sandbox: SandboxClient) -> None:
    offers = sandbox.fivesim("guest/prices", country="england", product="telegram").json()["england"][
        "telegram"
    ]

    order = sandbox.fivesim(BUY).json()

    assert re.fullmatch(r"\+44[0-9]{9,10}", order["phone"])
    assert (order["status"], order["sms"], order["product"], order["country"]) == (
        "RECEIVED",
        None,
        "telegram",
        "england",
    )
    assert order["price"] == min(offer["cost"] for offer in offers.values())
    assert offers[order["operator"]]["cost"] == order["price"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", order["expires"])


def test_buy_from_operator_ignores_max_price(sandbox: SandboxClient) -> None:
    order = sandbox.fivesim("user/buy/activation/england/vodafone/telegram", maxPrice="0.01").json()

    assert order["operator"] == "vodafone"
    assert sentence(sandbox, BUY, maxPrice="0.01") == (200, "no free phones")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("user/buy/activation/atlantis/any/telegram", (400, "bad country")),
        ("user/buy/activation/england/nobody/telegram", (400, "bad operator")),
        ("user/buy/activation/england/any/nothing", (400, "no product")),
        ("user/check/1", (404, "order not found")),
        ("user/cancel/x", (404, "order not found")),
        ("user/nothing", (404, "404 page not found")),
        ("", (404, "404 page not found")),
    ],
)
def test_errors_are_sentences(sandbox: SandboxClient, path: str, expected: tuple[int, str]) -> None:
    assert sentence(sandbox, path) == expected


def test_buy_without_balance(sandbox: SandboxClient) -> None:
    sandbox.control("config", balance=0)

    assert sentence(sandbox, BUY) == (400, "not enough user balance")


def test_code_arrives_while_status_stays_received(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_fivesim()
    assert sandbox.fivesim(f"user/check/{order_id}").json()["sms"] == []

    sandbox.advance(6)

    order = sandbox.fivesim(f"user/check/{order_id}").json()
    (message,) = sandbox.order("fivesim")["messages"]
    (sms,) = order["sms"]
    assert order["status"] == "RECEIVED"
    assert (sms["text"], sms["sender"], sms["code"]) == (message["text"], message["sender"], message["code"])
    assert (sms["is_wave"], sms["wave_uuid"]) == (False, "")
    assert sandbox.fivesim(f"user/sms/inbox/{order_id}").json() == {"Data": [sms], "Total": 1}


def test_finish_wants_sms_and_closes(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_fivesim()
    assert sentence(sandbox, f"user/finish/{order_id}") == (400, "order no sms")
    sandbox.advance(70)

    assert sentence(sandbox, f"user/cancel/{order_id}") == (400, "order has sms")
    assert sentence(sandbox, f"user/ban/{order_id}") == (400, "order has sms")
    assert sandbox.fivesim(f"user/finish/{order_id}").json()["status"] == "FINISHED"
    assert sentence(sandbox, f"user/finish/{order_id}") == (400, "order expired")
    assert len(sandbox.fivesim(f"user/check/{order_id}").json()["sms"]) == 1


def test_cancel_waits_for_lock_and_refunds(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_fivesim("never_arrives")
    assert sentence(sandbox, f"user/cancel/{order_id}") == (400, "you need to wait time")
    sandbox.advance(60)

    assert sandbox.fivesim(f"user/cancel/{order_id}").json()["status"] == "CANCELED"
    assert sentence(sandbox, f"user/cancel/{order_id}") == (400, "order expired")
    assert sandbox.fivesim(f"user/check/{order_id}").json()["status"] == "CANCELED"
    assert sandbox.state("fivesim")["balance"] == "1000000.00"


def test_ban_refunds_at_once(sandbox: SandboxClient) -> None:
    order_id = sandbox.buy_fivesim("already_used")

    assert sandbox.fivesim(f"user/ban/{order_id}").json()["status"] == "BANNED"

    state = sandbox.state("fivesim")
    assert (state["balance"], state["counters"]["banned"]) == ("1000000.00", 1)


def test_expiry_refunds_without_sms_and_charges_with_one(sandbox: SandboxClient) -> None:
    silent, quick = sandbox.buy_fivesim("never_arrives"), sandbox.buy_fivesim()
    sandbox.advance(900)

    assert sandbox.fivesim(f"user/check/{silent}").json()["status"] == "TIMEOUT"
    assert sandbox.fivesim(f"user/check/{quick}").json()["status"] == "FINISHED"
    assert sentence(sandbox, f"user/cancel/{silent}") == (400, "order expired")
    charged = Decimal(sandbox.state("fivesim")["orders"][1]["price"])
    assert Decimal(sandbox.state("fivesim")["balance"]) == 1_000_000 - charged


def test_orders_page_in_both_directions(sandbox: SandboxClient) -> None:
    ids = [sandbox.buy_fivesim() for _ in range(3)]

    def listed(**params: Any) -> list[str]:
        body = sandbox.fivesim("user/orders", category="activation", **params).json()
        assert body["Total"] == 3
        return [str(order["id"]) for order in body["Data"]]

    assert listed() == ids
    assert listed(reverse="true") == ids[::-1]
    assert listed(reverse="true", limit=1, offset=1) == [ids[1]]
    assert sandbox.fivesim("user/orders", category="hosting").json() == {
        "Data": [],
        "ProductNames": [],
        "Statuses": [],
        "Total": 0,
    }
