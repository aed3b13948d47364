"""Customers who pay at the sandbox's checkout, webhooks that a test delivers itself, and both sides' books side by side."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.flows.buyer import Buyer
from tests.live_stack import LiveStack, wait_for

WEBHOOK = "/webhooks/paystack"
CURRENCY, DOMAIN = "NGN", "test"
CALM: dict[str, Any] = {
    "fault_rate": 0,
    "faults": [],
    "fault_actions": [],
    "hang_s": 4,
    "amount_short": 0,
    "amount_over": 0,
    "other_currency": 0,
    "wrong_mode": 0,
    "webhook_loss": 0,
    "refund_s": 0,
}
_OURS = """
SELECT d.reference, d.amount_subunits AS asked, d.rate, t.amount AS credited, u.email
FROM billing_transfer t JOIN billing_deposit d ON t.reference = 'deposit:' || d.id
JOIN billing_account a ON a.id = t.credit_account_id JOIN accounts_user u ON u.id = a.user_id
WHERE t.code = 'deposit'
"""


class PayingStack(LiveStack):
    """A product of its own, whose Paystack is the sandbox."""

    def calm_paystack(self) -> None:
        """Back to payments that are right and webhooks that arrive; what was paid stays paid."""
        self.sandbox_config("paystack", **CALM)

    def paystack_books(self) -> dict[str, Any]:
        """Everything that Paystack's side knows."""
        books: dict[str, Any] = self._ask_sandbox("GET", "/_sandbox/state?vendor=paystack")["paystack"]
        return books

    def pay(self, reference: str, outcome: str = "success") -> None:
        """What a customer does about a reference without ever coming back to us."""
        self._ask_sandbox("POST", f"/_sandbox/payments/{reference}", {"outcome": outcome})

    def webhook_about(self, reference: str) -> bytes:
        """The body of Paystack's webhook about a payment, sent or lost."""
        bodies = [row["body"] for row in self.paystack_books()["webhooks"]]
        found = next(body for body in bodies if json.loads(body)["data"].get("reference") == reference)
        return str(found).encode()

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers with which Paystack sends a body."""
        key = self.env["PAYSTACK_SECRET_KEY"].encode()
        return {"X-Paystack-Signature": hmac.new(key, body, hashlib.sha512).hexdigest()}

    def deposit(self, reference: str) -> dict[str, Any]:
        """A deposit as stored."""
        (row,) = self.rows("SELECT * FROM billing_deposit WHERE reference = %s", reference)
        return row

    def wait_for_deposit(self, reference: str, status: str, patience_s: float = 40.0) -> dict[str, Any]:
        """Wait without any page, since opening one has us look."""
        wait_for(
            lambda: self.deposit(reference)["status"] == status, f"a deposit that is {status}", patience_s
        )
        return self.deposit(reference)

    def sweep_only_tomorrow(self, reference: str) -> None:
        """Leave a deposit to its webhooks."""
        self.execute(
            "UPDATE billing_deposit SET next_look_at = now() + interval '1 day' WHERE reference = %s",
            reference,
        )

    def credits_of(self, reference: str) -> list[Decimal]:
        """What was credited for a deposit, each time."""
        return [row["credited"] for row in self.rows(f"{_OURS} AND d.reference = %s", reference)]

    def inbox(self, reference: str) -> list[dict[str, Any]]:
        """The webhooks we have kept about a payment."""
        return self.rows(
            "SELECT * FROM billing_webhookevent WHERE position(convert_to(%s, 'UTF8') IN body) > 0 ORDER BY id",
            reference,
        )


class Payer(Buyer):
    """A customer who tops up."""

    live: PayingStack

    def begin(self, amount: str = "5000") -> str:
        """Send the form and stand before the checkout; returns the reference."""
        form = self.get("/wallet/top-up/").form("/wallet/top-up/")
        answer = self.client.post(form.action, data=form.values | {"amount": amount}, follow_redirects=False)
        assert answer.headers["location"].startswith(self.live.sandbox_url), answer.text
        (row,) = self.live.rows(
            "SELECT reference FROM billing_deposit WHERE authorization_url = %s", answer.headers["location"]
        )
        return str(row["reference"])

    def press(self, reference: str, button: str = "pay-card") -> str:
        """Press a button of the checkout; returns the address of ours that the customer is sent back to, unopened."""
        checkout = self.live.deposit(reference)["authorization_url"]
        answer = self.client.post(checkout, data={"action": button}, follow_redirects=False)
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path}?{parts.query}"


Call = Callable[["Lane"], tuple[str, int]]


class Lane:
    """One line of triggers: the connections of Paystack, of the customer and of a member of staff."""

    def __init__(self, live: PayingStack, owner: Payer, staff: Buyer) -> None:
        self.paystack = httpx2.Client(base_url=live.url, timeout=60)
        self.owner = httpx2.Client(base_url=live.url, timeout=60, cookies=dict(owner.client.cookies))
        self.staff = httpx2.Client(base_url=live.url, timeout=60, cookies=dict(staff.client.cookies))

    def run(self, calls: Sequence[Call]) -> list[tuple[str, int]]:
        """One after the other."""
        with self.paystack, self.owner, self.staff:
            return [call(self) for call in calls]


@dataclass(frozen=True)
class Storm:
    """Everything at once about one paid reference."""

    live: PayingStack
    reference: str
    owner: Payer
    staff: Buyer
    connections: int = 16

    def strike(self, triggers: int, seed: int) -> Counter[tuple[str, int]]:
        """Fire; returns how often each kind of trigger was answered with each status."""
        body = self.live.webhook_about(self.reference)
        each = triggers // 4
        calls: list[Call] = [
            *[self._webhook("equal", body)] * each,
            # The same fact in bytes of its own.
            *[self._webhook("rewritten", json.dumps(json.loads(body), indent=1 + n).encode()) for n in range(each)],
            *[self._return()] * each,
            *[self._ask()] * (triggers - 3 * each),
        ]  # fmt: skip
        random.Random(seed).shuffle(calls)
        lanes = [Lane(self.live, self.owner, self.staff) for _ in range(self.connections)]
        with ThreadPoolExecutor(self.connections) as pool:
            runs = [
                pool.submit(lane.run, calls[place :: self.connections]) for place, lane in enumerate(lanes)
            ]
            return Counter(answer for run in runs for answer in run.result())

    def _webhook(self, kind: str, body: bytes) -> Call:
        headers = self.live.signed(body)
        return lambda lane: (kind, lane.paystack.post(WEBHOOK, content=body, headers=headers).status_code)

    def _return(self) -> Call:
        path = f"/wallet/top-up/return/?reference={self.reference}"
        return lambda lane: ("return", lane.owner.get(path).status_code)

    def _ask(self) -> Call:
        """Staff's button, which waits for nobody's lease."""
        path = f"/ops/billing/deposit/{self.live.deposit(self.reference)['id']}/act/settle/"
        token = {"csrfmiddlewaretoken": self.staff.client.cookies["csrftoken"]}
        return lambda lane: ("staff", lane.staff.post(path, data=token).status_code)


@dataclass(frozen=True)
class Accounts:
    """What Paystack's side has accepted, by reference, and what we have credited, one row a transfer."""

    accepted: dict[str, dict[str, Any]]
    credits: tuple[dict[str, Any], ...]


