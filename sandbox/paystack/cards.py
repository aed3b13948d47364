"""The cards a customer can choose at the checkout, and the tokens that payments by them leave behind."""

import hashlib
from dataclasses import dataclass

from sandbox.paystack.records import Authorization


@dataclass(frozen=True, slots=True)
class Card:
    """A card of Paystack's test page, or one made up in the same spirit."""

    number: str
    label: str
    brand: str
    refunds_end: str | None = None
    """How refunds to this card end, whatever the configuration says."""


CARDS: dict[str, Card] = {
    "visa": Card("4084084084084081", "Visa 4081", "visa"),
    "mastercard": Card("5192602720584796", "Mastercard 4796", "mastercard"),
    "verve": Card("507850785078507812", "Verve 7812", "verve"),
    "refund_fails": Card("4084084000671803", "Visa 1803, refunds to it fail", "visa", "failed"),
    "refund_needs_attention": Card(
        "4084084000671902", "Visa 1902, refunds to it need attention", "visa", "needs-attention"
    ),
}
DEFAULT_CARD = "visa"


def authorize_card(name: str, *, code: str, email: str, reusable: bool) -> Authorization:
    """The token of one payment by card: its signature is the card's, its code is new each time."""
    card = CARDS[name]
    digest = hashlib.sha256(card.number.encode()).hexdigest()[:20]
    return Authorization(
        code=code,
        channel="card",
        email=email,
        bin=card.number[:6],
        last4=card.number[-4:],
        exp_month="12",
        exp_year="2030",
        card_type=f"{card.brand} ",  # with the blank that the real one has
        bank="TEST BANK",
        brand=card.brand,
        reusable=reusable,
        signature=f"SIG_{digest}",
        refunds_end=card.refunds_end,
    )


def authorize_transfer(*, code: str, channel: str, sender: str, receiver: dict[str, str]) -> Authorization:
    """The instrument of a transfer from a bank account; it cannot be charged again."""
    return Authorization(
        code=code,
        channel=channel,
        bin="008XXX",
        last4="X553",
        exp_month="12",
        exp_year="2030",
        card_type="transfer",
        bank="Test Bank",
        brand="Managed Account",
        transfer={
            "sender_bank": "Test Bank",
            "sender_bank_account_number": "XXXXXX4553",
            "sender_name": sender,
            "sender_country": "NG",
            "narration": "Transfer",
            **receiver,
        },
    )
