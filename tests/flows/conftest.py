"""Buyers against the running product."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.flows.buyer import Buyer
from tests.live_stack import LiveStack, live

__all__ = ["live"]

_with_money: list[str] = []


@pytest.fixture
def new_buyer(live: LiveStack) -> Iterator[Callable[..., Buyer]]:
    """Makes customers who are signed in; each has 25.00 in the wallet unless the test says otherwise."""
    made: list[Buyer] = []

    def make(credit: str = "25.00") -> Buyer:
        if credit != "25.00":
            email = live.create_customer(credit)
        else:
            if not _with_money:
                _with_money.extend(live.create_customers(12, credit))
            email = _with_money.pop()
        buyer = Buyer(live, email)
        made.append(buyer)
        assert buyer.sign_in().path != "/accounts/sign-in/"
        return buyer

    yield make
    for buyer in made:
        buyer.close()


@pytest.fixture
def buyer(new_buyer: Callable[..., Buyer]) -> Buyer:
    """A signed-in customer with 25.00."""
    return new_buyer()