def take_accounts(live: PayingStack) -> Accounts:
    """Read both sides. Money that is not what was asked for was taken by Paystack, and must not be credited."""
    paid = [row for row in live.paystack_books()["transactions"] if row["paid"]]
    right = [
        row
        for row in paid
        if (row["paid"], row["currency"], row["domain"]) == (row["asked"], CURRENCY, DOMAIN)
    ]
    return Accounts({row["reference"]: row for row in right}, tuple(live.rows(_OURS)))


def differences(seen: Accounts) -> list[str]:
    """Every difference between the two as a sentence."""
    times = Counter(row["reference"] for row in seen.credits)
    found = [f"{reference} was paid and not credited" for reference in seen.accepted.keys() - times.keys()]
    found += [f"{reference} was credited and not paid" for reference in times.keys() - seen.accepted.keys()]
    found += [f"{reference} was credited {count} times" for reference, count in times.items() if count > 1]
    for row in seen.credits:
        theirs = seen.accepted.get(row["reference"])
        if theirs is None:
            continue
        if row["credited"] != _worth(theirs["paid"], row["rate"]):
            found.append(f"{row['reference']} was credited with {row['credited']}")
        if row["email"].lower() != theirs["email"].lower():
            found.append(f"{row['reference']} was credited to somebody else")
    return found


def _worth(subunits: int, rate: Decimal) -> Decimal:
    return (Decimal(subunits) / 100 / rate).quantize(Decimal("0.0001"), ROUND_DOWN)


def send_refund_again(live: PayingStack, refund_id: object) -> None:
    """Everything that may ever send or follow a refund, as if its time had come."""
    live.execute("UPDATE billing_refund SET next_look_at = now() WHERE id = %s", refund_id)
    live.manage(
        "shell", "-c",
        "from billing.services import refund_sending\n"
        "for _ in range(2):\n"
        f"    refund_sending.send({str(refund_id)!r})\n"
        "    refund_sending.sweep()\n",
    )  # fmt: skip
