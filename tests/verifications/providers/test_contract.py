"""What every adapter promises, kept against the sandbox over HTTP: same questions, same answers, whoever the seller is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal

import pytest

from sandbox.faults import FAULTS
from sandbox.testing import running_sandbox
from tests.verifications.providers.sellers import KINDS, Seller, make_seller
from verifications.providers import wire
from verifications.providers.base import Bought, OrderRef, Snapshot, UpstreamState
from verifications.providers.errors import (
    Ambiguous,
    AuthFailed,
    BadRequest,
    Conflict,
    NoStock,
    OrderNotFound,
    PriceTooHigh,
    ProviderError,
    TooEarly,
    TooLate,
    Unreachable,
)

SHORT_S = 0.4


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with running_sandbox() as base_url:
        yield base_url


@pytest.fixture(params=list(KINDS))
def seller(request: pytest.FixtureRequest, sandbox_url: str) -> Seller:
    return make_seller(request.param, sandbox_url)


def ref(bought: Bought, sms_round: int = 0) -> OrderRef:
    return OrderRef(bought.provider_order_id, sms_round, bought.phone_number)


def buy(seller: Seller) -> Bought:
    return seller.provider.buy(seller.wanted())


def in_list(seller: Seller, bought: Bought, sms_round: int = 0) -> Snapshot:
    order_id = bought.provider_order_id
    return seller.provider.fetch_open({order_id: sms_round})[order_id]


# Catalogue


def test_the_balance_is_an_amount(seller: Seller) -> None:
    seller.configure(balance="12.34")

    assert seller.provider.balance().amount == Decimal("12.34")


def test_the_catalogue_knows_what_is_offered(seller: Seller) -> None:
    services = {row.code for row in seller.provider.services()}
    countries = {row.code: row for row in seller.provider.countries()}
    offers = list(seller.provider.offers(seller.kind.country))

    assert seller.kind.service in services
    assert seller.kind.country in countries
    assert {offer.service_code for offer in offers} <= services
    assert all(offer.cost > 0 and offer.country_code == seller.kind.country for offer in offers)
    assert any(offer.stock > 0 for offer in offers)


def test_an_unknown_country_offers_nothing(seller: Seller) -> None:
    with suppress(BadRequest):
        assert list(seller.provider.offers("nowhere")) == []


# Buying


def test_a_number_is_bought_at_most_at_the_price_offered(seller: Seller) -> None:
    offers = seller.provider.offers(seller.kind.country)
    cheapest = min(
        (offer for offer in offers if offer.service_code == seller.kind.service), key=lambda o: o.cost
    )

    bought = seller.provider.buy(seller.wanted(str(cheapest.cost)))

    [sold] = seller.sold
    assert sold["id"] == bought.provider_order_id
    assert bought.phone_number == f"+{sold['phone'].lstrip('+')}"
    assert bought.cost in {None, cheapest.cost}
    assert abs(bought.expires_at - wire.now() - dt.timedelta(seconds=seller.kind.lifetime_s)) < dt.timedelta(
        seconds=5
    )
    assert bought.cancel_not_before < bought.expires_at


def test_a_named_operator_is_asked_for(seller: Seller) -> None:
    operator = "o2" if seller.kind.adapter == "handler" else ""
    offers = [o for o in seller.provider.offers(seller.kind.country) if o.service_code == seller.kind.service]
    operator = offers[-1].operator or operator

    seller.provider.buy(seller.wanted(operator=operator))

    assert seller.sold[0]["operator"] == operator


def test_a_price_above_the_maximum_is_refused(seller: Seller) -> None:
    with pytest.raises((PriceTooHigh, NoStock)):
        seller.provider.buy(seller.wanted("0.0001"))

    assert seller.sold == []


@pytest.mark.parametrize(
    ("service", "error"),
    [
        ("sold_out", NoStock),
        ("provider_500", Ambiguous),
        ("no_such_service", BadRequest),
    ],
)
def test_scenarios_that_sell_nothing(seller: Seller, service: str, error: type[ProviderError]) -> None:
    with pytest.raises(error):
        seller.provider.buy(seller.wanted(service_code=service))

    assert seller.sold == []


def test_an_unknown_country_sells_nothing(seller: Seller) -> None:
    with pytest.raises(BadRequest):
        seller.provider.buy(seller.wanted(country_code="nowhere"))


def test_a_purchase_without_an_answer_is_found_again(seller: Seller) -> None:
    before = wire.now() - dt.timedelta(seconds=2)
    impatient = seller.with_account(read_timeout_s=SHORT_S)

    with pytest.raises(Ambiguous):
        impatient.buy(seller.wanted(service_code="buys_then_times_out"))

    [lost] = seller.provider.find_lost(before)
    [sold] = seller.sold
    assert (lost.provider_order_id, lost.service_code) == (sold["id"], "buys_then_times_out")
    assert (lost.country_code, lost.phone_number.lstrip("+")) == (
        seller.kind.country,
        sold["phone"].lstrip("+"),
    )
    assert not lost.state.is_terminal


def test_a_wrong_key_is_an_account_fault(seller: Seller) -> None:
    stranger = seller.with_account(credential="wrong-key-0001")

    with pytest.raises(AuthFailed):
        stranger.buy(seller.wanted())
    with pytest.raises(AuthFailed):
        stranger.fetch_open({})


def test_a_seller_that_is_not_there_is_unreachable(seller: Seller) -> None:
    nobody = seller.with_account(base_url="http://127.0.0.1:1/stubs/handler_api.php")

    with pytest.raises(Unreachable):
        nobody.buy(seller.wanted())


# Receiving

TEXTS = [
    "Your code is 482913",
    "Your code: 048291",
    "Code: 12:34 and\nmore lines\r\nhere: 482-913",
    "\u200fرمز التحقق: 482913\u200f 🔐",
    "Open the app to sign in",
    "x" * 300,
]


def test_a_new_order_waits(seller: Seller) -> None:
    bought = buy(seller)

    for snapshot in (seller.provider.fetch(ref(bought)), in_list(seller, bought)):
        assert (snapshot.state, snapshot.messages) == (UpstreamState.WAITING, ())
        assert abs((snapshot.taken_at - wire.now()).total_seconds()) < 5


@pytest.mark.parametrize("text", TEXTS)
def test_an_sms_is_the_same_in_the_list_and_alone(seller: Seller, text: str) -> None:
    bought = buy(seller)
    seller.deliver(bought.provider_order_id, text)

    single, listed = seller.provider.fetch(ref(bought)), in_list(seller, bought)

    assert single.state == listed.state == UpstreamState.RECEIVED
    [alone], [in_row] = single.messages, listed.messages
    assert alone.dedupe_key == in_row.dedupe_key
    assert alone.code == in_row.code
    assert in_row.text.split() == text.split()


def test_only_the_own_order_receives(seller: Seller) -> None:
    first, second = buy(seller), buy(seller)
    seller.deliver(first.provider_order_id, "Your code is 482913")

    assert in_list(seller, second).messages == ()
    assert seller.provider.fetch(ref(second)).messages == ()


def test_all_open_orders_are_listed(seller: Seller) -> None:
    bought = {buy(seller).provider_order_id for _ in range(5)}

    assert set(seller.provider.fetch_open({})) == bought


def test_nothing_open_is_an_empty_list(seller: Seller) -> None:
    assert seller.provider.fetch_open({}) == {}


def test_another_sms_is_a_new_one_even_with_the_same_code(seller: Seller) -> None:
    bought = buy(seller)
    seller.deliver(bought.provider_order_id, "Your code is 482913")
    first = in_list(seller, bought).messages

    seller.provider.request_another(ref(bought))
    between = [seller.provider.fetch(ref(bought, 1)), in_list(seller, bought, 1)]
    seller.deliver(bought.provider_order_id, "Your code is 482913")
    single, listed = seller.provider.fetch(ref(bought, 1)), in_list(seller, bought, 1)

    old_keys = {message.dedupe_key for message in first}
    for snapshot in between:
        assert {message.dedupe_key for message in snapshot.messages} <= old_keys
    for snapshot in (single, listed):
        assert snapshot.state == UpstreamState.RECEIVED
        assert len({message.dedupe_key for message in snapshot.messages} - old_keys) == 1
    assert single.messages[-1].dedupe_key == listed.messages[-1].dedupe_key


def test_an_order_that_ran_out_has_ended(seller: Seller) -> None:
    bought = buy(seller)
    seller.advance(seller.kind.lifetime_s + 1)

    snapshot = seller.provider.fetch(ref(bought))

    assert snapshot.state in {UpstreamState.EXPIRED, UpstreamState.CANCELLED}
    assert snapshot.messages == ()
    assert seller.provider.fetch_open({}) == {}


def test_an_sms_after_the_end_is_seen_where_the_protocol_shows_it(seller: Seller) -> None:
    bought = buy(seller)
    seller.advance(seller.kind.lifetime_s + 1)
    seller.deliver(bought.provider_order_id, "Your code is 482913")

    snapshot = seller.provider.fetch(ref(bought))

    # The code itself is not always told any more; the text is.
    texts = [message.text for message in snapshot.messages]
    assert texts == (["Your code is 482913"] if shows_late_sms(seller) else [])


def test_an_unknown_order_is_not_found(seller: Seller) -> None:
    unknown = OrderRef("1")

    for ask in (seller.provider.fetch, seller.provider.cancel, seller.provider.finish):
        with pytest.raises(OrderNotFound):
            ask(unknown)


# Closing


def test_cancel_waits_for_the_lock_and_then_refunds(seller: Seller) -> None:
    bought = buy(seller)

    with pytest.raises(TooEarly):
        seller.provider.cancel(ref(bought))
    seller.advance(seller.kind.cancel_lock_s + 1)
    closed = seller.provider.cancel(ref(bought))

    assert (closed.state, closed.refunded) == (UpstreamState.CANCELLED, True)
    assert seller.sold[0]["status"] == "cancelled"
    assert seller.provider.fetch(ref(bought)).state == UpstreamState.CANCELLED


def test_cancel_after_a_code_is_too_late_and_finish_keeps_the_charge(seller: Seller) -> None:
    bought = buy(seller)
    seller.advance(seller.kind.cancel_lock_s + 1)
    seller.deliver(bought.provider_order_id, "Your code is 482913")

    with pytest.raises(TooLate):
        seller.provider.cancel(ref(bought))
    closed = seller.provider.finish(ref(bought))

    assert (closed.state, closed.refunded) == (UpstreamState.FINISHED, False)
    assert seller.sold[0]["status"] == "finished"


def test_finish_without_a_code_is_refused(seller: Seller) -> None:
    bought = buy(seller)

    with pytest.raises(Conflict):
        seller.provider.finish(ref(bought))


def test_cancel_of_a_finished_order_is_too_late(seller: Seller) -> None:
    bought = buy(seller)
    seller.deliver(bought.provider_order_id, "Your code is 482913")
    seller.provider.finish(ref(bought))

    with pytest.raises(TooLate):
        seller.provider.cancel(ref(bought))


def test_a_bad_number_is_reported_for_a_refund(seller: Seller) -> None:
    bought = buy(seller)
    seller.advance(seller.kind.cancel_lock_s + 1)

    assert seller.provider.report_bad(ref(bought)).refunded


# Faults: name → the error of a call it strikes, None for an answer that is used all the same

ERRORS: dict[str, str | None] = {
    "timeout_before": "ambiguous",
    "html_200": "ambiguous",
    "http_500": "ambiguous",
    "error_sql": "ambiguous",
    "connection_reset": "ambiguous",
    "unknown_literal": "ambiguous",
    "rate_limited": "throttled",
    "rate_limited_bare": "throttled",
    "banned": "suspended",
    "bad_key": "auth",
    "huge_body": "ambiguous",
    "redirect": "ambiguous",
    "no_balance": "no_balance",
    "no_stock": "no_stock",
    "early_cancel_denied": "too_early",
    "buy_then_timeout": "ambiguous",
    "buy_then_503": "ambiguous",
    "buy_then_html": "ambiguous",
    "truncated_json": "ambiguous",
    "empty_body": "ambiguous",
    "slow": None,
    "big_id": None,
    "no_code_sms": None,
    "leading_zero_code": None,
    "odd_text": None,
    "sms_after_cancel": None,
    "sms_null": None,
    "duplicate_sms": None,
    "balance_4_decimals": None,
}
CARRIED_OUT = {"buy_then_timeout", "buy_then_503", "buy_then_html", "truncated_json", "empty_body"}
_TIMEOUTS = {"timeout_before", "buy_then_timeout"}


def striking(kind: str) -> list[str]:
    return [name for name, error in ERRORS.items() if error and kind in FAULTS[name]]


def test_every_fault_of_the_sandbox_is_expected_here() -> None:
    assert set(ERRORS) == set(FAULTS)


def impatient(seller: Seller, fault: str) -> float:
    return SHORT_S if fault in _TIMEOUTS else 5


@pytest.mark.parametrize("fault", striking("buy"))
def test_a_struck_purchase_is_in_doubt_only_when_it_may_have_happened(seller: Seller, fault: str) -> None:
    seller.strike(fault, "buy")
    provider = seller.with_account(read_timeout_s=impatient(seller, fault))

    with pytest.raises(ProviderError) as caught:
        provider.buy(seller.wanted())

    seller.heal()
    assert caught.value.code == ERRORS[fault]
    assert len(seller.sold) == (1 if fault in CARRIED_OUT else 0)
    assert len(seller.provider.find_lost(wire.now() - dt.timedelta(seconds=10))) == len(seller.sold)
    assert caught.value.ambiguous or not seller.sold


@pytest.mark.parametrize("fault", striking("read"))
def test_a_struck_look_at_an_order_ends_nothing(seller: Seller, fault: str) -> None:
    bought = buy(seller)
    seller.strike(fault, "read")
    provider = seller.with_account(read_timeout_s=impatient(seller, fault))

    if fault == "unknown_literal":
        assert provider.fetch(ref(bought)).state == UpstreamState.WAITING
        return
    with pytest.raises(ProviderError) as caught:
        provider.fetch(ref(bought))

    assert caught.value.code == ERRORS[fault]


@pytest.mark.parametrize("fault", striking("list"))
def test_a_struck_list_is_no_empty_list(seller: Seller, fault: str) -> None:
    for _ in range(3):
        buy(seller)
    seller.strike(fault, "list")
    provider = seller.with_account(read_timeout_s=impatient(seller, fault))

    with pytest.raises(ProviderError) as caught:
        provider.fetch_open({})

    assert caught.value.code == ERRORS[fault]


@pytest.mark.parametrize("fault", striking("cancel"))
def test_a_struck_cancel_is_told_by_the_next_look(seller: Seller, fault: str) -> None:
    bought = buy(seller)
    seller.advance(seller.kind.cancel_lock_s + 1)
    seller.strike(fault, "cancel")
    provider = seller.with_account(read_timeout_s=impatient(seller, fault))

    is_empty_success = seller.kind.dialect.get("close_actions") and fault in {"truncated_json", "empty_body"}
    if is_empty_success:
        assert provider.cancel(ref(bought)).refunded
    else:
        with pytest.raises(ProviderError) as caught:
            provider.cancel(ref(bought))
        assert caught.value.code == ERRORS[fault]

    seller.heal()
    expected = UpstreamState.CANCELLED if fault in CARRIED_OUT else UpstreamState.WAITING
    assert seller.provider.fetch(ref(bought)).state == expected


@pytest.mark.parametrize("fault", striking("catalogue"))
def test_a_struck_price_list_is_no_empty_list(seller: Seller, fault: str) -> None:
    seller.strike(fault, "catalogue")
    provider = seller.with_account(read_timeout_s=impatient(seller, fault))

    with pytest.raises(ProviderError) as caught:
        provider.offers(seller.kind.country)

    assert caught.value.code == ERRORS[fault]


@pytest.mark.parametrize("fault", ["big_id", "slow"])
def test_an_odd_purchase_is_a_purchase(seller: Seller, fault: str) -> None:
    seller.strike(fault, "buy")

    bought = buy(seller)

    assert bought.provider_order_id in seller.provider.fetch_open({})


@pytest.mark.parametrize("style", ["no_code_sms", "leading_zero_code", "odd_text"])
def test_an_odd_sms_is_the_same_in_the_list_and_alone(seller: Seller, style: str) -> None:
    seller.configure(delivery_rate=1, delivery_s=[1, 1])
    seller.strike(style, "buy")
    bought = buy(seller)
    seller.advance(2)

    [alone], [in_row] = seller.provider.fetch(ref(bought)).messages, in_list(seller, bought).messages

    assert alone.dedupe_key == in_row.dedupe_key
    assert alone.text


@pytest.mark.parametrize("fault", ["sms_null", "duplicate_sms"])
def test_an_sms_listed_oddly_has_one_key(seller: Seller, fault: str) -> None:
    waiting, received = buy(seller), buy(seller)
    seller.deliver(received.provider_order_id, "Your code is 482913")
    for kind in ("read", "list"):
        seller.strike(fault, kind)

        assert seller.provider.fetch(ref(waiting)).state == UpstreamState.WAITING
        listed = in_list(seller, received)

        assert len({message.dedupe_key for message in listed.messages}) == 1


def shows_late_sms(seller: Seller) -> bool:
    """Whether the protocol, as these flags speak it, still shows the SMS of an ended order."""
    dialect = seller.kind.dialect
    return (
        bool(dialect.get("has_v2")) or dialect.get("full_text") == "call" or seller.kind.adapter == "fivesim"
    )


def test_an_sms_after_the_cancel_is_seen_where_the_protocol_shows_it(seller: Seller) -> None:
    bought = buy(seller)
    seller.advance(seller.kind.cancel_lock_s + 1)
    seller.strike("sms_after_cancel", "cancel")
    seller.provider.cancel(ref(bought))
    seller.advance(2)

    snapshot = seller.provider.fetch(ref(bought))

    assert len(snapshot.messages) == (1 if shows_late_sms(seller) else 0)


def test_a_balance_with_four_decimals_is_kept(seller: Seller) -> None:
    seller.configure(balance="12.34")
    seller.strike("balance_4_decimals", "balance")

    assert seller.provider.balance().amount.as_tuple().exponent == -4


def test_ten_thousand_open_orders_are_listed(sandbox_url: str) -> None:
    seller = make_seller("hero", sandbox_url)
    seller.control("bulk", vendor="hero", count=10_000)

    found = seller.provider.fetch_open({})

    assert len(found) == 10_000
