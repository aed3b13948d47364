"""Payments on the wire. Each call shows them a little differently, as Paystack does."""

import json
from typing import Any

from sandbox.clock import rfc3339
from sandbox.paystack.integration import Integration
from sandbox.paystack.records import Authorization, Customer, Payment

ADDRESS = "203.0.113.9"
PLAN = {
    "id": 1043,
    "name": "Monthly",
    "plan_code": "PLN_gx2wn530m0i3w3m",
    "description": None,
    "amount": 100_000,
    "interval": "monthly",
    "send_invoices": True,
    "send_sms": True,
    "currency": "NGN",
}
_ODD_PLANS: tuple[Any, ...] = (None, 0, "", {}, PLAN["plan_code"], PLAN)


def time_of(at: float | None) -> str | None:
    """`2026-01-05T10:12:31.000Z`, or null."""
    return None if at is None else rfc3339(at, "milliseconds")


def metadata_of(integration: Integration, payment: Payment) -> Any:
    """The metadata in the configured one of the five shapes."""
    sent = payment.metadata
    match integration.config.metadata_shape:
        case "empty_string":
            return ""
        case "null":
            return None
        case "zero":
            return 0
        case "json_string":
            return json.dumps(sent or {})
    return "" if sent is None else sent


def authorization(made: Authorization | None, *, full: bool = True) -> dict[str, Any]:
    """The instrument; nothing at all while nobody has paid."""
    if made is None:
        return {}
    shown: dict[str, Any] = {
        "authorization_code": made.code,
        "bin": made.bin,
        "last4": made.last4,
        "exp_month": made.exp_month,
        "exp_year": made.exp_year,
        "channel": made.channel,
        "card_type": made.card_type,
        "bank": made.bank,
        "country_code": made.country_code,
        "brand": made.brand,
        "reusable": made.reusable,
        "signature": made.signature if made.signature is not None else "",
        "account_name": None,
    }
    if full:
        shown |= made.transfer or {"receiver_bank_account_number": None, "receiver_bank": None}
    return shown


def customer(known: Customer, *, metadata: Any = None) -> dict[str, Any]:
    """Whoever pays."""
    return {
        "id": known.id,
        "first_name": known.first_name,
        "last_name": known.last_name,
        "email": known.email,
        "customer_code": known.code,
        "phone": known.phone,
        "metadata": metadata,
        "risk_action": "default",
        "international_format_phone": None,
    }


def for_verify(integration: Integration, payment: Payment) -> dict[str, Any]:
    """`data` of verify."""
    shown = _common(integration, payment) | {
        "receipt_number": None,
        "order_id": None,
        "requested_amount": payment.requested_amount,
        "pos_transaction_data": None,
        "source": None,
        "fees_breakdown": None,
        "connect": None,
        "transaction_date": time_of(payment.created_at),
        "plan_object": {},
        "subaccount": {},
        "split": {},
        "plan": None,
    }
    return _oddly(integration, payment, shown)


def for_fetch(integration: Integration, payment: Payment) -> dict[str, Any]:
    """`data` of a transaction by its id."""
    shown = for_verify(integration, payment) | {
        "helpdesk_link": None,
        "source": _source(payment),
        "customer": customer(payment.customer, metadata={}),
    }
    if not integration.config.odd_shapes:
        shown["plan"] = {}
    return shown


def for_list(integration: Integration, payment: Payment) -> dict[str, Any]:
    """A row of the list."""
    shown = _common(integration, payment) | {
        "requested_amount": payment.requested_amount,
        "order_id": None,
        "source": _source(payment) | {"entry_point": "transaction_initialize"},
        "connect": None,
        "pos_transaction_data": None,
        "plan": {},
        "subaccount": {},
        "split": {},
    }
    return _oddly(integration, payment, shown)


def for_charge(integration: Integration, payment: Payment) -> dict[str, Any]:
    """`data` of a charge: a short transaction, without `requested_amount`."""
    shown = _common(integration, payment)
    return shown | {
        "authorization": authorization(payment.authorization, full=False),
        "transaction_date": time_of(payment.created_at),
        "plan": None,
        "ip_address": None,
        "metadata": metadata_of(integration, payment),
    }


def for_webhook(integration: Integration, payment: Payment) -> dict[str, Any]:
    """`data` of `charge.success`."""
    shown = _common(integration, payment) | {
        "requested_amount": payment.requested_amount,
        "log": None,
        "gateway_response": "Approved",
        "plan": {},
        "subaccount": {},
        "split": {},
        "order_id": None,
        "source": _source(payment) | {"entry_point": "transaction_initialize"},
        "fees_breakdown": None,
    }
    return _oddly(integration, payment, shown)


def _common(integration: Integration, payment: Payment) -> dict[str, Any]:
    paid_at, created_at = time_of(payment.paid_at), time_of(payment.created_at)
    return {
        "id": payment.id,
        "domain": payment.domain,
        "status": payment.status,
        "reference": payment.reference,
        "amount": payment.amount,
        "message": payment.message,
        "gateway_response": payment.gateway_response,
        "paid_at": paid_at,
        "created_at": created_at,
        "paidAt": paid_at,
        "createdAt": created_at,
        "channel": payment.channel,
        "currency": payment.currency,
        "ip_address": ADDRESS,
        "metadata": metadata_of(integration, payment),
        "log": _log(payment),
        "fees": payment.fees,
        "fees_split": None,
        "authorization": authorization(payment.authorization),
        "customer": customer(payment.customer),
    }


def _source(payment: Payment) -> dict[str, Any]:
    return {"type": "api", "source": "merchant_api", "identifier": None}


def _log(payment: Payment) -> dict[str, Any] | None:
    if payment.paid_at is None:
        return None
    spent = int(payment.paid_at - payment.created_at)
    return {
        "start_time": int(payment.created_at),
        "time_spent": spent,
        "attempts": 1,
        "errors": 0,
        "success": True,
        "mobile": False,
        "input": [],
        "history": [{"type": "success", "message": f"Paid with {payment.channel}", "time": spent}],
    }


def _oddly(integration: Integration, payment: Payment, shown: dict[str, Any]) -> dict[str, Any]:
    """With `odd_shapes` each payment is odd in its own way, the same at every look."""
    if not integration.config.odd_shapes:
        return shown
    number = payment.id
    shown["plan"] = _ODD_PLANS[number % len(_ODD_PLANS)]
    if number % 2:
        shown["ip_address"] = f"{ADDRESS}, 198.51.100.7, 10.0.0.1"
    if payment.requested_amount == payment.amount and number % 3:
        # Told only where it says nothing new, as on older records.
        if number % 3 == 1:
            shown["requested_amount"] = None
        else:
            del shown["requested_amount"]
    if number % 5 == 0:
        shown["channel"] = None
    if number % 7 == 0:
        shown["fees"] = None
    return shown
