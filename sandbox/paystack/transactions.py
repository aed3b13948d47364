"""`/transaction…`: open, ask, list, charge a saved card."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.paystack import payments, shapes
from sandbox.paystack.calls import Call, by_cursor, by_page, ok
from sandbox.paystack.errors import PROCESSOR, ApiError, not_found
from sandbox.paystack.integration import Integration
from sandbox.paystack.records import Payment
from sandbox.replies import Reply

REFERENCE = re.compile(r"[A-Za-z0-9.=-]+")
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
CHANNELS = frozenset(
    [
        "card",
        "bank",
        "ussd",
        "qr",
        "eft",
        "mobile_money",
        "bank_transfer",
        "apple_pay",
        "capitec_pay",
        "payattitude",
    ]
)
MINIMUM = {"NGN": 5000, "GHS": 10, "KES": 300, "ZAR": 100, "USD": 200, "XOF": 100, "EGP": 100, "RWF": 100}
TRANSFER_MINIMUM = 10_000


def initialize(integration: Integration, call: Call) -> Reply:
    """`POST /transaction/initialize`."""
    email, amount, currency = _payer(integration, call)
    channels = call.body.get("channels")
    if channels is not None and (not isinstance(channels, list) or not set(map(str, channels)) <= CHANNELS):
        raise ApiError("Invalid channels passed", code="invalid_channels")
    if currency == "NGN" and "bank_transfer" in (channels or ()) and amount < TRANSFER_MINIMUM:
        raise ApiError(
            "Pay with transfer is not currently supported for transactions less than NGN 100.00",
            code="invalid_amount",
        )
    reference = _reference(call, integration)
    if reference in integration.books.by_reference:
        raise ApiError(
            "Duplicate Transaction Reference", code="duplicate_reference", next_step="Use another reference"
        )
    payment = payments.start(
        integration,
        reference=reference,
        email=email,
        amount=amount,
        currency=currency,
        domain=call.domain,
        callback_url=call.text("callback_url"),
        metadata=_metadata(call),
    )
    return ok("Authorization URL created", _checkout(call, payment))


def verify(integration: Integration, call: Call) -> Reply:
    """`GET /transaction/verify/{reference}`."""
    payment = integration.books.by_reference.get(call.path["reference"])
    if payment is None:
        raise not_found("Transaction reference not found.", "transaction_not_found", status=400)
    return ok("Verification successful", shapes.for_verify(integration, payment))


def fetch(integration: Integration, call: Call) -> Reply:
    """`GET /transaction/{id}`."""
    payment = integration.books.payments.get(call.id())
    if payment is None:
        raise not_found("Transaction ID or reference is invalid", "transaction_not_found", status=400)
    return ok("Transaction retrieved", shapes.for_fetch(integration, payment))


def listing(integration: Integration, call: Call) -> Reply:
    """`GET /transaction`, newest first, by page or by cursor."""
    rows = _chosen(integration, call)
    message = "Transactions retrieved"
    if call.query.get("use_cursor") in {"true", "1"} or call.query.get("next"):
        # The first page says there is nothing before it with null, or with the text "null".
        nothing_before = "null" if integration.happens(0.5) else None
        page, meta = by_cursor(call, rows, lambda row: row.id, nothing_before=nothing_before)
        return ok(message, [shapes.for_list(integration, row) for row in page], meta=meta)
    page, meta = by_page(call, rows)
    meta["total_volume"] = sum(row.amount for row in rows)
    return ok(message, [shapes.for_list(integration, row) for row in page], meta=meta)


def totals(integration: Integration, call: Call) -> Reply:
    """`GET /transaction/totals`, of what was paid."""
    paid = [payment for payment in _in_period(integration, call) if payment.status == "success"]
    volumes: dict[str, int] = {}
    for payment in paid:
        volumes[payment.currency] = volumes.get(payment.currency, 0) + payment.amount
    return ok(
        "Transaction totals",
        {
            "total_transactions": len(paid),
            "total_volume": sum(volumes.values()),
            "total_volume_by_currency": [
                {"currency": currency, "amount": amount} for currency, amount in volumes.items()
            ],
            "pending_transfers": 0,
            "pending_transfers_by_currency": [],
        },
    )


def charge_authorization(integration: Integration, call: Call) -> Reply:
    """`POST /transaction/charge_authorization`; also a refused card is answered with 200."""
    email, amount, currency = _payer(integration, call)
    code = call.text("authorization_code", required=True)
    known = integration.books.authorizations.get(code)
    if known is None:
        raise ApiError("Authorization code is invalid", code="invalid_authorization")
    if not known.is_active or known.email != email:
        raise ApiError(
            "Email does not match Authorization code. Authorization may be inactive or belong to a different "
            "email. Please confirm.",
            code="invalid_authorization",
        )
    reference = _reference(call, integration)
    if reference in integration.books.by_reference:
        raise ApiError("Duplicate charge request for reference", code="duplicate_reference")
    outcome = integration.config.charge_outcome
    if outcome in {"expired_card", "denied"}:
        # Nothing is kept of a charge that is refused this way; its reference stays free.
        sentence = "Expired Card" if outcome == "expired_card" else "Denied by fraud system"
        raise ApiError(sentence, code=outcome, kind=PROCESSOR)
    payment = payments.start(
        integration,
        reference=reference,
        email=email,
        amount=amount,
        currency=currency,
        domain=call.domain,
        metadata=_metadata(call),
    )
    payment.is_charge = True
    return _charge(integration, call, payment, code)


def _charge(integration: Integration, call: Call, payment: Payment, code: str) -> Reply:
    now = integration.clock.now()
    payment.authorization = known = integration.books.authorizations[code]
    match integration.config.charge_outcome:
        case "declined":
            payments.fail(payment, "Declined", "Declined")
        case "insufficient_funds":
            payments.fail(payment, "Insufficient Funds", "Insufficient Funds")
        case "paused":
            payment.status, payment.gateway_response = "ongoing", "Awaiting authentication"
            message = "Please, redirect your customer to the authorization url provided"
            return ok(message, {**_checkout(call, payment), "paused": True})
        case "pending":
            payments.await_bank(payment, "card")
            due = now + integration.config.bank_transfer_s
            integration.plan(due, lambda at: payments.succeed(integration, payment, at, authorization=known))
        case _:
            payments.succeed(integration, payment, now, authorization=known)
    return ok("Charge attempted", shapes.for_charge(integration, payment))


def _payer(integration: Integration, call: Call) -> tuple[str, int, str]:
    email = call.text("email", required=True)
    if not EMAIL.fullmatch(email):
        raise ApiError("Invalid Email Address Passed", code="invalid_email_address")
    amount = call.amount()
    currency = call.text("currency") or integration.config.currencies[0]
    if currency not in integration.config.currencies:
        raise ApiError("Currency not supported by merchant", code="unsupported_currency")
    if amount < MINIMUM[currency]:
        raise ApiError("Invalid Amount Sent", code="invalid_amount")
    return email, amount, currency


def _reference(call: Call, integration: Integration) -> str:
    reference = call.text("reference") or integration.token(10)
    if not REFERENCE.fullmatch(reference):
        raise ApiError("Invalid character in transaction reference", code="invalid_reference")
    return reference


def _metadata(call: Call) -> Any:
    sent = call.body.get("metadata")
    if not isinstance(sent, str) or not sent:
        return sent
    try:
        return json.loads(sent)
    except ValueError:
        raise ApiError("Invalid metadata passed", code="invalid_metadata") from None


def _checkout(call: Call, payment: Payment) -> dict[str, Any]:
    return {
        "authorization_url": f"{call.base_url}/checkout/{payment.access_code}",
        "access_code": payment.access_code,
        "reference": payment.reference,
    }


def _in_period(integration: Integration, call: Call) -> list[Payment]:
    start, end = call.period()
    by_paid = integration.config.list_time == "paid"
    found = []
    for payment in reversed(integration.books.payments.values()):
        at = payment.paid_at if by_paid and payment.paid_at is not None else payment.created_at
        # Compared as it is shown, cut to milliseconds.
        if start <= int(at * 1000) / 1000 <= end:
            found.append(payment)
    return found


def _chosen(integration: Integration, call: Call) -> Sequence[Payment]:
    query = call.query
    rows = _in_period(integration, call)
    tests: dict[str, Callable[[Payment], str]] = {
        "status": lambda row: row.status,
        "channel": lambda row: row.channel,
        "amount": lambda row: str(row.amount),
        "customer": lambda row: str(row.customer.id),
        "customer_code": lambda row: row.customer.code,
        "settlement": lambda row: str(row.settlement_id or ""),
    }
    for name, value_of in tests.items():
        if wanted := query.get(name):
            rows = [row for row in rows if value_of(row) == wanted]
    if number := query.get("virtual_account_number"):
        rows = [row for row in rows if _receiver(row) == number]
    return rows


def _receiver(payment: Payment) -> str | None:
    transfer = payment.authorization.transfer if payment.authorization else None
    return transfer["receiver_bank_account_number"] if transfer else None
