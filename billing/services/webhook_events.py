"""Every event of Paystack: which fact it names, and where to look because of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from billing.enums import WebhookState
from billing.models import Deposit
from billing.paystack import client
from billing.services import dedicated_accounts, disputes, refunds, settling

log = structlog.get_logger(__name__)

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How work on an event ended."""

    state: WebhookState
    note: str = ""


DONE = Outcome(WebhookState.DONE)


def handle(event: str, data: Any) -> Outcome:
    """Look where an event points.

    Raises:
        PaystackError: Paystack could not be asked now.
    """
    handler = HANDLERS.get(event)
    if handler is None:
        if event.startswith(IGNORED):
            return Outcome(WebhookState.IGNORED)
        log.warning("Unknown Paystack event", webhook_event=event)
        return Outcome(WebhookState.UNKNOWN)
    fields = data if isinstance(data, dict) else {}
    if (domain := fields.get("domain")) and domain != client.mode():
        log.error("Paystack event of the other mode", webhook_event=event, domain=str(domain)[:10])
        return Outcome(WebhookState.IGNORED, f"{str(domain)[:10]} mode, we run in {client.mode()}")
    return handler(fields)


def _charge_succeeded(data: Data) -> Outcome:
    reference = _text(data, "reference")
    if not reference:
        return Outcome(WebhookState.UNKNOWN, "no reference")
    deposit_id = Deposit.objects.filter(reference=reference).values_list("pk", flat=True).first()
    if deposit_id is not None:
        deposit = settling.settle(deposit_id, force=True)
        return Outcome(WebhookState.DONE, f"deposit {deposit.status}")
    transaction = client.paystack().verify(reference)
    if transaction.status != "success":
        return Outcome(WebhookState.DONE, f"not ours, {transaction.status[:20]}")
    return Outcome(WebhookState.DONE, f"deposit {settling.receive(transaction).status}")


def _disputed(data: Data) -> Outcome:
    dispute_id = _number(data, "id")
    if dispute_id is None:
        return Outcome(WebhookState.UNKNOWN, "no id")
    disputes.look(dispute_id)
    return DONE


def _refunded(data: Data) -> Outcome:
    reference = _text(data, "transaction_reference") or _text(data.get("transaction"), "reference")
    if not reference:
        return Outcome(WebhookState.UNKNOWN, "no transaction")
    refunds.look(transaction_reference=reference)
    return DONE


def _transferred(data: Data) -> Outcome:
    # We never pay out: somebody else moved money of our account.
    log.error("A transfer was made from our Paystack account", transfer=_text(data, "transfer_code"))
    return Outcome(WebhookState.DONE, "we do not pay out: somebody did")


def _transfer_rejected(data: Data) -> Outcome:
    transaction_id = _number(data.get("bank_transfer"), "transaction_id")
    known = Deposit.objects.filter(paystack_id=transaction_id) if transaction_id else Deposit.objects.none()
    deposit_id = known.values_list("pk", flat=True).first()
    if deposit_id is None:
        return Outcome(WebhookState.IGNORED, "a rejected transfer to nobody we know")
    settling.settle(deposit_id, force=True)
    return DONE


def _account_assigned(data: Data) -> Outcome:
    dedicated_accounts.note_assignment(data)
    return DONE


HANDLERS: dict[str, Callable[[Data], Outcome]] = {
    "charge.success": _charge_succeeded,
    "charge.dispute.create": _disputed,
    "charge.dispute.remind": _disputed,
    "charge.dispute.resolve": _disputed,
    "refund.pending": _refunded,
    "refund.processing": _refunded,
    "refund.processed": _refunded,
    "refund.failed": _refunded,
    "refund.needs-attention": _refunded,
    "transfer.success": _transferred,
    "transfer.failed": _transferred,
    "transfer.reversed": _transferred,
    "bank.transfer.rejected": _transfer_rejected,
    "dedicatedaccount.assign.success": _account_assigned,
    "dedicatedaccount.assign.failed": _account_assigned,
}
# Of features of Paystack that we do not use: known, kept, nothing to do.
IGNORED = (
    "customeridentification.", "subscription.", "invoice.", "paymentrequest.", "direct_debit.", "preauthorization.",
)  # fmt: skip

# Which fields name the fact. Events not listed have no safe name: their bytes do.
_KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "charge.success": ("charge", ("id",)),
    "charge.dispute.": ("dispute", ("id", "event", "updated_at")),
    "transfer.": ("transfer", ("id", "event")),
    "dedicatedaccount.assign.": ("dva", ("customer.customer_code", "event", "dedicated_account.id")),
    "subscription.create": ("sub", ("subscription_code", "event", "next_payment_date")),
    "subscription.disable": ("sub", ("subscription_code", "event", "next_payment_date")),
    "subscription.not_renew": ("sub", ("subscription_code", "event", "next_payment_date")),
    "invoice.": ("inv", ("invoice_code", "event", "status")),
    "paymentrequest.": ("prq", ("request_code", "event")),
    "bank.transfer.rejected": ("btr", ("bank_transfer.transaction_id", "bank_transfer.message_type")),
    "direct_debit.authorization.": (
        "ddauth",
        ("id", "event"),
    ),  # not the authorization code: that one can charge
}


def semantic_key(event: str, data: Any) -> str:
    """The name of the fact that an event tells, the same however its bytes are written; empty when it has none."""
    for beginning, (prefix, paths) in _KEYS.items():
        if event.startswith(beginning) and isinstance(data, dict):
            parts = [event if path == "event" else _at(data, path) for path in paths]
            if parts[0] or prefix == "dva":
                return ":".join([prefix, *parts])[:200]
    return ""


def storable(text: str) -> str:
    """Without what JSON may hold and PostgreSQL may not: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _at(data: Data, path: str) -> str:
    value: Any = data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None and path == "updated_at":
        value = data.get("status")
    return "" if value is None else _plain(value)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return storable(text)[:80]


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return storable(value)[:100] if isinstance(value, str) else ""


def _number(data: Any, name: str) -> int | None:
    """An id, which some events write as text."""
    value = data.get(name) if isinstance(data, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else None
