"""What the integration knows, for `GET /_sandbox/state`: the oracle of tests."""

from collections import Counter
from typing import Any

from sandbox.paystack.integration import Integration
from sandbox.paystack.records import PAID, Account, Dispute, Payment, Refund, Settlement
from sandbox.paystack.shapes import time_of


def describe(integration: Integration, *, with_rows: bool) -> dict[str, Any]:
    """Counters, and every row since the last reset unless they are not wanted."""
    integration.catch_up()
    books = integration.books
    payments = books.payments.values()
    deliveries = books.outbox.deliveries
    shown: dict[str, Any] = {
        "counters": {
            "requests": dict(books.calls),
            "refused": dict(books.refusals),
            "transactions": dict(Counter(payment.status for payment in payments)),
            "refunds": dict(Counter(refund.status for refund in books.refunds.values())),
            "webhooks": dict(Counter(delivery.status for delivery in deliveries)),
        },
        "balances": dict(books.balances),
        "paid": dict(_paid(list(payments))),
    }
    if with_rows:
        shown |= {
            "transactions": [_payment(row) for row in payments],
            "refunds": [_refund(row) for row in books.refunds.values()],
            "disputes": [_dispute(row) for row in books.disputes.values()],
            "accounts": [_account(row) for row in books.accounts.values()],
            "settlements": [_settlement(row) for row in books.settlements.values()],
            "authorizations": [
                {
                    "code": made.code,
                    "signature": made.signature,
                    "email": made.email,
                    "active": made.is_active,
                }
                for made in books.authorizations.values()
            ],
            "webhooks": [delivery.as_json() for delivery in deliveries],
        }
    return shown


def _paid(payments: list[Payment]) -> Counter[str]:
    """What customers truly paid, by currency."""
    totals: Counter[str] = Counter()
    for payment in payments:
        if payment.status in PAID:
            totals[payment.currency] += payment.amount
    return totals


def _payment(row: Payment) -> dict[str, Any]:
    return {
        "id": row.id,
        "reference": row.reference,
        "status": row.status,
        "domain": row.domain,
        "currency": row.currency,
        "asked": row.asked,
        "amount": row.amount,
        "requested_amount": row.requested_amount,
        "paid": row.amount if row.status in PAID else 0,
        "fees": row.fees,
        "returned": row.returned,
        "channel": row.channel,
        "email": row.customer.email,
        "access_code": row.access_code,
        "is_charge": row.is_charge,
        "settlement": row.settlement_id,
        "created_at": time_of(row.created_at),
        "paid_at": time_of(row.paid_at),
    }


def _refund(row: Refund) -> dict[str, Any]:
    return {
        "id": row.id,
        "reference": row.payment.reference,
        "transaction": row.payment.id,
        "status": row.status,
        "amount": row.amount,
        "currency": row.currency,
        "merchant_note": row.merchant_note,
        "customer_note": row.customer_note,
        "created_at": time_of(row.created_at),
    }


def _dispute(row: Dispute) -> dict[str, Any]:
    return {
        "id": row.id,
        "reference": row.payment.reference,
        "transaction": row.payment.id,
        "status": row.status,
        "resolution": row.resolution,
        "amount": row.amount,
        "currency": row.payment.currency,
        "category": row.category,
        "evidence": row.evidence,
        "attachments": row.attachments,
        "due_at": time_of(row.due_at),
    }


def _account(row: Account) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_number": row.number,
        "account_name": row.name,
        "bank": row.bank["slug"],
        "email": row.customer.email,
        "customer_code": row.customer.code,
        "active": row.is_active,
    }


def _settlement(row: Settlement) -> dict[str, Any]:
    return {
        "id": row.id,
        "domain": row.domain,
        "currency": row.currency,
        "processed": row.processed,
        "fees": row.fees,
        "deductions": row.deductions,
        "paid_out": row.paid_out,
        "transactions": [payment.id for payment in row.payments],
        "settled_at": time_of(row.settled_at),
    }
