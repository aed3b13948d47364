"""`/settlement…` and `/balance…`: what was paid out, and why the balance is what it is."""

from typing import Any

from sandbox.paystack import shapes
from sandbox.paystack.calls import Call, by_page, ok
from sandbox.paystack.errors import not_found
from sandbox.paystack.integration import INTEGRATION_ID, Integration
from sandbox.paystack.records import PAID, Dispute, Payment, Refund, Settlement
from sandbox.replies import Reply


def settle(integration: Integration) -> list[Settlement]:
    """Pay out everything that was not paid out yet: one settlement for each currency and mode.

    Refunds and lost disputes are deducted as far as the money goes; the rest waits for the next settlement.
    """
    groups: dict[tuple[str, str], list[Payment]] = {}
    for payment in integration.books.payments.values():
        if payment.status in PAID and payment.settlement_id is None:
            groups.setdefault((payment.domain, payment.currency), []).append(payment)
    return [_pay_out(integration, domain, currency, rows) for (domain, currency), rows in groups.items()]


def _pay_out(integration: Integration, domain: str, currency: str, rows: list[Payment]) -> Settlement:
    at = integration.clock.now()
    processed = sum(row.amount for row in rows)
    fees = sum(row.fees or 0 for row in rows)
    settlement = Settlement(
        id=integration.next_id(),
        domain=domain,
        currency=currency,
        processed=processed,
        fees=fees,
        deductions=_deduct(integration, domain, currency, processed - fees),
        settled_at=at,
        payments=rows,
    )
    integration.books.settlements[settlement.id] = settlement
    for row in rows:
        row.settlement_id = settlement.id
    integration.books.move(
        domain=domain,
        currency=currency,
        difference=-settlement.paid_out,
        reason="Settlement",
        model="Settlement",
        row=settlement.id,
        at=at,
    )
    return settlement


def _deduct(integration: Integration, domain: str, currency: str, available: int) -> int:
    """Take back what went to customers since, whole rows at a time, oldest first."""
    books = integration.books
    taken = 0
    returned: list[Refund | Dispute] = [row for row in books.refunds.values() if row.status == "processed"]
    returned += [row for row in books.disputes.values() if row.is_lost]
    for row in sorted(returned, key=lambda row: row.id):
        theirs = (row.payment.domain, row.payment.currency) == (domain, currency)
        if theirs and not row.is_settled and taken + row.amount <= available:
            row.is_settled = True
            taken += row.amount
    return taken


def listing(integration: Integration, call: Call) -> Reply:
    """`GET /settlement`, newest first; `data` is a list."""
    start, end = call.period()
    rows = [
        row
        for row in reversed(integration.books.settlements.values())
        if start <= int(row.settled_at * 1000) / 1000 <= end
    ]
    page, meta = by_page(call, rows)
    return ok("Settlements retrieved", [_shown(row) for row in page], meta=meta)


def transactions(integration: Integration, call: Call) -> Reply:
    """`GET /settlement/{id}/transactions`."""
    settlement = integration.books.settlements.get(call.id())
    if settlement is None:
        raise not_found("Settlement not found", "settlement_not_found")
    page, meta = by_page(call, settlement.payments)
    meta |= {"total_volume": settlement.processed, "total_fees": settlement.fees}
    return ok("Transactions retrieved", [shapes.for_list(integration, row) for row in page], meta=meta)


def balance(integration: Integration, call: Call) -> Reply:
    """`GET /balance`."""
    books = integration.books
    rows = [
        {"currency": currency, "balance": books.balances[currency]}
        for currency in integration.config.currencies
    ]
    return ok("Balances retrieved", rows)


def ledger(integration: Integration, call: Call) -> Reply:
    """`GET /balance/ledger`, newest first."""
    start, end = call.period()
    rows = [line for line in reversed(integration.books.ledger) if start <= int(line.at * 1000) / 1000 <= end]
    page, meta = by_page(call, rows)
    shown = [
        {
            "integration": INTEGRATION_ID,
            "domain": line.domain,
            "balance": line.balance,
            "currency": line.currency,
            "difference": line.difference,
            "reason": line.reason,
            "model_responsible": line.model,
            "model_row": line.row,
            "id": line.id,
            "createdAt": shapes.time_of(line.at),
            "updatedAt": shapes.time_of(line.at),
        }
        for line in page
    ]
    return ok("Balance ledger retrieved", shown, meta=meta)


def _shown(settlement: Settlement) -> dict[str, Any]:
    at = shapes.time_of(settlement.settled_at)
    return {
        "id": settlement.id,
        "domain": settlement.domain,
        "status": "success",
        "currency": settlement.currency,
        "integration": INTEGRATION_ID,
        "total_amount": settlement.paid_out,
        "effective_amount": settlement.paid_out,
        "total_fees": settlement.fees,
        "total_processed": settlement.processed,
        "deductions": settlement.deductions,
        "settlement_date": at,
        "settled_by": None,
        "createdAt": at,
        "updatedAt": at,
    }
