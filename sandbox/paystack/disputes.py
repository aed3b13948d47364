"""`/dispute…`: what banks claim back for their customers, and what the merchant answers."""

from typing import Any

from sandbox.paystack import shapes
from sandbox.paystack.calls import Call, by_page, ok
from sandbox.paystack.errors import ApiError, missing, not_found
from sandbox.paystack.integration import INTEGRATION_ID, Integration
from sandbox.paystack.records import Dispute, Payment
from sandbox.replies import Reply

AWAITING_MERCHANT, RESOLVED = "awaiting-merchant-feedback", "resolved"
STATUSES = frozenset({AWAITING_MERCHANT, "awaiting-bank-feedback", "pending", RESOLVED, "archived"})
ANSWERS = frozenset({"merchant-accepted", "declined"})
RESOLUTIONS = ANSWERS | {"auto-accepted"}
DUE_S = 16 * 3600
REMIND_S = 4 * 3600
UPLOAD_S = 30 * 60


def raise_dispute(
    integration: Integration,
    payment: Payment,
    *,
    category: str | None,
    due_s: float,
    amount: int | None = None,
) -> Dispute:
    """A customer's bank claims the payment back; nobody answers by `due_s` means accepted."""
    now = integration.clock.now()
    dispute = Dispute(
        id=integration.next_id(),
        payment=payment,
        amount=payment.amount if amount is None else amount,
        category=category,
        created_at=now,
        updated_at=now,
        due_at=now + due_s,
        history=[(AWAITING_MERCHANT, payment.customer.email, now)],
        messages=[(payment.customer.email, "I do not know this payment", now)],
    )
    integration.books.disputes[dispute.id] = dispute
    integration.announce("charge.dispute.create", _shown(integration, dispute), now)
    if due_s > REMIND_S:
        integration.plan(dispute.due_at - REMIND_S, lambda at: _remind(integration, dispute, at))
    integration.plan(dispute.due_at, lambda at: _run_out(integration, dispute, at))
    return dispute


def _remind(integration: Integration, dispute: Dispute, at: float) -> None:
    if dispute.status == AWAITING_MERCHANT:
        integration.announce("charge.dispute.remind", _shown(integration, dispute), at)


def _run_out(integration: Integration, dispute: Dispute, at: float) -> None:
    if dispute.status == AWAITING_MERCHANT:
        set_status(integration, dispute, RESOLVED, at, resolution="auto-accepted", by="Paystack")


def set_status(
    integration: Integration, dispute: Dispute, status: str, at: float, *, resolution: str | None, by: str
) -> None:
    """The dispute goes on; a lost one takes the money from the balance, once."""
    was_lost = dispute.is_lost
    dispute.status, dispute.updated_at = status, at
    dispute.resolution = resolution if status == RESOLVED else None
    dispute.resolved_at = at if status == RESOLVED else None
    dispute.history.append((status, by, at))
    if dispute.is_lost != was_lost:
        _move(integration, dispute, at)
    if status == RESOLVED:
        integration.announce("charge.dispute.resolve", _shown(integration, dispute), at)


def _move(integration: Integration, dispute: Dispute, at: float) -> None:
    payment = dispute.payment
    if dispute.amount >= payment.amount and payment.status in {"success", "reversed"}:
        payment.status = "reversed" if dispute.is_lost else "success"
    integration.books.move(
        domain=payment.domain,
        currency=payment.currency,
        difference=-dispute.amount if dispute.is_lost else dispute.amount,
        reason="Dispute lost" if dispute.is_lost else "Dispute returned",
        model="Dispute",
        row=dispute.id,
        at=at,
    )


def listing(integration: Integration, call: Call) -> Reply:
    """`GET /dispute`, newest first."""
    start, end = call.period()
    rows = [
        dispute
        for dispute in reversed(integration.books.disputes.values())
        if start <= int(dispute.created_at * 1000) / 1000 <= end
    ]
    if status := call.query.get("status"):
        rows = [row for row in rows if row.status == status]
    if wanted := call.query.get("transaction"):
        rows = [row for row in rows if str(row.payment.id) == wanted]
    page, meta = by_page(call, rows)
    shown = [_shown(integration, row) for row in page]
    for row, facts in zip(page, shown, strict=True):
        facts["customer"] = shapes.customer(row.payment.customer, metadata="")
    return ok("Disputes retrieved", shown, meta=meta)


def fetch(integration: Integration, call: Call) -> Reply:
    """`GET /dispute/{id}`."""
    return ok("Dispute retrieved", _shown(integration, _find(integration, call)))


def of_transaction(integration: Integration, call: Call) -> Reply:
    """`GET /dispute/transaction/{id}`: the latest one."""
    wanted = call.id()
    for dispute in reversed(integration.books.disputes.values()):
        if dispute.payment.id == wanted:
            shown = _shown(integration, dispute) | {
                "merchant_transaction_reference": dispute.payment.reference,
                "integration": INTEGRATION_ID,
                "created_by": 30_987,
            }
            return ok("Dispute retrieved successfully", shown)
    raise not_found("Dispute not found", "dispute_not_found")


def update(integration: Integration, call: Call) -> Reply:
    """`PUT /dispute/{id}`: what the merchant would give back, and which file says why not."""
    dispute = _answerable(integration, call)
    dispute.amount = call.amount("refund_amount")
    if name := call.text("uploaded_filename"):
        dispute.attachments = _uploaded(integration, name)
    return ok("Dispute updated successfully", [_shown(integration, dispute)])


