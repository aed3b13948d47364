"""`/_sandbox/payments/…` and `/_sandbox/paystack/…`: what customers, banks and Paystack itself do."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.config import MAX_SECONDS
from sandbox.guard import MAX_BULK, BadRequest, Guard, answer, nothing_else, payload_of
from sandbox.paystack import accounts, disputes, payments, refunds, settlements
from sandbox.paystack.cards import CARDS, DEFAULT_CARD
from sandbox.paystack.config import CURRENCIES, MAX_SUBUNITS
from sandbox.paystack.courier import Courier
from sandbox.paystack.integration import Integration
from sandbox.paystack.records import Authorization, Payment
from sandbox.paystack.transactions import EMAIL, MINIMUM

OUTCOMES = ("success", "failed", "abandoned", "pending", "reversed")
FLUSH_S = 30.0
MAX_EVENT = 1_048_576


class PaystackControl:
    """What happens on the far side of the API."""

    def __init__(self, integration: Integration, courier: Courier, guard: Guard) -> None:
        self._integration = integration
        self._courier = courier
        self._guard = guard

    def routes(self) -> list[Route]:
        """The routes of this part of the control API."""
        guard = self._guard
        return [
            Route("/_sandbox/payments/{reference}", guard(self.pay), methods=["POST"]),
            Route("/_sandbox/paystack/disputes", guard(self.raise_dispute), methods=["POST"]),
            Route("/_sandbox/paystack/disputes/{id:int}", guard(self.set_dispute), methods=["POST"]),
            Route("/_sandbox/paystack/refunds/{id:int}", guard(self.set_refund), methods=["POST"]),
            Route("/_sandbox/paystack/transfers", guard(self.transfer), methods=["POST"]),
            Route("/_sandbox/paystack/settle", guard(self.settle), methods=["POST"]),
            Route("/_sandbox/paystack/events", guard(self.send_event), methods=["POST"]),
            Route("/_sandbox/paystack/flush", guard(self.flush), methods=["POST"]),
            Route("/_sandbox/paystack/bulk", guard(self.bulk), methods=["POST"]),
        ]

    async def pay(self, request: Request) -> Response:
        """What the customer did at the checkout, or the bank afterwards; with `in_s`, that much later."""
        given = _Given(await payload_of(request))
        outcome = given.one_of("outcome", OUTCOMES)
        amount, currency = given.amount("amount"), given.one_of("currency", sorted(CURRENCIES), None)
        channel = given.text("channel", "card") or "card"
        card = given.one_of("card", sorted(CARDS), DEFAULT_CARD) or DEFAULT_CARD
        reusable, on_customer = given.switch("reusable", True), given.switch("fees_on_customer", None)
        domain = given.one_of("domain", ("live", "test"), None)
        in_s = given.seconds("in_s", 0.0)
        given.nothing_else()
        now = self._integration.catch_up()
        payment = self._payment(request.path_params["reference"])

        def happen(at: float) -> None:
            match outcome:
                case "success":
                    payment.channel = channel
                    payments.succeed(
                        self._integration,
                        payment,
                        at,
                        authorization=self._authorize(payment, card, reusable=reusable is not False),
                        amount=amount,
                        currency=currency,
                        domain=domain,
                        fees_on_customer=on_customer,
                    )
                case "failed":
                    payments.fail(payment)
                case "abandoned":
                    payments.abandon(payment)
                case "pending":
                    payments.await_bank(payment, channel)
                case _:
                    refunds.reverse(self._integration, payment, at)

        if in_s:
            self._integration.plan(now + in_s, happen)
        else:
            happen(now)
        return answer({"reference": payment.reference, "id": payment.id, "status": payment.status})

    def _authorize(self, payment: Payment, card: str, *, reusable: bool) -> Authorization:
        if payment.is_charge and payment.authorization is not None:
            return payment.authorization
        if payment.channel == "card":
            return payments.card_authorization(self._integration, payment, card, reusable=reusable)
        return payments.transfer_authorization(self._integration, payment)

    async def raise_dispute(self, request: Request) -> Response:
        """A bank claims a payment back."""
        given = _Given(await payload_of(request))
        reference, category = given.text("reference"), given.text("category", "chargeback")
        due_s, amount = given.seconds("due_s", disputes.DUE_S), given.amount("amount")
        given.nothing_else()
        self._integration.catch_up()
        payment = self._payment(reference or "")
        if payment.paid_at is None:
            raise BadRequest("Nobody has paid this; there is nothing to dispute.", 409)
        made = disputes.raise_dispute(
            self._integration, payment, category=category, due_s=due_s, amount=amount
        )
        return answer({"id": made.id, "status": made.status, "amount": made.amount})

    async def set_dispute(self, request: Request) -> Response:
        """The bank, or Paystack, goes on with a dispute; a resolution resolves it."""
        given = _Given(await payload_of(request))
        resolution = given.one_of("resolution", sorted(disputes.RESOLUTIONS), None)
        default = disputes.RESOLVED if resolution else None
        status = given.one_of("status", sorted(disputes.STATUSES), default)
        given.nothing_else()
        if status is None:
            raise BadRequest("status or resolution is required.")
        if status == disputes.RESOLVED and resolution is None:
            raise BadRequest("A resolved dispute needs a resolution.")
        now = self._integration.catch_up()
        dispute = self._integration.books.disputes.get(request.path_params["id"])
        if dispute is None:
            raise BadRequest("There is no dispute with this id.", 404)
        disputes.set_status(self._integration, dispute, status, now, resolution=resolution, by="the bank")
        return answer({"id": dispute.id, "status": dispute.status, "resolution": dispute.resolution})

    async def set_refund(self, request: Request) -> Response:
        """A refund goes on."""
        given = _Given(await payload_of(request))
        status = given.one_of("status", sorted(refunds.STATUSES))
        given.nothing_else()
        now = self._integration.catch_up()
        refund = self._integration.books.refunds.get(request.path_params["id"])
        if refund is None or status is None:
            raise BadRequest("There is no refund with this id.", 404)
        refunds.set_status(self._integration, refund, status, now)
        return answer({"id": refund.id, "status": refund.status})

    async def transfer(self, request: Request) -> Response:
        """Money arrives on a dedicated account; with `late` only a requery brings it to light."""
        given = _Given(await payload_of(request))
        number, sender = given.text("account_number"), given.text("sender", "ADA EXAMPLE")
        amount, is_late = given.amount("amount"), given.switch("late", False)
        given.nothing_else()
        if amount is None or sender is None:
            raise BadRequest("amount is required.")
        now = self._integration.catch_up()
        account = accounts.by_number(self._integration, number or "")
        if account is None:
            raise BadRequest("There is no account with this number.", 404)
        if is_late:
            account.late.append((amount, sender))
            return answer({"reference": None, "id": None})
        payment = accounts.receive(self._integration, account, amount, sender, now)
        return answer({"reference": payment.reference, "id": payment.id})

    async def settle(self, request: Request) -> Response:
        """Pay out everything that was not paid out yet."""
        nothing_else(await payload_of(request))
        self._integration.catch_up()
        made = settlements.settle(self._integration)
        return answer(
            {
                "settlements": [
                    {"id": row.id, "currency": row.currency, "domain": row.domain, "paid_out": row.paid_out}
                    for row in made
                ]
            }
        )

    async def send_event(self, request: Request) -> Response:
        """Send the body as a webhook, byte for byte; `?signature=bad` signs it with another key."""
        body = await request.body()
        signature = request.query_params.get("signature", "good")
        if not body or len(body) > MAX_EVENT or signature not in {"good", "bad"}:
            raise BadRequest("The body is the event to send; signature is good or bad.")
        now = self._integration.catch_up()
        made = self._integration.books.outbox.put("by hand", body, at=now, due=now, forged=signature == "bad")
        self._integration.on_change()
        return answer({"id": made.id})

    async def flush(self, request: Request) -> Response:
        """Wait until every webhook that is due was tried."""
        given = _Given(await payload_of(request))
        timeout_s = given.seconds("timeout_s", FLUSH_S)
        given.nothing_else()
        if not await self._courier.flush(timeout_s):
            raise BadRequest("Webhooks are still under way.", 504)
        return answer({"status": "ok"})

    async def bulk(self, request: Request) -> Response:
        """Open many payments at once, paid or not; nobody is told by webhook unless `webhooks` says so."""
        given = _Given(await payload_of(request))
        amount, currency = given.amount("amount") or 500_000, given.one_of("currency", sorted(MINIMUM), "NGN")
        references = given.references()
        email = given.text("email", "ada@example.com") or ""
        is_paid, is_told = given.switch("paid", False), given.switch("webhooks", False)
        channel = given.text("channel", "card") or "card"
        given.nothing_else()
        if currency is None or not EMAIL.fullmatch(email):
            raise BadRequest("email must be an e-mail address.")
        integration = self._integration
        now = integration.catch_up()
        if taken := [one for one in references if one in integration.books.by_reference]:
            raise BadRequest(f"The reference {taken[0]} exists already.", 409)
        for reference in references:
            payment = payments.start(
                integration, reference=reference, email=email, amount=amount, currency=currency, domain=integration.domain
            )  # fmt: skip
            if is_paid:
                payment.channel = channel
                made = self._authorize(payment, DEFAULT_CARD, reusable=True)
                payments.succeed(integration, payment, now, authorization=made, is_told=bool(is_told))
        return answer({"references": references})

    def _payment(self, reference: str) -> Payment:
        payment = self._integration.books.by_reference.get(reference)
        if payment is None:
            raise BadRequest("There is no payment with this reference.", 404)
        return payment


class _Given:
    """The fields of a body, each taken out once and checked."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self._left = payload

    def nothing_else(self) -> None:
        nothing_else(self._left)

    def text(self, name: str, default: str | None = None) -> str | None:
        value = self._left.pop(name, default)
        if value is not None and not isinstance(value, str):
            raise BadRequest(f"{name} must be text.")
        return value

    def one_of(self, name: str, known: Sequence[str], default: str | None = "") -> str | None:
        """One of the known words; without a default it is required."""
        value = self._left.pop(name, default)
        if value is not None and (not isinstance(value, str) or value not in known):
            raise BadRequest(f"{name} must be one of {', '.join(known)}.")
        return value

    def switch(self, name: str, default: bool | None) -> bool | None:
        value = self._left.pop(name, default)
        if value is not None and not isinstance(value, bool):
            raise BadRequest(f"{name} must be true or false.")
        return value

    def amount(self, name: str) -> int | None:
        value = self._left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_SUBUNITS:
            raise BadRequest(f"{name} must be a positive whole number of subunits.")
        return value

    def seconds(self, name: str, default: float) -> float:
        value = self._left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
            raise BadRequest(f"{name} must be a number of seconds between 0 and {MAX_SECONDS}.")
        return float(value)

    def references(self) -> list[str]:
        """`references` as given, or `count` fresh ones."""
        given, number = self._left.pop("references", None), self._left.pop("count", None)
        if isinstance(given, list) and given and all(isinstance(one, str) and one for one in given):
            return list(dict.fromkeys(given))
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_BULK:
            raise BadRequest(f"count must be a whole number between 1 and {MAX_BULK}, or references a list.")
        return [f"nm-t-{uuid4().hex[:26]}" for _ in range(number)]
