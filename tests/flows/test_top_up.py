"""Money into the wallet through the sandbox's checkout, with nothing but pages and forms."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import islice

import pytest

from tests.flows.buyer import Buyer
from tests.live_stack import LiveStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("live")]
NOTHING = (Decimal("0.00"), Decimal("0.00"))


@pytest.fixture
def newcomer(new_buyer: Callable[..., Buyer]) -> Buyer:
    """A customer with an empty wallet."""
    return new_buyer("0")


def deposits_of(live: LiveStack, buyer: Buyer) -> list[dict[str, object]]:
    return live.rows(
        "SELECT d.* FROM billing_deposit d JOIN accounts_user u ON u.id = d.user_id WHERE u.email = %s"
        " ORDER BY d.created_at",
        buyer.email,
    )


def test_paid_top_up_is_in_the_wallet_and_told_on_the_stream(live: LiveStack, newcomer: Buyer) -> None:
    with newcomer.events() as events:
        page = newcomer.top_up("5000")
        (heard,) = islice(events, 1)

    page = newcomer.wait_for_deposit(page.path, "succeeded")
    (deposit,) = deposits_of(live, newcomer)
    assert heard["event"] == "deposit.succeeded"
    assert str(deposit["id"]) in heard["data"]
    assert newcomer.wallet() == (deposit["credit_amount"], Decimal(0))
    assert "₦5,000.00 arrived." in page.text


def test_declined_top_up_leaves_the_wallet_as_it_was_and_is_tried_again(
    live: LiveStack, newcomer: Buyer
) -> None:
    page = newcomer.wait_for_deposit(newcomer.top_up(action="decline").path, "failed")
    assert newcomer.wallet() == NOTHING

    again = newcomer.check_out(page.form("/retry/"), "pay-card")
    newcomer.wait_for_deposit(again.path, "succeeded")

    first, second = deposits_of(live, newcomer)
    assert second["retry_of_id"] == first["id"]
    assert first["reference"] != second["reference"]
    assert newcomer.wallet() == (second["credit_amount"], Decimal(0))


def test_top_up_that_was_left_credits_nothing_until_it_is_paid(newcomer: Buyer) -> None:
    page = newcomer.top_up(action="leave")

    assert page.attribute("deposit-status", "data-status") == "pending"
    assert "You left the payment page before the end." in page.text
    assert newcomer.wallet() == NOTHING


def test_short_payment_is_held_back(live: LiveStack, newcomer: Buyer) -> None:
    live.sandbox_config("paystack", amount_short=1)
    try:
        page = newcomer.top_up()
    finally:
        live.sandbox_config("paystack", amount_short=0)

    page = newcomer.wait_for_deposit(page.path, "needs_review")
    assert "It is safe with us." in page.text
    assert newcomer.wallet() == NOTHING


def test_nobody_opens_somebody_elses_deposit(newcomer: Buyer, buyer: Buyer, live: LiveStack) -> None:
    path = newcomer.top_up(action="leave").path
    (deposit,) = deposits_of(live, newcomer)

    assert buyer.get(path).status == 404
    assert buyer.get(f"/wallet/top-up/return/?reference={deposit['reference']}").status == 404
