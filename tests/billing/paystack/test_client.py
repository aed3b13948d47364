"""Each call of the client: what it sends, what it makes of the answer, and what it refuses to believe."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from billing.paystack import client, wire
from billing.paystack.base import BalanceLine, Bank, DedicatedAccountFact, RefundFact, Transaction
from billing.paystack.client import Paystack, paystack
from billing.paystack.errors import (
    BadKey,
    BadRequest,
    DuplicateReference,
    NotFound,
    NotReached,
    OutcomeUnknown,
    Paused,
    PaystackError,
    RefundNotWaiting,
    Refused,
    Throttled,
)
from tests.billing.paystack.far_side import (
    Answer,
    FarSide,
    payload,
    resets,
    says,
    says_text,
    stays_silent,
)
from tests.fake_paystack import FakePaystack

REFERENCE = "nm-t-01k0w3v5q2m7c4x6b1n0r9dsae"
CHARGED = "nm-a-01k0w5yk4r8t2w6q3m5n1c0vdz"
CARD = "AUTH_w4n8q2example"
ACCOUNT = "0123987456"
PERIOD: dict[str, Any] = {
    "since": dt.datetime(2026, 11, 20, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    "until": dt.datetime(2026, 11, 21, 0, 0, 0, 5000, tzinfo=dt.UTC),
}
FROM_TO = {"from": "2026-11-20T00:00:00.000Z", "to": "2026-11-21T00:00:00.005Z"}

Call = Callable[[Paystack], Any]


def initialize(sut: Paystack) -> Any:
    return sut.initialize(
        email="ada@example.com", amount=500000, currency="NGN", reference=REFERENCE,
        callback_url="https://sms.example.com/wallet/top-up/return/",
        cancel_url="https://sms.example.com/wallet/top-up/cancelled/", channels=["card", "ussd"], metadata={"deposit": "01k0"},
    )  # fmt: skip


def charge(sut: Paystack) -> Any:
    return sut.charge_authorization(
        email="ada@example.com", amount=300000, currency="NGN", authorization_code=CARD, reference=CHARGED
    )


def refund(sut: Paystack) -> Any:
    return sut.refund(
        transaction=REFERENCE, amount=200000, currency="NGN", merchant_note="nmr-1", customer_note="x"
    )


def retry_refund(sut: Paystack) -> Any:
    return sut.retry_refund(7700012, currency="NGN", account_number=ACCOUNT, bank_id=9)


def add_evidence(sut: Paystack) -> Any:
    return sut.add_evidence(
        2867001, customer_email="ada@example.com", customer_name="Ada Obi", customer_phone="+2348030000000",
        service_details="Two numbers",
    )  # fmt: skip


def resolve(sut: Paystack) -> Any:
    return sut.resolve_dispute(
        2867001, resolution="declined", message="Delivered", refund_amount=507615, uploaded_filename="f1", evidence=210055
    )  # fmt: skip


def assign(sut: Paystack) -> Any:
    return sut.assign_dedicated_account(
        email="ada@example.com", first_name="Ada", last_name="Obi", phone="+2348030000000", preferred_bank="wema-bank",
        country="NG",
    )  # fmt: skip


def requery(sut: Paystack) -> Any:
    return sut.requery_dedicated_account(
        account_number="0030000124", provider_slug="wema-bank", day=dt.date(2026, 11, 20)
    )


READS: dict[str, tuple[Call, str]] = {
    "verify": (lambda sut: sut.verify(REFERENCE), "verify"),
    "transaction": (lambda sut: sut.transaction(5120043377), "transaction"),
    "transactions": (lambda sut: list(sut.transactions(**PERIOD)), "transactions_page_2"),
    "totals": (lambda sut: sut.totals(**PERIOD), "totals"),
    "fetch_refund": (lambda sut: sut.fetch_refund(7700012), "refund"),
    "refunds": (lambda sut: list(sut.refunds(**PERIOD)), "refunds"),
    "banks": (lambda sut: sut.banks(country="nigeria"), "banks"),
    "disputes": (lambda sut: list(sut.disputes(**PERIOD, status="resolved")), "disputes"),
    "dispute": (lambda sut: sut.dispute(2867001), "dispute"),
    "settlements": (lambda sut: list(sut.settlements(**PERIOD)), "settlements"),
    "settlement_transactions": (
        lambda sut: list(sut.settlement_transactions(3090024)),
        "settlement_transactions",
    ),
    "balance_ledger": (lambda sut: list(sut.balance_ledger(**PERIOD)), "balance_ledger"),
    "fetch_dedicated_account": (lambda sut: sut.fetch_dedicated_account(173000), "dedicated_account"),
}
WRITES: dict[str, tuple[Call, str]] = {
    "initialize": (initialize, "initialize"),
    "charge_authorization": (charge, "charge"),
    "deactivate_authorization": (lambda sut: sut.deactivate_authorization(CARD), "deactivated"),
    "refund": (refund, "refund_created"),
    "retry_refund": (retry_refund, "refund_retried"),
    "add_evidence": (add_evidence, "evidence"),
    "resolve_dispute": (resolve, "dispute_resolved"),
    "assign_dedicated_account": (assign, "dedicated_account_assigned"),
    "requery_dedicated_account": (requery, "dedicated_account_requeried"),  # a GET that starts something
    "deactivate_dedicated_account": (
        lambda sut: sut.deactivate_dedicated_account(173000),
        "dedicated_account_deactivated",
    ),
}
CALLS = READS | WRITES


def named(calls: dict[str, tuple[Call, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("call", "answer"), calls.values(), ids=list(calls))


# What is sent.


@named(CALLS)
def test_every_request_carries_the_key_and_nothing_else_does(
    sut: Paystack, far_side: FarSide, settings: Settings, call: Call, answer: str
) -> None:
    far_side.will_say(answer)

    call(sut)

    [asked] = far_side.asked
    assert asked.headers["authorization"] == f"Bearer {settings.PAYSTACK_SECRET_KEY}"
    assert settings.PAYSTACK_SECRET_KEY not in asked.target + asked.body.decode()
    if asked.body:
        assert asked.headers["content-type"] == "application/json"


def test_initialize_sends_what_we_decided(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("initialize")

    made = initialize(sut)

    [asked] = far_side.asked
    assert (asked.method, asked.path) == ("POST", "/transaction/initialize")
    assert asked.json == {
        "email": "ada@example.com", "amount": 500000, "currency": "NGN", "reference": REFERENCE,
        "callback_url": "https://sms.example.com/wallet/top-up/return/", "channels": ["card", "ussd"],
        "metadata": {"deposit": "01k0", "cancel_action": "https://sms.example.com/wallet/top-up/cancelled/"},
    }  # fmt: skip
    assert (made.reference, made.access_code, made.authorization_url) == (
        REFERENCE, "q7m2x4k9v1", "https://checkout.paystack.com/q7m2x4k9v1",
    )  # fmt: skip


def test_a_charge_sends_the_card_and_our_reference(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("charge")

    made = charge(sut)

    assert far_side.asked[0].json == {
        "email": "ada@example.com", "amount": 300000, "currency": "NGN", "authorization_code": CARD, "reference": CHARGED,
    }  # fmt: skip
    assert (made.transaction.status, made.transaction.amount, made.authorization_url) == (
        "success",
        300000,
        "",
    )


def test_a_refund_sends_its_token_and_no_empty_note(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("refund_created")

    refund(sut)
    sut.refund(transaction=REFERENCE, amount=1, currency="NGN", merchant_note="nmr-2")

    assert far_side.asked[0].json == {
        "transaction": REFERENCE, "amount": 200000, "currency": "NGN", "merchant_note": "nmr-1", "customer_note": "x",
    }  # fmt: skip
    assert "customer_note" not in far_side.asked[1].json


def test_bank_details_are_sent_as_documented(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("refund_retried")

    made = retry_refund(sut)

    [asked] = far_side.asked
    assert (asked.method, asked.path) == ("POST", "/refund/retry_with_customer_details/7700012")
    assert asked.json == {
        "refund_account_details": {"currency": "NGN", "account_number": ACCOUNT, "bank_id": "9"}
    }
    assert (made.id, made.status, made.amount) == (7700012, "processing", 200000)


@pytest.mark.parametrize(("status", "kind"), [(422, RefundNotWaiting), (400, Refused)])
def test_a_refund_that_does_not_wait_takes_no_details(
    sut: Paystack, far_side: FarSide, status: int, kind: type[PaystackError]
) -> None:
    far_side.will(says({"status": False, "message": f"Not now, {ACCOUNT}"}, status))

    with pytest.raises(Refused) as caught:
        retry_refund(sut)

    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.status) == ("Not now, [hidden]", status)


def test_an_answer_about_another_refund_says_nothing_about_ours(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("refund_retried")

    with pytest.raises(OutcomeUnknown):
        sut.retry_refund(7700013, currency="NGN", account_number=ACCOUNT, bank_id=9)


def test_banks_come_once_by_name_and_without_those_that_are_closed(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("banks")

    found = sut.banks(country="nigeria")

    assert found == [
        Bank(id=1, name="Access Bank"), Bank(id=9, name="Guaranty Trust Bank"), Bank(id=21, name="Zenith Bank")
    ]  # fmt: skip
    assert far_side.asked[0].query["country"] == "nigeria"


def test_banks_are_asked_for_once_because_a_page_waits(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(resets)

    with pytest.raises(OutcomeUnknown):
        sut.banks(country="nigeria")

    assert len(far_side.asked) == 1


def test_a_reference_is_one_part_of_the_address_whatever_is_in_it(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("verify")

    sut.verify("a/../b?c#d é")

    assert far_side.asked[0].target == "/transaction/verify/a%2F..%2Fb%3Fc%23d%20%C3%A9"


@pytest.mark.parametrize("reference", ["", ".", ".."])
def test_a_reference_that_would_be_another_address_is_not_asked_for(
    sut: Paystack, far_side: FarSide, reference: str
) -> None:
    with pytest.raises(NotFound):
        sut.verify(reference)

    assert far_side.asked == []


def test_periods_are_sent_in_utc(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("refunds")

    list(sut.refunds(**PERIOD))

    assert far_side.asked[0].query == {**FROM_TO, "perPage": "100", "page": "1"}


# What is not believed.


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "nm-t-somebody-elses"},
        {"reference": None},
        {"authorization_url": "https://checkout.paystack.com.evil.example/q7m2"},
        {"authorization_url": "https://checkout.paystack.com@evil.example/q7m2"},
        {"authorization_url": "https://checkout.paystack.com\\@evil.example/q7m2"},
        {"authorization_url": "http://checkout.paystack.com/q7m2"},
        {"authorization_url": "javascript:alert(1)"},
        {"authorization_url": "//checkout.paystack.com/q7m2"},
        {"authorization_url": "https://[checkout/q7m2"},
        {"authorization_url": None},
        {"access_code": ""},
        {"access_code": None},
    ],
)
def test_a_checkout_that_is_not_ours_is_refused_and_may_exist(
    sut: Paystack, far_side: FarSide, change: dict[str, Any]
) -> None:
    answer = payload("initialize")
    answer["data"].update(change)
    far_side.will(says(answer))

    with pytest.raises(OutcomeUnknown):
        initialize(sut)


def test_the_checkout_of_the_settings_is_believed(
    sut: Paystack, far_side: FarSide, settings: Settings
) -> None:
    settings.PAYSTACK_CHECKOUT_ORIGINS = ["http://127.0.0.1:7001"]
    answer = payload("initialize")
    answer["data"]["authorization_url"] = "http://127.0.0.1:7001/paystack/checkout/x"
    far_side.will(says(answer))

    assert initialize(sut).authorization_url == "http://127.0.0.1:7001/paystack/checkout/x"


def test_a_bank_that_wants_the_customer_gives_an_address(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("charge_paused")

    made = charge(sut)

    assert (made.transaction, made.authorization_url) == (None, "https://checkout.paystack.com/resume7k2m")


def test_a_declined_charge_is_an_answer_and_no_error(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("charge_declined")

    made = charge(sut).transaction

    assert (made.status, made.gateway_response) == ("failed", "Insufficient Funds")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("charge", {"reference": "nm-a-another"}),
        ("charge", {"amount": 3000.5}),
        ("charge_paused", {"reference": "nm-a-another"}),
        ("charge_paused", {"authorization_url": "https://evil.example/"}),
    ],
)
def test_a_charge_that_cannot_be_believed_is_unknown(
    sut: Paystack, far_side: FarSide, name: str, change: dict[str, Any]
) -> None:
    answer = payload(name)
    answer["data"].update(change)
    far_side.will(says(answer))

    with pytest.raises(OutcomeUnknown):
        charge(sut)

    assert len(far_side.asked) == 1


@pytest.mark.parametrize("amount", [5000.0, True, -1, "5,000", None])
def test_an_amount_that_is_none_is_never_a_payment(sut: Paystack, far_side: FarSide, amount: Any) -> None:
    answer = payload("verify")
    answer["data"]["amount"] = amount
    far_side.will(says(answer))

    with pytest.raises(OutcomeUnknown):
        sut.verify(REFERENCE)


# Faults, and which calls are tried again.

NO_ANSWER: dict[str, Answer] = {
    "silence": stays_silent,
    "reset": resets,
    "500": says_text("<html>Bad gateway</html>", 502, content_type="text/html"),
    "truncated": says_text('{"status": true, "message": "Verifica', content_type="application/json"),
    "html": says_text("<html>Maintenance</html>", content_type="text/html"),
    "redirect": says_text("", 302, location="http://127.0.0.1:1/elsewhere"),
    "not true": says({"status": "success", "message": "ok", "data": {}}),
    "too big": says({"status": True, "message": "x" * (2 * 1024 * 1024 + 1), "data": {}}),
    "blocked": says_text("<html>Are you human?</html>", 403, content_type="text/html"),
}


@pytest.mark.parametrize("answer", NO_ANSWER.values(), ids=list(NO_ANSWER))
def test_reading_is_tried_three_times(sut: Paystack, far_side: FarSide, answer: Answer) -> None:
    far_side.will(answer)

    with pytest.raises(OutcomeUnknown):
        sut.verify(REFERENCE)

    assert len(far_side.asked) == 3


def test_reading_gets_its_answer_when_the_fault_passes(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(resets, NO_ANSWER["500"], says(payload("verify")))

    assert sut.verify(REFERENCE).amount == 507615


@pytest.mark.parametrize("answer", NO_ANSWER.values(), ids=list(NO_ANSWER))
def test_a_charge_is_sent_once_whatever_happens(sut: Paystack, far_side: FarSide, answer: Answer) -> None:
    far_side.will(answer)

    with pytest.raises(OutcomeUnknown) as caught:
        charge(sut)

    assert len(far_side.asked) == 1
    assert caught.value.is_unknown


@named(WRITES)
def test_what_changes_something_is_sent_once(
    sut: Paystack, far_side: FarSide, call: Call, answer: str
) -> None:
    far_side.will(NO_ANSWER["500"])

    with pytest.raises(OutcomeUnknown):
        call(sut)

    assert len(far_side.asked) == 1


@named(CALLS)
def test_nobody_listening_means_nothing_happened(
    sut: Paystack, settings: Settings, call: Call, answer: str
) -> None:
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"

    with pytest.raises(NotReached) as caught:
        call(paystack())

    assert (caught.value.is_unknown, caught.value.can_retry) == (False, True)


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "error_duplicate_reference", DuplicateReference),
        (401, "error_invalid_key", BadKey),
        (400, "error_not_found", NotFound),
    ],
)
@named(CALLS)
def test_a_refusal_is_not_tried_again(
    sut: Paystack,
    far_side: FarSide,
    call: Call,
    answer: str,
    status: int,
    name: str,
    kind: type[PaystackError],
) -> None:
    far_side.will(says(payload(name), status))

    if kind is NotFound and answer == "deactivated":
        call(sut)  # a card that Paystack does not know is forgotten
    else:
        with pytest.raises(kind):
            call(sut)

    assert len(far_side.asked) == 1


def test_a_refusal_for_haste_says_when_and_stops_everything(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(says({"status": False, "message": "Too many requests"}, 429, retry_after="30"))

    with pytest.raises(Throttled) as caught:
        sut.verify(REFERENCE)
    with pytest.raises(Paused):
        initialize(sut)

    assert (caught.value.retry_after_s, len(far_side.asked)) == (30, 1)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("7", 7, 7), ("Fri, 01 Jan 2100 00:00:00 GMT", 10**8, 10**10), ("Fri, 01 Jan 2010 00:00:00 GMT", 0, 0)],
)
def test_retry_after_has_two_forms(
    sut: Paystack, far_side: FarSide, header: str, least: int, most: int
) -> None:
    far_side.will(says_text("", 429, retry_after=header))

    with pytest.raises(Throttled) as caught:
        sut.verify(REFERENCE)

    assert caught.value.retry_after_s is not None
    assert least <= caught.value.retry_after_s <= most


@pytest.mark.parametrize("header", ["soon", "-5", "1.5", "²"])
def test_a_retry_after_that_says_nothing_is_none(header: str) -> None:
    assert wire._retry_after({"retry-after": header}) is None


def test_the_breaker_opens_and_nothing_is_sent_any_more(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(NO_ANSWER["500"])
    assert client.is_available()
    for _ in range(4):
        with pytest.raises(OutcomeUnknown):
            sut.verify(REFERENCE)
    asked = len(far_side.asked)

    with pytest.raises(Paused):
        charge(sut)

    assert asked == len(far_side.asked) == 10  # the fourth reading was not tried a second time
    assert not client.is_available()


def test_a_refused_key_pauses_top_ups_and_rings(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(says(payload("error_invalid_key"), 401))

    with capture_logs() as lines, pytest.raises(BadKey):
        sut.verify(REFERENCE)

    assert "error" in [line["log_level"] for line in lines]
    assert not client.is_available()


def test_a_request_that_paystack_finds_wrong_rings(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(says({"status": False, "message": "Amount must be an integer"}, 400))

    with capture_logs() as lines, pytest.raises(BadRequest):
        initialize(sut)

    assert "Paystack finds our request wrong" in [
        line["event"] for line in lines if line["log_level"] == "error"
    ]


def test_a_call_of_a_customer_waits_a_second_for_its_turn_and_no_longer(
    sut: Paystack, far_side: FarSide, settings: Settings
) -> None:
    settings.PAYSTACK_RATE_PER_S, settings.PAYSTACK_BURST = 0.5, 1
    far_side.will_say("initialize")
    initialize(sut)
    started = time.monotonic()

    with pytest.raises(Paused):
        initialize(sut)

    assert time.monotonic() - started < 1.1
    assert len(far_side.asked) == 1


# Lists.


def test_a_list_is_read_by_cursor_and_no_row_comes_twice(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("transactions_page_1", "transactions_page_2")

    ids = [row.id for row in sut.transactions(**PERIOD)]

    assert ids == [5120050005, 5120050004, 5120050003, 5120050002]
    assert [asked.query for asked in far_side.asked] == [
        {**FROM_TO, "status": "success", "perPage": "100", "use_cursor": "true"},
        {**FROM_TO, "status": "success", "perPage": "100", "use_cursor": "true", "next": "dW5kZWZpbmVkOjUx"},
    ]


@pytest.mark.parametrize("following", ["null", "", None, 7])
def test_a_cursor_that_is_none_ends_the_list(sut: Paystack, far_side: FarSide, following: Any) -> None:
    page = payload("transactions_page_1")
    page["meta"]["next"] = following
    far_side.will(says(page))

    assert len(list(sut.transactions(**PERIOD))) == 2
    assert len(far_side.asked) == 1


def _pages_of_refunds(meta: Callable[[int], Any]) -> list[Answer]:
    row = payload("refund")["data"]
    pages: list[list[int]] = [
        [1, 2],
        [2, 3],
        [4],
        [],
    ]  # a row came in at the head: the second page repeats one
    return [
        says(
            {"status": True, "message": "", "data": [{**row, "id": id_} for id_ in ids]}
            | ({"meta": meta(at)} if meta(at) else {})
        )
        for at, ids in enumerate(pages, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("meta", "calls"),
    [
        (lambda at: {"page": at, "pageCount": 3, "total": 5}, 3),
        (lambda at: {"page": at, "pageCount": "3"}, 3),
        (lambda at: None, 4),
        (lambda at: {"page": at, "pageCount": None}, 4),
        (lambda at: "odd", 4),
    ],
)
def test_a_list_by_pages_is_read_to_its_end(
    sut: Paystack, far_side: FarSide, meta: Callable[[int], Any], calls: int
) -> None:
    far_side.will(*_pages_of_refunds(meta))

    assert [row.id for row in sut.refunds(**PERIOD)] == [1, 2, 3, 4]
    assert [asked.query["page"] for asked in far_side.asked] == [str(at + 1) for at in range(calls)]


def test_a_list_that_ignores_the_page_ends_when_it_brings_nothing_new(
    sut: Paystack, far_side: FarSide
) -> None:
    far_side.will_say("refunds_old")

    assert [row.id for row in sut.refunds(**PERIOD)] == [7700012, 7700013]
    assert len(far_side.asked) == 2


def test_a_cursor_that_leads_to_itself_is_an_error(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("transactions_page_1")

    with pytest.raises(OutcomeUnknown, match="does not end"):
        list(sut.transactions(**PERIOD))

    assert len(far_side.asked) == 2


def test_a_list_without_end_is_an_error(
    sut: Paystack, far_side: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_PAGES", 3)
    pages = []
    for at in range(4):
        page = payload("transactions_page_1")
        page["meta"]["next"] = f"c{at}"
        pages.append(says(page))
    far_side.will(*pages)

    with pytest.raises(OutcomeUnknown, match="does not end"):
        list(sut.transactions(**PERIOD))

    assert len(far_side.asked) == 3


@pytest.mark.parametrize("data", [None, {}, "x", [{"id": 1}]])
def test_a_page_that_cannot_be_read_is_an_error_and_never_a_short_list(
    sut: Paystack, far_side: FarSide, data: Any
) -> None:
    far_side.will(says({"status": True, "message": "", "data": data, "meta": {}}))

    with pytest.raises(OutcomeUnknown):
        list(sut.refunds(**PERIOD))


def test_a_list_goes_on_after_a_page_that_failed_once(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(says(payload("transactions_page_1")), resets, says(payload("transactions_page_2")))

    assert len(list(sut.transactions(**PERIOD))) == 4


def test_settlements_are_those_of_the_period_also_when_paystack_sends_more(
    sut: Paystack, far_side: FarSide
) -> None:
    far_side.will_say("settlements")

    assert [row.id for row in sut.settlements(**PERIOD)] == [3090024]


def test_account_numbers_are_found_by_the_customers_address(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("customer", "dedicated_accounts")

    [found] = sut.dedicated_accounts(customer_email="ada@example.com")

    assert isinstance(found, DedicatedAccountFact)
    assert found.account_number == "0030000124"
    assert [asked.path for asked in far_side.asked] == ["/customer/ada%40example.com", "/dedicated_account"]
    assert far_side.asked[1].query["customer"] == "88120045"


def test_a_customer_whom_paystack_does_not_know_has_no_account_numbers(
    sut: Paystack, far_side: FarSide
) -> None:
    far_side.will(says({"status": False, "message": "Customer email is invalid for your live domain."}, 404))

    assert list(sut.dedicated_accounts(customer_email="ada@example.com")) == []


def test_results_are_plain_values(sut: Paystack, far_side: FarSide) -> None:
    results = {}
    for name, (call, answer) in CALLS.items():
        far_side.will_say(answer)
        results[name] = call(sut)

    assert isinstance(results["verify"], Transaction)
    assert isinstance(results["fetch_refund"], RefundFact)
    assert isinstance(results["balance_ledger"][0], BalanceLine)
    assert results["totals"].transactions == 42
    assert results["add_evidence"] == 210055
    assert results["resolve_dispute"].resolution == "declined"
    assert results["settlement_transactions"][0].amount == 300000


# Evidence.


def test_a_file_goes_to_the_signed_address_without_our_key(sut: Paystack, far_side: FarSide) -> None:
    answer = payload("upload_url")
    answer["data"]["signedUrl"] = f"{far_side.url}/store/1?signature=0123456789abcdef"
    far_side.will(says(answer), says_text(""))

    with capture_logs() as lines:
        name = sut.upload_evidence(2867001, content=b"%PDF\x00\xff", content_type="application/pdf")

    asked, put = far_side.asked
    assert name == "qesp8a4df1xejihd9x5q"
    assert asked.query == {"upload_filename": "evidence-2867001.pdf"}
    assert (put.method, put.target, put.body) == (
        "PUT",
        "/store/1?signature=0123456789abcdef",
        b"%PDF\x00\xff",
    )
    assert put.headers["content-type"] == "application/pdf"
    assert "authorization" not in put.headers
    assert "0123456789abcdef" not in str(lines)


@pytest.mark.parametrize(
    "url", ["http://files.example.com/x", "ftp://127.0.0.1/x", "https:///x", "http://[x", "x", ""]
)
def test_a_file_goes_to_no_unsafe_address(sut: Paystack, far_side: FarSide, url: str) -> None:
    answer = payload("upload_url")
    answer["data"]["signedUrl"] = url
    far_side.will(says(answer))

    with pytest.raises(OutcomeUnknown):
        sut.upload_evidence(2867001, content=b"%PDF", content_type="application/pdf")

    assert len(far_side.asked) == 1


def test_a_file_goes_to_this_machine_only_when_paystack_is_here_as_well(
    far_side: FarSide, settings: Settings
) -> None:
    settings.PAYSTACK_BASE_URL = "https://api.paystack.co"

    with pytest.raises(OutcomeUnknown, match="not safe"):
        paystack().wire.put_file(f"{far_side.url}/store/1", b"%PDF", "application/pdf")

    assert far_side.asked == []


@pytest.mark.parametrize("answer", [says_text("", 403), says_text("", 500), says_text("", 302), resets])
def test_a_file_that_was_not_taken_is_an_error(sut: Paystack, far_side: FarSide, answer: Answer) -> None:
    upload = payload("upload_url")
    upload["data"]["signedUrl"] = f"{far_side.url}/store/1?signature=0123456789abcdef"
    far_side.will(says(upload), answer)

    with pytest.raises(OutcomeUnknown) as caught:
        sut.upload_evidence(2867001, content=b"%PDF", content_type="application/pdf")

    assert "0123456789abcdef" not in str(caught.value)


# The key and its mode.


@pytest.mark.parametrize(
    ("key", "mode"), [("sk_live_abc", "live"), ("sk_test_abc", "test"), ("", "test"), ("abc", "test")]
)
def test_the_key_says_the_mode(settings: Settings, key: str, mode: str) -> None:
    settings.PAYSTACK_SECRET_KEY = key

    assert client.mode() == mode


def test_without_a_key_nothing_is_called(settings: Settings) -> None:
    settings.PAYSTACK_SECRET_KEY = ""

    assert (client.is_configured(), client.is_available()) == (False, False)
    with pytest.raises(Paused) as caught:
        paystack()
    assert caught.value.code == "not_configured"


@pytest.mark.usefixtures("paystack_settings")
def test_with_a_key_it_is_available() -> None:
    assert (client.is_configured(), client.is_available()) == (True, True)


def test_the_stand_in_of_the_services_tests_has_the_same_calls() -> None:
    ours = {
        name: member for name, member in inspect.getmembers(Paystack, inspect.isfunction) if name[0] != "_"
    }
    helpers = {"fail", "fail_after", "count", "pay", "pay_uninvited", "set_refund", "open_dispute"}
    theirs = {
        name: member
        for name, member in inspect.getmembers(FakePaystack, inspect.isfunction)
        if name[0] != "_" and name not in helpers
    }

    assert theirs.keys() <= ours.keys()
    for name, member in theirs.items():
        assert inspect.signature(member).parameters == inspect.signature(ours[name]).parameters, name


# Nothing secret leaves.


def _seen(sut: Paystack, call: Call) -> str:
    try:
        return repr(call(sut))
    except PaystackError as error:
        return f"{error!r} {error} {error.__cause__!r}"


@named(CALLS)
def test_no_secret_shows_in_logs_errors_and_reprs(
    sut: Paystack, far_side: FarSide, settings: Settings, call: Call, answer: str
) -> None:
    echo = json.dumps({"status": False, "message": f"Bad {CARD} of ada@example.com +2348030000000 {ACCOUNT}"})
    seen = [repr(sut)]

    with capture_logs() as lines:
        for reply in (says(payload(answer)), says_text(echo, 400), says_text(echo, 500), resets):
            far_side.will(reply)
            seen.append(_seen(sut, call))

    secrets = (settings.PAYSTACK_SECRET_KEY, CARD, "SIG_", "ada@example.com", "2348030000000", ACCOUNT)
    assert [secret for secret in secrets if secret in f"{seen} {lines}" and _was_ours(secret, far_side)] == []
    assert len(lines) >= 4


def _was_ours(secret: str, far_side: FarSide) -> bool:
    """Whether the call knew it: what a hostile answer invents, nobody can know as a secret."""
    sent = "".join(f"{asked.headers}{unquote(asked.target)}{asked.body.decode()}" for asked in far_side.asked)
    return secret in sent or secret.endswith("_")


def test_the_address_of_a_customer_stays_out_of_the_log(sut: Paystack, far_side: FarSide) -> None:
    far_side.will_say("customer", "dedicated_accounts")

    with capture_logs() as lines:
        list(sut.dedicated_accounts(customer_email="ada@example.com"))

    assert "/customer/[hidden]" in [line["path"] for line in lines]
    assert "ada" not in str(lines)


def test_a_refusal_keeps_its_words_without_the_secrets(sut: Paystack, far_side: FarSide) -> None:
    far_side.will(says({"status": False, "message": f"Bad {CARD} of ada@example.com"}, 400))

    with pytest.raises(Refused) as caught:
        charge(sut)

    assert caught.value.message == "Bad [hidden] of [hidden]"
