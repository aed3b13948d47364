from decimal import Decimal

import pytest

from sandbox.scenarios import SCENARIOS
from tests.sandbox.client import SandboxClient

VENDORS = ["handler", "hero", "fivesim"]


def buy(sandbox: SandboxClient, vendor: str, service: str, **params: str) -> str:
    if vendor == "fivesim":
        return sandbox.buy_fivesim(service, **params)
    return (
        sandbox.buy_handler(service, **params) if vendor == "handler" else sandbox.buy_hero(service, **params)
    )


def texts(sandbox: SandboxClient, vendor: str) -> list[str]:
    return [message["text"] for message in sandbox.order(vendor)["messages"]]


def test_scenarios_are_listed_and_priced_for_every_country(sandbox: SandboxClient) -> None:
    handler = sandbox.handler("getPrices").json()
    fivesim = sandbox.fivesim("guest/prices").json()
    names = {row["code"] for row in sandbox.handler("getServicesList").json()["services"]}

    assert len(SCENARIOS) == 10
    assert set(SCENARIOS) <= names
    for offers in handler.values():
        assert all(offers[name]["cost"] > 0 and offers[name]["physicalCount"] > 0 for name in SCENARIOS)
    for products in fivesim.values():
        assert all(offer["count"] > 0 for name in SCENARIOS for offer in products[name].values())


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("service", "seconds"), [("arrives_3s", 3), ("arrives_90s", 90)])
def test_sms_arrives_on_the_second(sandbox: SandboxClient, vendor: str, service: str, seconds: int) -> None:
    buy(sandbox, vendor, service)

    sandbox.advance(seconds - 1)
    assert texts(sandbox, vendor) == []
    sandbox.advance(1)
    assert len(texts(sandbox, vendor)) == 1


@pytest.mark.parametrize("vendor", ["handler", "hero"])
def test_second_code_follows_when_asked_for(sandbox: SandboxClient, vendor: str) -> None:
    order_id = buy(sandbox, vendor, "two_codes")
    call = sandbox.handler if vendor == "handler" else sandbox.hero
    sandbox.advance(60)
    assert len(texts(sandbox, vendor)) == 1

    call("setStatus", id=order_id, status="3")
    sandbox.advance(5)

    assert len(texts(sandbox, vendor)) == 2


