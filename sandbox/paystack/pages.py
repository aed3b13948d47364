"""The checkout's pages: plain HTML that needs no script, no real money."""

from html import escape

from sandbox.paystack.cards import CARDS, DEFAULT_CARD
from sandbox.paystack.records import Payment

MERCHANT = "merchant@example.com"
STATIC = "/paystack/static"

BUTTONS = (
    # data-testid, class, caption, what it does
    ("pay-card", "main", "Pay by card", "Succeeds at once; the card can be saved."),
    ("pay-card-unsaved", "", "Pay by a card that cannot be saved", "Succeeds at once, without a token."),
    ("decline", "", "Card declined", "The bank says no. Nothing is paid."),
    ("bank-transfer", "", "Bank transfer", "Pending, and paid a few seconds later."),
    (
        "late-transfer",
        "",
        "Bank transfer that arrives late",
        "You give up now; the money arrives three minutes later.",
    ),
    ("leave", "quiet", "Leave without paying", "Goes back to the shop."),
)


def money(amount: int, currency: str) -> str:
    """`NGN 5,000.00`."""
    return f"{currency} {amount // 100:,}.{amount % 100:02d}"


def checkout(payment: Payment, *, inline: bool, notice: str = "") -> bytes:
    """The page on which a customer chooses how the payment goes."""
    options = "".join(
        f'<option value="{name}"{" selected" if name == DEFAULT_CARD else ""}>{escape(card.label)}</option>'
        for name, card in CARDS.items()
    )
    buttons = "".join(
        f'<li><button name="action" value="{name}" data-testid="{name}" class="{style}" '
        f'aria-describedby="about-{name}">{escape(caption)}</button>'
        f'<span id="about-{name}">{escape(about)}</span></li>'
        for name, style, caption, about in BUTTONS
    )
    said = f'<p class="notice" role="alert">{escape(notice)}</p>' if notice else ""
    hidden = '<input type="hidden" name="inline" value="1">' if inline else ""
    script = f'<script src="{STATIC}/frame.js"></script>' if inline else ""
    return _page(
        f"Pay {money(payment.amount, payment.currency)}",
        f"""{said}
<dl>
<div><dt>Amount</dt><dd data-testid="amount">{money(payment.amount, payment.currency)}</dd></div>
<div><dt>Customer</dt><dd>{escape(payment.customer.email)}</dd></div>
<div><dt>Merchant</dt><dd>{MERCHANT}</dd></div>
<div><dt>Reference</dt><dd>{escape(payment.reference)}</dd></div>
</dl>
<form method="post">
{hidden}<label for="card">Card</label>
<select id="card" name="card">{options}</select>
<ul>{buttons}</ul>
</form>{script}""",
    )


def message(title: str, text: str, *, link: str = "") -> bytes:
    """A page that only says something."""
    way = f'<p><a href="{escape(link)}">Back to the shop</a></p>' if link else ""
    return _page(title, f"<p>{escape(text)}</p>{way}")


def finished(payment: Payment, *, outcome: str) -> bytes:
    """The last page inside a frame: its script tells the page around it how things ended."""
    facts = f'data-outcome="{escape(outcome)}" data-reference="{escape(payment.reference)}" data-id="{payment.id}"'
    return _page(
        "Done",
        f'<p id="outcome" {facts}>You can close this window.</p><script src="{STATIC}/done.js"></script>',
    )


def _page(title: str, content: str) -> bytes:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(title)} – Sandbox checkout</title>
<link rel="stylesheet" href="{STATIC}/checkout.css">
</head>
<body>
<main>
<p class="label">Sandbox checkout: no real money</p>
<h1>{escape(title)}</h1>
{content}
</main>
</body>
</html>
""".encode()
