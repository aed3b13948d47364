"""`/refund…`: money back to customers. There is no reference of the merchant's: two equal calls are two refunds."""

from typing import Any

from sandbox.paystack import shapes
from sandbox.paystack.calls import Call, by_page, ok
from sandbox.paystack.errors import ApiError, missing, not_found
from sandbox.paystack.integration import INTEGRATION_ID, Integration
from sandbox.paystack.records import Payment, Refund
from sandbox.replies import Reply

STATUSES = frozenset({"pending", "processing", "processed", "failed", "needs-attention"})
FINAL = frozenset({"processed", "failed"})
EXPECTED_S = 10 * 86_400
MINIMUM_USD = 100


def create(integration: Integration, call: Call) -> Reply:
    """`POST /refund`; the money leaves the balance at once."""
    payment = _payment(integration, call)
    amount = call.amount() if call.body.get("amount") is not None else payment.amount - payment.returned
    currency = call.text("currency") or payment.currency
    if payment.status not in {"success", "reversal-pending"} or payment.returned >= payment.amount:
        reversed_ = payment.returned or payment.status == "reversed"
        sentence = (
            "Transaction has been fully reversed"
            if reversed_
            else "Only successful transactions can be refunded"
        )
        raise ApiError(sentence, code="transaction_reversed" if reversed_ else "invalid_transaction")
    if currency != payment.currency:
        raise ApiError("Currency does not match transaction currency", code="invalid_currency")
    if amount > payment.amount - payment.returned:
        raise ApiError("Refund amount cannot be more than transaction amount", code="invalid_amount")
    if currency == "USD" and amount < MINIMUM_USD:
        raise ApiError("Cannot refund less than USD 1", code="invalid_amount")
    if integration.books.balances[currency] < amount:
        raise ApiError(
            "Insufficient balance to fulfill this refund. Please top up.", code="insufficient_balance"
        )
    refund = _open(integration, payment, amount, call)
    return ok("Refund has been queued for processing", _created(integration, refund))


def _open(integration: Integration, payment: Payment, amount: int, call: Call) -> Refund:
    now = integration.clock.now()
    note = f"Refund for transaction {payment.reference}"
    refund = _enter(
        integration,
        payment,
        amount,
        now,
        customer_note=call.text("customer_note") or note,
        merchant_note=call.text("merchant_note") or note,
    )
    config = integration.config
    end = payment.authorization.refunds_end if payment.authorization else None
    outcome = end or config.refund_outcome
    integration.plan(now + config.refund_s / 2, lambda at: _go_on(integration, refund, "processing", at))
    if outcome != "stuck":
        integration.plan(now + config.refund_s, lambda at: _go_on(integration, refund, outcome, at))
    return refund


def reverse(integration: Integration, payment: Payment, at: float) -> None:
    """All that is left goes back without any call of the merchant's, as by a hand on the dashboard."""
    left = payment.amount - payment.returned
    if payment.status not in {"success", "reversal-pending"} or left <= 0:
        return
    refund = _enter(integration, payment, left, at, customer_note="", merchant_note="Made on the dashboard")
    set_status(integration, refund, "processed", at)


def _enter(
    integration: Integration,
    payment: Payment,
    amount: int,
    at: float,
    *,
    customer_note: str,
    merchant_note: str,
) -> Refund:
    refund = Refund(
        id=integration.next_id(),
        payment=payment,
        amount=amount,
        currency=payment.currency,
        created_at=at,
        updated_at=at,
        customer_note=customer_note,
        merchant_note=merchant_note,
    )
    integration.books.refunds[refund.id] = refund
    payment.refunds.append(refund)
    _move(integration, refund, -amount, "Refund", at)
    _follow(payment)
    _announce(integration, refund, at)
    return refund


def _go_on(integration: Integration, refund: Refund, status: str, at: float) -> None:
    """The planned course, unless somebody has set the refund by hand since."""
    if refund.status in {"pending", "processing"} and refund.status != status:
        set_status(integration, refund, status, at)


def set_status(integration: Integration, refund: Refund, status: str, at: float) -> None:
    """The refund goes on: its payment and the balance follow, and the merchant is told."""
    if (refund.status == "failed") != (status == "failed"):
        sign, reason = (1, "Refund failed") if status == "failed" else (-1, "Refund")
        _move(integration, refund, sign * refund.amount, reason, at)
    refund.status, refund.updated_at = status, at
    refund.refunded_at = at if status == "processed" else None
    _follow(refund.payment)
    _announce(integration, refund, at)


def _follow(payment: Payment) -> None:
    """A payment that goes back as a whole leaves `success`, and returns to it when the refund fails."""
    if payment.status not in {"success", "reversal-pending", "reversed"} or not payment.refunds:
        return
    if payment.returned < payment.amount:
        payment.status = "success"
    elif all(refund.status in FINAL for refund in payment.refunds):
        payment.status = "reversed"
    else:
        payment.status = "reversal-pending"


def _move(integration: Integration, refund: Refund, difference: int, reason: str, at: float) -> None:
    integration.books.move(
        domain=refund.payment.domain,
        currency=refund.currency,
        difference=difference,
        reason=reason,
        model="Refund",
        row=refund.id,
        at=at,
    )


def fetch(integration: Integration, call: Call) -> Reply:
    """`GET /refund/{id}`."""
    return ok("Refund retrieved", _shown(integration, _find(integration, call)))