def test_second_code_follows_by_itself_at_fivesim(sandbox: SandboxClient) -> None:
    order_id = buy(sandbox, "fivesim", "two_codes")

    sandbox.advance(11)

    first, second = sandbox.fivesim(f"user/check/{order_id}").json()["sms"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("service", ["never_arrives", "already_used"])
def test_silent_services_expire_with_refund(sandbox: SandboxClient, vendor: str, service: str) -> None:
    buy(sandbox, vendor, service)

    sandbox.advance(1200)

    assert texts(sandbox, vendor) == []
    assert sandbox.order(vendor)["status"] == "expired"
    assert sandbox.state(vendor)["balance"] == "1000000.00"


def test_already_used_hands_out_the_same_number(sandbox: SandboxClient) -> None:
    buy(sandbox, "handler", "already_used")
    buy(sandbox, "handler", "already_used")

    first, second = sandbox.state("handler")["orders"]
    assert first["id"] != second["id"]
    assert first["phone"] == second["phone"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_sold_out_sells_nothing(sandbox: SandboxClient, vendor: str) -> None:
    handler = sandbox.handler("getNumber", service="sold_out", country="6")
    hero = sandbox.hero("getNumberV2", service="sold_out", country="6")
    fivesim = sandbox.fivesim("user/buy/activation/england/any/sold_out")

    assert [reply.text for reply in (handler, hero, fivesim)] == [
        "NO_NUMBERS",
        "NO_NUMBERS",
        "no free phones",
    ]
    assert sandbox.state(vendor)["counters"]["sold"] == 0


def test_price_jump_refuses_listed_price(sandbox: SandboxClient) -> None:
    listed = Decimal(
        str(sandbox.handler("getPrices", service="price_jump", country="6").json()["6"]["price_jump"]["cost"])
    )
    asked = format(listed * Decimal("1.5"), "f").rstrip("0")

    refused = sandbox.handler("getNumber", service="price_jump", country="6", maxPrice=str(listed))
    sold = sandbox.handler("getNumber", service="price_jump", country="6", maxPrice=asked)

    assert refused.text == f"WRONG_MAX_PRICE:{asked}"
    assert sold.text.startswith("ACCESS_NUMBER:")
    assert Decimal(sandbox.order("handler")["price"]) == Decimal(asked)


def test_price_jump_at_hero_and_fivesim(sandbox: SandboxClient) -> None:
    hero_price = sandbox.hero("getPrices", service="price_jump", country="6").json()["6"]["price_jump"][
        "cost"
    ]
    fivesim_price = sandbox.fivesim("guest/products/england/any").json()["price_jump"]["Price"]

    hero = sandbox.hero("getNumber", service="price_jump", country="6", maxPrice=hero_price)
    fivesim = sandbox.fivesim("user/buy/activation/england/any/price_jump", maxPrice=fivesim_price)

    assert (hero.status_code, hero.json()["title"]) == (400, "WRONG_MAX_PRICE")
    assert hero.json()["info"]["min"] > hero_price
    assert fivesim.text == "no free phones"


@pytest.mark.parametrize("vendor", VENDORS)
def test_buys_then_times_out_commits_and_delivers(sandbox: SandboxClient, vendor: str) -> None:
    sandbox.control("config", hang_s=0.05)

    order_id = buy(sandbox, vendor, "buys_then_times_out")
    sandbox.advance(6)

    order = sandbox.order(vendor)
    assert (order["id"], order["status"]) == (order_id, "received")


@pytest.mark.parametrize("vendor", VENDORS)
def test_provider_500_sells_nothing(sandbox: SandboxClient, vendor: str) -> None:
    handler = sandbox.handler("getNumber", service="provider_500", country="6")
    hero = sandbox.hero("getNumber", service="provider_500", country="6")
    fivesim = sandbox.fivesim("user/buy/activation/england/any/provider_500")

    assert [reply.status_code for reply in (handler, hero, fivesim)] == [500] * 3
    assert [handler.text, hero.json()["title"], fivesim.text] == [
        "Internal Server Error",
        "SERVER_ERROR",
        "internal error",
    ]
    assert sandbox.state(vendor)["counters"]["sold"] == 0


def test_late_sms_shows_in_status_v2_but_not_in_status(sandbox: SandboxClient) -> None:
    order_id = buy(sandbox, "handler", "late_after_expiry")
    sandbox.advance(1204)
    assert sandbox.handler("getStatusV2", id=order_id).text == "STATUS_CANCEL"
    sandbox.advance(1)

    (text,) = texts(sandbox, "handler")
    assert sandbox.handler("getStatus", id=order_id).text == "STATUS_CANCEL"
    assert sandbox.handler("getStatusV2", id=order_id).json()["sms"]["text"] == text
    assert sandbox.handler("getFullSms", id=order_id).text == f"FULL_SMS:{text}"
    assert sandbox.handler("getActiveActivations").text == "NO_ACTIVATIONS"
    assert sandbox.handler("getHistory").json()[0]["sms"] == text
    state = sandbox.state("handler")
    assert (state["orders"][0]["status"], state["balance"]) == ("expired", "1000000.00")


def test_late_sms_at_hero_shows_in_status_v2_and_all_sms(sandbox: SandboxClient) -> None:
    order_id = buy(sandbox, "hero", "late_after_expiry")

    sandbox.advance(1205)

    (text,) = texts(sandbox, "hero")
    assert sandbox.hero("getStatus", id=order_id).text == "STATUS_CANCEL"
    assert sandbox.hero("getStatusV2", id=order_id).json()["data"]["text"] == text
    assert sandbox.hero("getAllSms", id=order_id).json()["data"][0]["text"] == text


def test_late_sms_at_fivesim_shows_in_check_beside_timeout(sandbox: SandboxClient) -> None:
    order_id = buy(sandbox, "fivesim", "late_after_expiry")
    sandbox.advance(900)
    assert sandbox.fivesim(f"user/check/{order_id}").json()["sms"] == []
    sandbox.advance(5)

    order = sandbox.fivesim(f"user/check/{order_id}").json()
    assert (order["status"], len(order["sms"])) == ("TIMEOUT", 1)
    assert sandbox.fivesim("user/orders").json()["Data"][0] == order


def test_late_sms_does_not_come_after_cancel(sandbox: SandboxClient) -> None:
    order_id = buy(sandbox, "handler", "late_after_expiry")
    sandbox.advance(120)
    sandbox.handler("setStatus", id=order_id, status="8")

    sandbox.advance(2000)

    assert texts(sandbox, "handler") == []
