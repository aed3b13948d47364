"""Paystack's JSON into plain values: strict where money is concerned, tolerant elsewhere.

Ids, amounts, currencies, references and statuses must be what they are documented to be; everything else may be missing,
null, of another type or too long, and becomes empty or is cut. Source: docs/providers/paystack.md, "Shapes"
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from billing.paystack.base import (
    Authorization,
    BalanceLine,
    Bank,
    DedicatedAccountFact,
    DisputeFact,
    RefundFact,
    SettlementFact,
    Totals,
    Transaction,
)

LONGEST_REFERENCE = 100
_LARGEST = 2**63 - 1  # what a database column takes
_CURRENCY = re.compile(r"[A-Z]{3}")
_WHOLE = re.compile(r"[0-9]{1,19}")
_SIGNED = re.compile(r"-?[0-9]{1,19}")
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # PostgreSQL takes no NUL, UTF-8 no half of a pair

Fields = Mapping[str, Any]


def parse_transaction(document: Any) -> Transaction:
    """A transaction from verify, fetch, a list, a charge or the body of a webhook.

    Raises:
        ValueError: What the money hangs on is missing or not what was documented.
    """
    fields = _object(document, "transaction")
    customer = _mapping(fields.get("customer"))
    return Transaction(
        id=_id(fields),
        reference=_reference(fields),
        status=_status(fields),
        domain=_text(fields, "domain", 10),
        currency=_currency(fields),
        amount=_amount(fields, "amount"),
        requested_amount=_amount_or_none(fields, "requested_amount"),
        fees=_amount_or_none(fields, "fees"),
        channel=_text(fields, "channel", 40),
        message=_text(fields, "message", 200),
        gateway_response=_text(fields, "gateway_response", 200),
        paid_at=_moment(fields, "paid_at", "paidAt"),
        created_at=_moment(fields, "created_at", "createdAt", "transaction_date"),
        customer_code=_text(customer, "customer_code", 60),
        customer_email=_text(customer, "email", 254),
        authorization=_authorization(_mapping(fields.get("authorization"))),
        metadata=metadata(fields.get("metadata")),
    )


def parse_refund(document: Any) -> RefundFact:
    """A refund; its transaction comes as an object, as an id, or not at all.

    Raises:
        ValueError: As for a transaction.
    """
    fields = _object(document, "refund")
    paid = _mapping(fields.get("transaction"))
    return RefundFact(
        id=_id(fields),
        status=_status(fields),
        amount=_amount(fields, "amount"),
        currency=_currency(fields),
        transaction_id=_id_or_none(paid.get("id") if paid else fields.get("transaction")),
        transaction_reference=_text(fields, "transaction_reference", LONGEST_REFERENCE)
        or _text(paid, "reference", LONGEST_REFERENCE),
        merchant_note=_text(fields, "merchant_note", 500),
        created_at=_moment(fields, "createdAt", "created_at"),
    )


def parse_dispute(document: Any) -> DisputeFact:
    """A dispute; its transaction comes as an object, or as an id in the answer to resolving it.

    Raises:
        ValueError: As for a transaction.
    """
    fields = _object(document, "dispute")
    paid = _mapping(fields.get("transaction"))
    return DisputeFact(
        id=_id(fields),
        status=_status(fields),
        currency=_currency(fields if fields.get("currency") else paid),
        refund_amount=_amount_or_none(fields, "refund_amount"),
        resolution=_text(fields, "resolution", 40),
        category=_text(fields, "category", 40),
        due_at=_moment(fields, "dueAt", "due_at"),
        created_at=_moment(fields, "createdAt", "created_at"),
        resolved_at=_moment(fields, "resolvedAt", "resolved_at"),
        transaction_id=_id_or_none(paid.get("id") if paid else fields.get("transaction")),
        transaction_reference=_text(paid, "reference", LONGEST_REFERENCE)
        or _text(fields, "transaction_reference", LONGEST_REFERENCE)
        or _text(fields, "merchant_transaction_reference", LONGEST_REFERENCE),
        transaction_amount=_amount_or_none(paid, "amount"),
    )


def parse_settlement(document: Any) -> SettlementFact:
    """A payout to our bank.

    Raises:
        ValueError: As for a transaction.
    """
    fields = _object(document, "settlement")
    settled_at = _moment(fields, "settlement_date")
    return SettlementFact(
        id=_id(fields),
        status=_status(fields),
        currency=_currency(fields),
        total_amount=_amount(fields, "total_amount"),
        total_fees=_amount_or_none(fields, "total_fees") or 0,
        total_processed=_amount_or_none(fields, "total_processed") or 0,
        deductions=_amount_or_none(fields, "deductions") or 0,
        settled_on=settled_at.date() if settled_at else None,
    )


def parse_dedicated_account(document: Any) -> DedicatedAccountFact:
    """A bank account number of a customer.

    Raises:
        ValueError: It has no id or no account number.
    """
    fields = _object(document, "dedicated account")
    bank, customer = _mapping(fields.get("bank")), _mapping(fields.get("customer"))
    number = _text(fields, "account_number", 20)
    if not number:
        raise ValueError("account_number is missing")
    return DedicatedAccountFact(
        id=_id(fields),
        account_number=number,
        account_name=_text(fields, "account_name", 120),
        bank_name=_text(bank, "name", 100),
        bank_slug=_text(bank, "slug", 60),
        customer_code=_text(customer, "customer_code", 60),
        # A number that was taken back stays `active` and loses `assigned`.
        is_active=_yes(fields.get("active")) and _yes(fields.get("assigned", True)),
    )


def parse_bank(document: Any) -> Bank:
    """A bank of a country.

    Raises:
        ValueError: It has no id or no name.
    """
    fields = _object(document, "bank")
    name = _text(fields, "name", 100)
    if not name:
        raise ValueError("name is missing")
    is_active = _yes(fields.get("active", True)) and not _yes(fields.get("is_deleted"))
    return Bank(id=_id(fields), name=name, is_active=is_active)


def parse_totals(document: Any) -> Totals:
    """What Paystack counts in a period.

    Raises:
        ValueError: A count or an amount is not one.
    """
    fields = _object(document, "totals")
    by_currency = fields.get("total_volume_by_currency")
    if not isinstance(by_currency, list):
        raise ValueError("total_volume_by_currency is no list")
    rows = [_object(row, "volume") for row in by_currency]
    return Totals(
        transactions=_amount(fields, "total_transactions"),
        volume_by_currency={_currency(row): _amount(row, "amount") for row in rows},
    )


def parse_balance_line(document: Any) -> BalanceLine:
    """One change of our balance.

    Raises:
        ValueError: As for a transaction.
    """
    fields = _object(document, "balance line")
    return BalanceLine(
        id=_id(fields),
        currency=_currency(fields),
        difference=_whole(fields, "difference", _SIGNED),
        balance=_whole(fields, "balance", _SIGNED),
        reason=_text(fields, "reason", 200),
        subject=_text(fields, "model_responsible", 40),
        subject_id=_id_or_none(fields.get("model_row")),
        created_at=_moment(fields, "createdAt", "created_at"),
    )


def id_of(document: Any) -> int | None:
    """The id of something of which nothing else is asked; None when there is none."""
    return _id_or_none(_mapping(document).get("id"))


def metadata(value: Any) -> dict[str, Any]:
    """What we gave with a transaction: comes back as an object, its JSON text, `""`, `0` or null. Decides nothing."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _authorization(fields: Fields) -> Authorization:
    return Authorization(
        code=_text(fields, "authorization_code", 200),
        signature=_text(fields, "signature", 200),
        channel=_text(fields, "channel", 40),
        brand=_text(fields, "brand", 40) or _text(fields, "card_type", 40),
        last4=_text(fields, "last4", 4),
        exp_month=_number(fields.get("exp_month"), 1, 12),
        exp_year=_number(fields.get("exp_year"), 2000, 2199),
        bank=_text(fields, "bank", 100),
        country_code=_text(fields, "country_code", 2),
        is_reusable=_yes(fields.get("reusable")),
        sender_name=_text(fields, "sender_name", 120),
        sender_bank=_text(fields, "sender_bank", 100),
        receiver_account_number=_text(fields, "receiver_bank_account_number", 20),
    )


