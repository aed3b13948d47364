"""Paystack's JSON: strict where money is concerned, tolerant elsewhere."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.paystack import payloads
from billing.paystack.base import Authorization
from billing.paystack.payloads import (
    parse_balance_line,
    parse_bank,
    parse_dedicated_account,
    parse_dispute,
    parse_refund,
    parse_settlement,
    parse_totals,
    parse_transaction,
)
from tests.billing.paystack.far_side import payload


def data(name: str) -> Any:
    return payload(name)["data"]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_a_transaction_with_everything() -> None:
    made = parse_transaction(data("verify"))

    assert (made.id, made.reference, made.status, made.domain) == (
        5120043377, "nm-t-01k0w3v5q2m7c4x6b1n0r9dsae", "success", "test",
    )  # fmt: skip
    assert (made.currency, made.amount, made.requested_amount, made.fees) == ("NGN", 507615, 500000, 7615)
    assert made.paid_for == 500000
    assert (made.channel, made.gateway_response, made.message) == ("card", "Successful", "")
    assert (made.paid_at, made.created_at) == (at("2026-11-21T10:12:31"), at("2026-11-21T10:11:02"))
    assert (made.customer_code, made.customer_email) == ("CUS_r7t2example", "ada@example.com")
    assert made.metadata["deposit"] == "01k0w3v5q2m7c4x6b1n0r9dsae"
    assert made.authorization == Authorization(
        code="AUTH_w4n8q2example", signature="SIG_k9d3vexample", channel="card", brand="visa", last4="4081",
        exp_month=12, exp_year=2031, bank="TEST BANK", country_code="NG", is_reusable=True,
    )  # fmt: skip


def test_an_old_transaction_lacks_fields_and_has_amounts_as_text() -> None:
    made = parse_transaction(data("verify_old"))

    assert (made.amount, made.requested_amount, made.fees, made.paid_for) == (500000, None, 17500, 500000)
    assert (made.authorization.signature, made.authorization.is_reusable) == ("", False)
    assert made.metadata == {}


def test_an_unfinished_transaction() -> None:
    made = parse_transaction(data("verify_abandoned"))

    assert (made.status, made.paid_at, made.fees, made.authorization) == (
        "abandoned", None, None, Authorization(),
    )  # fmt: skip


def test_money_to_an_account_number_names_its_sender() -> None:
    made = parse_transaction(data("verify_dedicated_account"))

    assert made.channel == "dedicated_nuban"
    assert made.authorization.receiver_account_number == "9930000124"
    assert (made.authorization.sender_name, made.authorization.sender_bank) == (
        "ADA OBI", "Guaranty Trust Bank",
    )  # fmt: skip
    assert not made.authorization.is_reusable
    assert made.metadata == {"receiver_account_number": "9930000124"}


def test_a_charge_is_a_transaction() -> None:
    assert parse_transaction(data("charge")).status == "success"
    assert parse_transaction(data("charge_declined")).gateway_response == "Insufficient Funds"


def test_a_refund_carries_its_transaction_as_object_or_id() -> None:
    created, fetched = parse_refund(data("refund_created")), parse_refund(data("refund"))
    old = parse_refund(data("refunds_old")[1])

    assert (created.status, created.amount, created.transaction_id) == ("pending", 200000, 5120043377)
    assert (fetched.status, fetched.amount, fetched.transaction_id) == ("processed", 200000, 5120043377)
    assert created.transaction_reference == fetched.transaction_reference == "nm-t-01k0w3v5q2m7c4x6b1n0r9dsae"
    assert created.merchant_note == fetched.merchant_note == "nmr-01k0w6t3y9h2e5p8g4d7a1s0fb"
    assert created.created_at == at("2026-11-21T10:20:00")
    assert (old.transaction_id, old.transaction_reference, old.amount, old.merchant_note) == (
        5120043377, "", 100000, "",
    )  # fmt: skip
    assert old.created_at == at("2026-11-21T10:30:00")


def test_a_dispute_carries_its_transaction_as_object_or_id() -> None:
    found, resolved = parse_dispute(data("dispute")), parse_dispute(data("dispute_resolved"))

    assert (found.id, found.status, found.refund_amount) == (2867001, "awaiting-merchant-feedback", 507615)
    assert (found.due_at, found.resolved_at) == (at("2026-11-22T18:00:00"), None)
    assert (found.transaction_id, found.transaction_amount) == (5120043377, 507615)
    assert (resolved.status, resolved.resolution) == ("resolved", "declined")
    assert resolved.transaction_id == found.transaction_id
    assert resolved.transaction_reference == found.transaction_reference == "nm-t-01k0w3v5q2m7c4x6b1n0r9dsae"


def test_a_dispute_without_currency_and_amount_falls_back_to_its_transaction() -> None:
    found = parse_dispute({**data("dispute"), "currency": None, "refund_amount": None})

    assert (found.currency, found.refund_amount, found.transaction_amount) == ("NGN", None, 507615)


def test_a_settlement() -> None:
    made = parse_settlement(data("settlements")[0])

    assert (made.id, made.status, made.currency) == (3090024, "success", "NGN")
    assert (made.total_amount, made.total_fees, made.total_processed, made.deductions) == (
        985000, 15000, 1000000, 0,
    )  # fmt: skip
    assert made.settled_on == dt.date(2026, 11, 20)


def test_an_account_number_is_active_while_it_is_assigned() -> None:
    held = parse_dedicated_account(data("dedicated_account"))
    taken_back = parse_dedicated_account(data("dedicated_account_deactivated"))

    assert (held.account_number, held.account_name, held.bank_name, held.bank_slug) == (
        "0030000124", "NAMASKAH/ADA OBI", "Wema Bank", "wema-bank",
    )  # fmt: skip
    assert held.customer_code == "CUS_r7t2example"
    assert held.is_active
    assert not taken_back.is_active


@pytest.mark.parametrize(
    ("active", "expected"), [(True, True), (1, True), ("1", True), (0, False), (None, False)]
)
def test_yes_is_written_in_several_ways(active: Any, expected: bool) -> None:
    fields = {**data("dedicated_account"), "active": active}
    fields.pop("assigned")

    assert parse_dedicated_account(fields).is_active is expected


def test_totals_and_a_change_of_the_balance() -> None:
    totals, line = parse_totals(data("totals")), parse_balance_line(data("balance_ledger")[0])

    assert (totals.transactions, totals.volume_by_currency) == (42, {"NGN": 12000000, "USD": 600000})
    assert (line.difference, line.balance, line.subject, line.subject_id) == (
        -200000, 1185000, "Refund", 7700012,
    )  # fmt: skip


# Money: what is not as documented is refused.

NO_AMOUNT: list[Any] = [
    None,
    "",
    True,
    False,
    -1,
    "-1",
    1.5,
    Decimal("1.5"),
    Decimal("5.0"),
    "1.5",
    "1e3",
    "five",
    [1],
    {},
    2**63,
    "٣",
]
NO_ID: list[Any] = [*NO_AMOUNT, 0, "0"]
NO_CURRENCY: list[Any] = [None, "", "ngn", "NG", "NGNN", 566, True, ["NGN"], {}]
NO_REFERENCE: list[Any] = [None, "", 7, True, "a\x00b", "x" * 101, ["r"], "\ud800"]
NO_STATUS: list[Any] = [None, "", " ", True, ["success"], {}]


def refuses(parse: Callable[[Any], object], document: Any, field: str, values: list[Any]) -> list[Any]:
    """The values that were taken although they should not have been."""
    taken = []
    for value in values:
        try:
            parse({**document, field: value})
        except ValueError:
            continue
        taken.append(value)
    return taken


@pytest.mark.parametrize(
    ("parse", "name", "at", "fields"),
    [
        (parse_transaction, "verify", None, ["id", "amount", "currency", "reference", "status"]),
        (parse_refund, "refund", None, ["id", "amount", "currency", "status"]),
        (parse_dispute, "dispute", None, ["id", "status"]),
        (parse_settlement, "settlements", 0, ["id", "total_amount", "currency", "status"]),
        (parse_dedicated_account, "dedicated_account", None, ["id"]),
        (parse_bank, "banks", 0, ["id"]),
    ],
)
def test_what_money_hangs_on_must_be_what_is_documented(
    parse: Callable[[Any], object], name: str, at: int | None, fields: list[str]
) -> None:
    wrong: dict[str, list[Any]] = {
        "id": NO_ID, "amount": NO_AMOUNT, "total_amount": NO_AMOUNT, "currency": NO_CURRENCY, "reference": NO_REFERENCE,
        "status": NO_STATUS,
    }  # fmt: skip
    document = data(name) if at is None else data(name)[at]

    assert {field: refuses(parse, document, field, wrong[field]) for field in fields} == {
        field: [] for field in fields
    }
    for field in fields:
        without = {key: value for key, value in document.items() if key != field}
        with pytest.raises(ValueError, match=r"."):
            parse(without)


@pytest.mark.parametrize("field", ["requested_amount", "fees"])
def test_an_optional_amount_is_absent_or_right(field: str) -> None:
    document = data("verify")
    absent = [getattr(parse_transaction({**document, field: value}), field) for value in (None, "")]

    assert absent == [None, None]
    assert getattr(parse_transaction({**document, field: " 12 "}), field) == 12
    assert refuses(parse_transaction, document, field, [v for v in NO_AMOUNT if v not in (None, "")]) == []


@pytest.mark.parametrize(
    "parse",
    [
        parse_transaction, parse_refund, parse_dispute, parse_settlement, parse_dedicated_account, parse_totals,
        parse_balance_line, parse_bank,
    ],
)  # fmt: skip
@pytest.mark.parametrize("garbage", [None, "", "x", 0, 7, True, [], [1], {}, Decimal(1)])
def test_garbage_is_a_value_error(parse: Callable[[Any], object], garbage: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(garbage)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (None, {}),
        (0, {}),
        ("0", {}),
        ("{", {}),
        ("[1]", {}),
        ([1], {}),
        (True, {}),
        ('{"a":' * 100_000, {}),
    ],
)
def test_metadata_is_an_object_or_nothing(value: Any, expected: dict[str, Any]) -> None:
    assert payloads.metadata(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T10:12:31.000Z", at("2026-11-21T10:12:31")),
        ("2026-11-21T11:12:31+01:00", at("2026-11-21T10:12:31")),
        ("2026-11-21T10:12:31", at("2026-11-21T10:12:31")),
        ("2026-11-21 10:12:31", at("2026-11-21T10:12:31")),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (1795255862, None),
        (None, None),
    ],
)
def test_times_are_utc(text: Any, expected: dt.datetime | None) -> None:
    document = {**data("verify"), "paid_at": text}
    document.pop("paidAt")

    assert parse_transaction(document).paid_at == expected


def test_either_spelling_of_a_time_will_do() -> None:
    document = data("verify")
    document["paid_at"] = None

    assert parse_transaction(document).paid_at == at("2026-11-21T10:12:31")


def test_texts_fit_their_columns_and_the_database() -> None:
    made = parse_transaction(
        {**data("verify"), "gateway_response": "a\x00b\ud800" + "x" * 500, "channel": "c" * 99}
    )

    assert made.gateway_response == "ab" + "x" * 198
    assert len(made.channel) == 40


# Every mixture of the oddities that have been seen.

ODD_METADATA: st.SearchStrategy[Any] = st.sampled_from(
    [{}, {"intent": "x"}, "", None, 0, '{"intent": "x"}', "null", "[]", {"custom_fields": []}]
)
ODD_PLAN: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, "", {}, "PLN_x", {"id": 1, "plan_code": "PLN_x"}]
)
ODD_OBJECT: st.SearchStrategy[Any] = st.sampled_from([None, {}, "", 0, [], {"subaccount_code": None}])
ODD_TEXT: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "Approved", 0, {}, [], True, "x" * 999, "visa "]
) | st.text(max_size=20)
ODD_FEES: st.SearchStrategy[Any] = st.sampled_from([None, 17500, "17500", 0, ""])
ODD_CUSTOMER: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, {}, "", 7, [],
        {"id": 77001, "customer_code": "CUS_x", "email": "ada@example.com", "risk_action": "default"},
        {"id": "77001", "customer_code": None, "email": None, "metadata": ""},
    ]
)  # fmt: skip
ODD_AUTHORIZATION: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, {}, "", [], 0, data("verify")["authorization"], data("verify_dedicated_account")["authorization"],
        {"authorization_code": "AUTH_x", "last4": "XXXX", "exp_month": "XX", "exp_year": "", "reusable": None},
        {"authorization_code": None, "exp_month": 13, "exp_year": 31, "bank": 44, "reusable": "yes"},
    ]
)  # fmt: skip


@given(
    amount=st.integers(0, 2**63 - 1),
    as_text=st.booleans(),
    id_=st.integers(1, 2**63 - 1),
    id_as_text=st.booleans(),
    requested=st.none() | st.integers(0, 2**63 - 1),
    left_out=st.sets(
        st.sampled_from(
            ["requested_amount", "fees", "metadata", "plan", "split", "log", "customer", "authorization", "channel"]
        )
    ),
    odd=st.fixed_dictionaries(
        {
            "metadata": ODD_METADATA, "plan": ODD_PLAN, "split": ODD_OBJECT, "subaccount": ODD_OBJECT, "log": ODD_OBJECT,
            "fees": ODD_FEES, "customer": ODD_CUSTOMER, "authorization": ODD_AUTHORIZATION, "channel": ODD_TEXT,
            "message": ODD_TEXT, "gateway_response": ODD_TEXT, "domain": ODD_TEXT, "paid_at": ODD_TEXT,
            "ip_address": ODD_TEXT, "source": ODD_OBJECT, "plan_object": ODD_OBJECT, "fees_split": ODD_OBJECT,
        }
    ),
)  # fmt: skip
def test_a_transaction_survives_every_mixture_of_oddities(
    amount: int,
    as_text: bool,
    id_: int,
    id_as_text: bool,
    requested: int | None,
    left_out: set[str],
    odd: dict[str, Any],
) -> None:
    document = {
        **data("verify"), **odd, "id": str(id_) if id_as_text else id_, "amount": str(amount) if as_text else amount,
        "requested_amount": requested,
    }  # fmt: skip
    document = {key: value for key, value in document.items() if key not in left_out}

    made = parse_transaction(json.loads(json.dumps(document), parse_float=Decimal))

    assert (made.id, made.amount, made.currency, made.reference) == (
        id_, amount, "NGN", data("verify")["reference"],
    )  # fmt: skip
    assert made.requested_amount == (None if "requested_amount" in left_out else requested)
    assert made.fees in (None, 0, 17500)
    assert isinstance(made.metadata, dict)
    assert made.authorization.is_reusable == (
        made.authorization.code == "AUTH_w4n8q2example"  # the only one of the list that says so
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    parse=st.sampled_from(
        [
            parse_transaction, parse_refund, parse_dispute, parse_settlement, parse_dedicated_account, parse_bank,
        ]
    ),
    start=st.sampled_from(["verify", "refund", "dispute", "dedicated_account"]),
    changes=st.dictionaries(
        st.sampled_from(
            [*data("verify"), *data("refund"), *data("dispute"), *data("dedicated_account"), "deductions", "total_amount"]
        ),
        JSON,
        max_size=6,
    ),
)  # fmt: skip
def test_nothing_but_a_value_error_ever_comes_out(
    parse: Callable[[Any], object], start: str, changes: dict[str, Any]
) -> None:
    try:
        made = parse({**data(start), **changes})
    except ValueError:
        return
    assert getattr(made, "id") > 0  # noqa: B009 - each of the results has one


def test_no_secret_of_a_transaction_shows_in_its_repr() -> None:
    shown = repr(parse_transaction(data("verify"))) + repr(
        parse_transaction(data("verify_dedicated_account"))
    )

    for secret in ("AUTH_", "SIG_", "ada@example.com", "ADA OBI"):
        assert secret not in shown