def upload_url(integration: Integration, call: Call) -> Reply:
    """`GET /dispute/{id}/upload_url`: where to put a file, for half an hour."""
    dispute = _find(integration, call)
    name = f"{integration.token(20)}.pdf"
    integration.books.uploads[name] = None
    due = int(integration.clock.now() + UPLOAD_S)
    return ok(
        "Upload url generated",
        {"signedUrl": f"{call.base_url}/uploads/{dispute.id}/{name}?expires={due}", "fileName": name},
    )


def add_evidence(integration: Integration, call: Call) -> Reply:
    """`POST /dispute/{id}/evidence`."""
    dispute = _answerable(integration, call)
    now = shapes.time_of(integration.clock.now())
    required = ("customer_email", "customer_name", "customer_phone", "service_details")
    dispute.evidence = {
        **{name: call.text(name, required=True) for name in required},
        "delivery_address": call.text("delivery_address"),
        "delivery_date": call.text("delivery_date"),
        "dispute": dispute.id,
        "id": integration.next_id(),
        "createdAt": now,
        "updatedAt": now,
    }
    return ok("Evidence created", dispute.evidence)


def resolve(integration: Integration, call: Call) -> Reply:
    """`PUT /dispute/{id}/resolve`: accept, or decline with a file that was really uploaded."""
    dispute = _answerable(integration, call)
    resolution, message = call.text("resolution", required=True), call.text("message", required=True)
    if resolution not in ANSWERS:
        raise ApiError("resolution must be one of [merchant-accepted, declined]")
    name = call.text("uploaded_filename", required=True)
    if resolution == "declined":
        _uploaded(integration, name)
        refund_amount = call.body.get("refund_amount")
        if isinstance(refund_amount, bool) or not isinstance(refund_amount, int) or refund_amount < 0:
            raise ApiError("refund_amount must be a number")
    else:
        refund_amount = call.amount("refund_amount")
        if refund_amount > dispute.payment.amount:
            raise ApiError("Refund amount cannot be more than transaction amount", code="invalid_amount")
        dispute.amount = refund_amount
    evidence = call.body.get("evidence")
    if evidence is not None and evidence != (dispute.evidence or {}).get("id"):
        raise ApiError("Evidence not found", code="evidence_not_found")
    now = integration.clock.now()
    dispute.attachments = name
    dispute.messages.append(("merchant@example.com", message, now))
    set_status(integration, dispute, RESOLVED, now, resolution=resolution, by="merchant@example.com")
    return ok("Dispute successfully resolved", _resolved(integration, dispute, message))


def keep_upload(integration: Integration, name: str, expires: str, content: bytes) -> int:
    """A PUT to a signed address; returns the HTTP status of the store."""
    uploads = integration.books.uploads
    if name not in uploads or not expires.isdigit() or int(expires) < integration.clock.now():
        return 403
    uploads[name] = content
    return 200


def _find(integration: Integration, call: Call) -> Dispute:
    dispute = integration.books.disputes.get(call.id())
    if dispute is None:
        raise not_found("Dispute not found", "dispute_not_found")
    return dispute


def _answerable(integration: Integration, call: Call) -> Dispute:
    dispute = _find(integration, call)
    if dispute.status != AWAITING_MERCHANT:
        raise ApiError("Dispute is already resolved", code="invalid_status")
    return dispute


def _uploaded(integration: Integration, name: str) -> str:
    if not integration.books.uploads.get(name):
        raise missing("uploaded_filename")
    return name


# On the wire.


def _shown(integration: Integration, dispute: Dispute) -> dict[str, Any]:
    payment = dispute.payment
    card = payment.authorization
    return {
        "id": dispute.id,
        "refund_amount": dispute.amount,
        "currency": payment.currency,
        "status": dispute.status,
        "resolution": dispute.resolution,
        "domain": payment.domain,
        "transaction": shapes.for_fetch(integration, payment),
        "transaction_reference": None,
        "category": dispute.category,
        "customer": shapes.customer(payment.customer, metadata={}),
        "bin": card.bin if card else "",
        "last4": card.last4 if card else "",
        "dueAt": shapes.time_of(dispute.due_at),
        "resolvedAt": shapes.time_of(dispute.resolved_at),
        "evidence": dispute.evidence,
        "attachments": dispute.attachments,
        "note": None,
        "history": [
            {"status": status, "by": by, "createdAt": shapes.time_of(at)}
            for status, by, at in dispute.history
        ],
        "messages": [
            {"sender": sender, "body": body, "createdAt": shapes.time_of(at)}
            for sender, body, at in dispute.messages
        ],
        "createdAt": shapes.time_of(dispute.created_at),
        "updatedAt": shapes.time_of(dispute.updated_at),
    }


def _resolved(integration: Integration, dispute: Dispute, message: str) -> dict[str, Any]:
    at = shapes.time_of(dispute.resolved_at)
    shown = _shown(integration, dispute) | {
        "merchant_transaction_reference": dispute.payment.reference,
        "integration": INTEGRATION_ID,
        "transaction": dispute.payment.id,
        "created_by": 30_987,
        "evidence": (dispute.evidence or {}).get("id"),
        "message": {
            "dispute": dispute.id,
            "sender": "merchant@example.com",
            "body": message,
            "id": integration.next_id(),
            "createdAt": at,
            "updatedAt": at,
        },
    }
    for name in ("history", "messages", "customer"):
        del shown[name]
    return shown