# Strict: what the money hangs on ----------------------------------------------------------------------------------


def _object(value: Any, what: str) -> Fields:
    if not isinstance(value, dict):
        raise ValueError(f"the {what} is no object")
    return value


def _whole(fields: Fields, name: str, form: re.Pattern[str] = _WHOLE) -> int:
    """An integer, or its digits as text. No fraction, no truth value: who sends those means something else."""
    value = fields.get(name)
    if isinstance(value, str) and form.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST:
        raise ValueError(f"{name} is no whole number")
    if value < 0 and form is _WHOLE:
        raise ValueError(f"{name} is negative")
    return value


def _amount(fields: Fields, name: str) -> int:
    return _whole(fields, name)


def _amount_or_none(fields: Fields, name: str) -> int | None:
    return None if fields.get(name) in (None, "") else _whole(fields, name)


def _id(fields: Fields) -> int:
    value = _whole(fields, "id")
    if value == 0:
        raise ValueError("id is zero")
    return value


def _currency(fields: Fields) -> str:
    value = fields.get("currency")
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise ValueError("currency is no code of three letters")
    return value


def _reference(fields: Fields) -> str:
    value = fields.get("reference")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_REFERENCE or _UNFIT.search(value):
        raise ValueError("reference is missing or unfit")
    return value


def _status(fields: Fields) -> str:
    status = _text(fields, "status", 40)
    if not status:
        raise ValueError("status is missing")
    return status


# Tolerant: the rest ----------------------------------------------------------------------------------------------


def _mapping(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}


def _id_or_none(value: Any) -> int | None:
    try:
        return _id({"id": value})
    except ValueError:
        return None


def _text(fields: Fields, name: str, longest: int) -> str:
    """A string or number as text, without what a database refuses, cut to its column."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return _UNFIT.sub("", str(value) if isinstance(value, int) else value).strip()[:longest]


def _number(value: Any, least: int, most: int) -> int | None:
    number = _id_or_none(value)
    return number if number is not None and least <= number <= most else None


def _yes(value: Any) -> bool:
    return value in (True, 1, "1", "true")


def _moment(fields: Fields, *names: str) -> dt.datetime | None:
    """The first of the names that holds a time, as aware UTC; Paystack's times are UTC also where the `Z` is missing."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            try:
                parsed = dt.datetime.fromisoformat(value.strip())
                aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)
                return aware.astimezone(dt.UTC)
            except (ValueError, OverflowError):
                continue
    return None
