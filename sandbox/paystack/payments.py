"""What happens to payments: opened, paid, declined, given up, reversed."""

from typing import Any

from sandbox.paystack import shapes
from sandbox.paystack.cards import DEFAULT_CARD, authorize_card, authorize_transfer
from sandbox.paystack.fees import tariff
from sandbox.paystack.integration import Integration
from sandbox.paystack.records import PAID, Authorization, Payment

ASYNCHRONOUS = frozenset({"bank_transfer", "ussd", "mobile_money", "dedicated_nuban"})


def start(
    integration: Integration,
    *,
    reference: str,
    email: str,
    amount: int,
    currency: str,
    domain: str,
    callback_url: str = "",
    metadata: Any = None,
) -> Payment:
    """Open a transaction that a customer may pay; it counts as abandoned until somebody does."""
    at = integration.clock.now()
    payment = Payment(
        id=integration.next_id(),
        reference=reference,
        domain=domain,
        currency=currency,
        asked=amount,
        amount=amount,
        requested_amount=amount,
        customer=integration.customer(email, domain, at),
        created_at=at,
        access_code=integration.token(15),
        callback_url=callback_url,
        metadata=metadata,
    )
    integration.books.enter(payment)
    return payment


def card_authorization(
    integration: Integration, payment: Payment, card: str = DEFAULT_CARD, *, reusable: bool = True
) -> Authorization:
    """The token that a payment by card leaves behind; a reusable one is kept for later charges."""
    made = authorize_card(
        card, code=f"AUTH_{integration.token(10)}", email=payment.customer.email, reusable=reusable
    )
    if reusable:
        integration.books.authorizations[made.code] = made
    return made


def transfer_authorization(
    integration: Integration,
    payment: Payment,
    sender: str = "ADA EXAMPLE",
    receiver: dict[str, str] | None = None,
) -> Authorization:
    """The instrument of a transfer."""
    code = f"AUTH_{integration.token(10)}"
    account = {"receiver_bank": "Test Bank", "receiver_bank_account_number": "XXXXXX0017"}
    return authorize_transfer(code=code, channel=payment.channel, sender=sender, receiver=receiver or account)


def succeed(
    integration: Integration,
    payment: Payment,
    at: float,
    *,
    authorization: Authorization,
    amount: int | None = None,
    currency: str | None = None,
    domain: str | None = None,
    fees_on_customer: bool | None = None,
    is_told: bool = True,
) -> None:
    """The customer has paid: money moves, and the merchant is told. A paid payment stays as it is.

    Args:
        at: When, in the sandbox's time.
        amount: What was really paid, in subunits; by default what was asked, oddities of the configuration apart.
        fees_on_customer: Whether the fees came on top; by default as configured.
        is_told: Whether a webhook goes out.
    """
    if payment.status in PAID:
        return
    payment.authorization = authorization
    payment.channel = authorization.channel
    payment.status, payment.gateway_response, payment.message = "success", "Successful", None
    payment.paid_at = at
    payment.domain = domain or payment.domain
    payment.currency = currency or payment.currency
    _settle_amount(integration, payment, amount, fees_on_customer)
    if amount is None and currency is None and domain is None:
        _make_odd(integration, payment)
    integration.books.move(
        domain=payment.domain,
        currency=payment.currency,
        difference=payment.amount - (payment.fees or 0),
        reason="Payment received",
        model="Transaction",
        row=payment.id,
        at=at,
    )
    if is_told:
        integration.announce("charge.success", shapes.for_webhook(integration, payment), at)


def _settle_amount(
    integration: Integration, payment: Payment, amount: int | None, fees_on_customer: bool | None
) -> None:
    rates = tariff(payment.currency, payment.channel)
    if amount is not None:
        payment.amount = amount
        # Less than what was asked is told beside it; more counts as asked for, or it would look like fees.
        payment.requested_amount = max(payment.asked, amount)
    on_customer = integration.config.fees_on_customer if fees_on_customer is None else fees_on_customer
    if on_customer:
        payment.fees = rates.on_top(payment.amount)
        payment.amount += payment.fees
    else:
        payment.fees = rates.of(payment.amount)


def _make_odd(integration: Integration, payment: Payment) -> None:
    """At most one of the configured ways in which the money is not what was asked for."""
    config = integration.config
    if integration.happens(config.amount_short):
        payment.amount = payment.asked - max(1, payment.asked // 10)
    elif integration.happens(config.amount_over):
        payment.amount = payment.requested_amount = payment.asked + max(1, payment.asked // 10)
    elif integration.happens(config.other_currency):
        payment.currency = "GHS" if payment.currency != "GHS" else "NGN"
    elif integration.happens(config.wrong_mode):
        payment.domain = "live" if payment.domain == "test" else "test"
    else:
        return
    payment.fees = tariff(payment.currency, payment.channel).of(payment.amount)


def fail(payment: Payment, gateway_response: str = "Declined", message: str | None = None) -> None:
    """The bank says no; there is no webhook for it. A paid payment stays as it is."""
    if payment.status in PAID:
        return
    payment.status, payment.gateway_response, payment.message = "failed", gateway_response, message
    payment.fees = None


def abandon(payment: Payment) -> None:
    """The customer goes away. What is under way at a bank goes on."""
    if payment.status in PAID:
        return
    payment.status, payment.gateway_response = "abandoned", "The transaction was not completed"


def await_bank(payment: Payment, channel: str = "bank_transfer") -> None:
    """The customer has done their part and the bank has not yet."""
    if payment.status in PAID:
        return
    payment.status, payment.channel = "pending", channel
    payment.gateway_response = "Pending"
