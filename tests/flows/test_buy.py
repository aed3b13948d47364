"""A buyer from sign-up to the code, over HTTP, against the running product."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.flows.buyer import Buyer
from tests.live_stack import LiveStack, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("live")]


def test_buyer_signs_up_orders_and_receives_the_code(live: LiveStack) -> None:
    buyer = Buyer(live)
    assert buyer.sign_up(f"{uuid4().hex[:12]}@example.com").path == "/verifications/new/"
    live.credit(buyer.email, "5.00")

    page = buyer.order()
    assert page.attribute("order-status", "data-status") in {"ordering", "waiting"}
    page = buyer.wait_for_status(page.path, "received")

    (order,) = buyer.orders()
    (attempt,) = buyer.attempts()
    sold = live.sandbox_orders()[attempt["provider_order_id"]]
    assert page.mark("order-code") == order["code"] == sold["messages"][0]["code"]
    assert (
        page.mark("order-number").replace(" ", "").replace("-", "")
        == order["phone_number"]
        == f"+{sold['phone'].lstrip('+')}"
    )
    assert buyer.wallet() == (Decimal(5) - order["price"], Decimal(0))
    buyer.close()


def test_finish_completes_the_order_here_and_at_the_seller(live: LiveStack, buyer: Buyer) -> None:
    page = buyer.wait_for_status(buyer.order().path, "received")

    page = buyer.send(page.form("/finish/"))

    assert page.attribute("order-status", "data-status") == "completed"
    (attempt,) = buyer.attempts()
    wait_for(
        lambda: live.sandbox_orders()[attempt["provider_order_id"]]["status"] == "finished",
        "the finish at the seller",
    )


def test_same_form_sent_twice_is_one_order(new_buyer: Callable[..., Buyer]) -> None:
    buyer = new_buyer()
    form = buyer.order_page().form("/verifications/new/")

    first, second = buyer.send(form), buyer.send(form)

    assert first.path == second.path
    assert len(buyer.orders()) == 1