def listing(integration: Integration, call: Call) -> Reply:
    """`GET /refund`, newest first."""
    start, end = call.period()
    rows = [
        refund
        for refund in reversed(integration.books.refunds.values())
        if start <= int(refund.created_at * 1000) / 1000 <= end
    ]
    if wanted := call.query.get("transaction"):
        rows = [row for row in rows if wanted in (str(row.payment.id), row.payment.reference)]
    page, meta = by_page(call, rows)
    meta["failedRefundCount"] = sum(row.status == "failed" for row in rows)
    meta["perPage"] = str(meta["perPage"])
    return ok("Refunds retrieved", [_shown(integration, row) for row in page], meta=meta)


def retry(integration: Integration, call: Call) -> Reply:
    """`POST /refund/retry_with_customer_details/{id}`."""
    refund = _find(integration, call)
    details = call.body.get("refund_account_details")
    if not isinstance(details, dict):
        raise missing("refund_account_details")
    for name in ("currency", "account_number", "bank_id"):
        if not details.get(name):
            raise missing(name)
    if refund.status != "needs-attention":
        raise ApiError(
            "Refund is not in a state to be retried with customer details", status=422, code="invalid_status"
        )
    now = integration.clock.now()
    set_status(integration, refund, "processing", now)
    integration.plan(
        now + integration.config.refund_s, lambda at: _go_on(integration, refund, "processed", at)
    )
    return ok("Refund retried and has been queued for processing", _retried(integration, refund))


def _payment(integration: Integration, call: Call) -> Payment:
    wanted = call.body.get("transaction")
    if wanted is None or wanted == "":
        raise missing("transaction")
    books = integration.books
    payment = books.by_reference.get(str(wanted))
    if payment is None and str(wanted).isdigit():
        payment = books.payments.get(int(wanted))
    if payment is None:
        raise not_found("Transaction not found", "transaction_not_found", status=400)
    return payment


def _find(integration: Integration, call: Call) -> Refund:
    refund = integration.books.refunds.get(call.id())
    if refund is None:
        raise not_found("Refund not found", "refund_not_found")
    return refund


# On the wire.


def _created(integration: Integration, refund: Refund) -> dict[str, Any]:
    """The answer to a new refund: the transaction is an object here, and a number everywhere else."""
    payment = refund.payment
    paid_at = shapes.time_of(payment.paid_at)
    return {
        "transaction": {
            "id": payment.id,
            "domain": payment.domain,
            "reference": payment.reference,
            "amount": payment.amount,
            "paid_at": paid_at,
            "channel": payment.channel,
            "currency": payment.currency,
            "authorization": {"exp_month": None, "exp_year": None, "account_name": None},
            "customer": {"international_format_phone": None},
            "plan": {},
            "subaccount": {"currency": None},
            "split": {},
            "order_id": None,
            "paidAt": paid_at,
            "pos_transaction_data": None,
            "source": None,
            "fees_breakdown": None,
        },
        **_money(refund),
        "integration": INTEGRATION_ID,
        "channel": None,
        "merchant_note": refund.merchant_note,
        "customer_note": refund.customer_note,
        "refunded_by": "merchant@example.com",
        "expected_at": shapes.time_of(refund.created_at + EXPECTED_S),
        "fully_deducted": False if not integration.config.odd_shapes else None,
        "createdAt": shapes.time_of(refund.created_at),
        "updatedAt": shapes.time_of(refund.updated_at),
    }


def _shown(integration: Integration, refund: Refund) -> dict[str, Any]:
    payment = refund.payment
    return {
        **_money(refund),
        "integration": INTEGRATION_ID,
        "transaction": payment.id,
        "dispute": None,
        "settlement": None,
        "refunded_at": shapes.time_of(refund.refunded_at),
        "refunded_by": "merchant@example.com",
        "customer_note": refund.customer_note,
        "merchant_note": refund.merchant_note,
        "fully_deducted": 1,
        "createdAt": shapes.time_of(refund.created_at),
        "bank_reference": None,
        "transaction_reference": payment.reference,
        "reason": refund.customer_note,
        "customer": shapes.customer(payment.customer, metadata=""),
        "refund_type": "full" if refund.amount == payment.amount else "partial",
        "transaction_amount": payment.amount,
        "initiated_by": "merchant@example.com",
        "refund_channel": "api",
        "session_id": None,
        "collect_account_number": refund.status == "needs-attention",
    }


def _retried(integration: Integration, refund: Refund) -> dict[str, Any]:
    return _shown(integration, refund) | {
        "dispute": {},
        "settlement": {},
        "customer": {},
        "channel": "api",
        "expected_at": shapes.time_of(refund.updated_at + EXPECTED_S),
        "fully_deducted": True,
        "reversed_at": None,
    }


def _money(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "domain": refund.payment.domain,
        "status": refund.status,
        "amount": refund.amount,
        "currency": refund.currency,
        "deducted_amount": refund.amount,
    }


def _announce(integration: Integration, refund: Refund, at: float) -> None:
    """Some of these events carry the amount as text and some as a number; only one of them carries an id."""
    payment = refund.payment
    data: dict[str, Any] = {
        "status": refund.status,
        "transaction_reference": payment.reference,
        "refund_reference": None if refund.status == "pending" else f"TRF_{refund.id}",
        "amount": str(refund.amount) if refund.status in {"pending", "failed"} else refund.amount,
        "currency": refund.currency,
        "customer": {
            "first_name": payment.customer.first_name,
            "last_name": payment.customer.last_name,
            "email": payment.customer.email,
        },
        "integration": INTEGRATION_ID,
        "domain": payment.domain,
    }
    if refund.status == "needs-attention":
        data["id"] = str(refund.id)
    integration.announce(f"refund.{refund.status}", data, at)
