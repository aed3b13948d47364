"""Money in against the running product: webhooks that come, are lost, or storm in; wrong money; a refund whose answer is lost;
processes killed behind their answer. At the end both sides' books are compared, reference by reference.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tests.flows import paying
from tests.flows.buyer import Buyer
from tests.flows.paying import WEBHOOK, Accounts, Payer, PayingStack, Storm
from tests.flows.second_factor import enter_console
from tests.live_stack import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("payments")]

SETTINGS = {
    "DEPOSIT_FIRST_LOOK_S": "5",
    "PAYSTACK_READ_TIMEOUT_S": "2",
    # Of the product only its locks are to decide who wins: no limit of ours keeps the racers apart.
    "PAYSTACK_RATE_PER_S": "500",
    "PAYSTACK_BURST": "500",
    "PAYSTACK_VERIFY_PER_S": "500",
    "REFUND_AUTO_MAX": "100",
    "USERS_PER_CARD": "1000",  # the sandbox has one card of each kind
}
CUSTOMERS = 6
NOTHING = (Decimal("0.00"), Decimal("0.00"))
TRIGGERS, SEED = 300, 20261121


@pytest.fixture(scope="module")
def product() -> Iterator[PayingStack]:
    stack = PayingStack(SETTINGS)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def emails(product: PayingStack) -> list[str]:
    return product.create_customers(CUSTOMERS, "0")


@pytest.fixture
def live(product: PayingStack) -> Iterator[PayingStack]:
    product.wait_until_ready()
    product.calm_paystack()
    yield product
    product.calm_paystack()


@pytest.fixture
def payer(live: PayingStack, emails: list[str]) -> Iterator[Payer]:
    """A customer with an empty wallet."""
    made = Payer(live, emails.pop())
    made.sign_in()
    yield made
    made.close()


@pytest.fixture(scope="module")
def penniless(product: PayingStack, emails: list[str]) -> Iterator[Payer]:
    """A customer whose payments never come to anything."""
    made = Payer(product, emails.pop())
    made.sign_in()
    yield made
    made.close()


@pytest.fixture
def staff(live: PayingStack) -> Iterator[Buyer]:
    """Somebody who may look at payments."""
    made = Buyer(live, live.create_staff())
    enter_console(made)
    yield made
    made.close()


def test_top_up_is_credited_by_its_webhook(live: PayingStack, payer: Payer) -> None:
    reference = payer.begin("5000")
    live.sweep_only_tomorrow(reference)

    back = payer.press(reference)
    deposit = live.wait_for_deposit(reference, "succeeded")

    page = payer.get(back)
    assert page.attribute("deposit-status", "data-status") == "succeeded"
    assert payer.wallet() == (deposit["credit_amount"], Decimal(0))
    assert live.credits_of(reference) == [deposit["credit_amount"]]
    (kept,) = wait_for(
        lambda: [row for row in live.inbox(reference) if row["state"] == "done"],
        "the end of work on the webhook",
    )
    assert kept["event"] == "charge.success"


def test_top_up_whose_webhooks_are_lost_is_credited_by_the_sweep(live: PayingStack, payer: Payer) -> None:
    live.sandbox_config("paystack", webhook_loss=1)
    reference = payer.begin("5000")
    payer.press(reference)

    deposit = live.wait_for_deposit(reference, "succeeded")

    assert live.inbox(reference) == []
    assert payer.wallet() == (deposit["credit_amount"], Decimal(0))


@pytest.mark.parametrize(("outcome", "status"), [("failed", "failed"), ("abandoned", "pending")])
def test_top_up_without_money_credits_nothing(
    live: PayingStack, penniless: Payer, outcome: str, status: str
) -> None:
    reference = penniless.begin()
    live.pay(reference, outcome)

    penniless.get(f"/wallet/top-up/return/?reference={reference}")

    wait_for(lambda: live.deposit(reference)["looks"], "a look")
    deposit = live.wait_for_deposit(reference, status)
    assert deposit["paid_subunits"] is None
    assert live.credits_of(reference) == []
    assert penniless.wallet() == NOTHING


@pytest.mark.parametrize(
    ("oddity", "reason"),
    [
        ("amount_short", "short"),
        ("amount_over", "over"),
        ("other_currency", "wrong_currency"),
        ("wrong_mode", "wrong_mode"),
    ],
)
def test_wrong_money_waits_for_a_person(
    live: PayingStack, penniless: Payer, oddity: str, reason: str
) -> None:
    live.sandbox_config("paystack", **{oddity: 1})
    reference = penniless.begin()

    penniless.get(penniless.press(reference))

    deposit = live.wait_for_deposit(reference, "needs_review")
    assert deposit["review_reason"] == reason
    assert live.credits_of(reference) == []
    assert penniless.wallet() == NOTHING


def test_storm_of_triggers_credits_once(live: PayingStack, payer: Payer, staff: Buyer) -> None:
    live.sandbox_config("paystack", webhook_loss=1)
    reference = payer.begin()
    payer.press(reference)

    answers = Storm(live, reference, payer, staff).strike(TRIGGERS, SEED)

    each = TRIGGERS // 4
    assert answers == {
        ("equal", 200): each,
        ("rewritten", 200): each,
        ("return", 302): each,
        ("staff", 302): each,
    }
    deposit = live.wait_for_deposit(reference, "succeeded")
    wait_for(
        lambda: all(row["state"] == "done" for row in live.inbox(reference)),
        "the end of work on the webhooks",
    )
    assert len(live.inbox(reference)) == each + 1
    assert max(row["deliveries"] for row in live.inbox(reference)) == each
    assert live.credits_of(reference) == [deposit["credit_amount"]]
    assert payer.wallet() == (deposit["credit_amount"], Decimal(0))
    assert "The books are right" in live.manage("verify_books")


def test_refund_whose_answer_is_lost_is_made_once(live: PayingStack, payer: Payer) -> None:
    reference = payer.begin("5000")
    payer.press(reference)
    deposit = live.wait_for_deposit(reference, "succeeded")
    live.sandbox_config(
        "paystack", webhook_loss=1, fault_rate=1, faults=["timeout_after"], fault_actions=["refund"]
    )
    path = f"/wallet/refunds/new/?deposit={deposit['id']}"
    form = payer.get(path).form("/wallet/refunds/new/")

    payer.post(path, form.values | {"amount": "2000.00"})

    refund = wait_for(lambda: _refund(live, deposit["id"], "sent"), "a refund that was sent")
    wait_for(lambda: "Refund not confirmed" in live.log_path.read_text(), "the loss of the answer")
    assert payer.wallet() == (deposit["credit_amount"] - refund["wallet_amount"], refund["wallet_amount"])
    live.sandbox_config("paystack", fault_rate=0)
    paying.send_refund_again(live, refund["id"])
    ended = wait_for(lambda: _refund(live, deposit["id"], "processed"), "the end of the refund")
    (theirs,) = _at_paystack(live, reference)
    assert (theirs["id"], theirs["amount"], theirs["status"]) == (ended["paystack_id"], 200_000, "processed")
    assert payer.wallet() == (deposit["credit_amount"] - refund["wallet_amount"], Decimal(0))


def test_webhook_outlives_everybody_who_knows_of_it(live: PayingStack, payer: Payer) -> None:
    live.sandbox_config("paystack", webhook_loss=1)
    reference = payer.begin()
    live.sweep_only_tomorrow(reference)
    live.pay(reference)
    body = live.webhook_about(reference)
    worker = wait_for(lambda: live.pid("worker"), "the worker")
    os.kill(worker, signal.SIGSTOP)  # so that it has not begun when it dies

    answer = httpx2.post(live.url + WEBHOOK, content=body, headers=live.signed(body), timeout=30)
    live.kill("web")
    os.kill(worker, signal.SIGKILL)
    with live.redis() as redis:
        redis.delete("celery")  # the queued task is gone with them

    assert answer.status_code == 200
    assert (live.deposit(reference)["status"], live.credits_of(reference)) == ("pending", [])
    deposit = live.wait_for_deposit(reference, "succeeded", patience_s=60)
    live.wait_until_ready()
    assert live.credits_of(reference) == [deposit["credit_amount"]]
    assert payer.wallet() == (deposit["credit_amount"], Decimal(0))
    (kept,) = live.inbox(reference)
    assert (kept["state"], kept["deliveries"]) == ("done", 1)


def test_what_paystack_accepted_is_what_we_credited(live: PayingStack) -> None:
    seen = paying.take_accounts(live)

    assert paying.differences(seen) == []
    assert seen.credits  # the comparison must not be right because it is empty
    rate = seen.credits[0]["rate"]
    assert {row["rate"] for row in seen.credits} == {rate}
    credited = sum((row["credited"] for row in seen.credits), Decimal(0))
    paid = sum(row["paid"] for row in seen.accepted.values())
    assert 0 <= Decimal(paid) / 100 / rate - credited < Decimal("0.0001") * len(seen.credits)
    assert "The books are right" in live.manage("verify_books")


def _lost(seen: Accounts) -> Accounts:
    return replace(seen, credits=seen.credits[1:])


def _twice(seen: Accounts) -> Accounts:
    return replace(seen, credits=(*seen.credits, seen.credits[0]))


def _unpaid(seen: Accounts) -> Accounts:
    return replace(seen, accepted=dict(list(seen.accepted.items())[1:]))


def _too_much(seen: Accounts) -> Accounts:
    first, *others = seen.credits
    return replace(seen, credits=(first | {"credited": first["credited"] + Decimal("0.0001")}, *others))


def _somebody_elses(seen: Accounts) -> Accounts:
    first, *others = seen.credits
    return replace(seen, credits=(first | {"email": "stranger@example.com"}, *others))


@pytest.mark.parametrize("harm", [_lost, _twice, _unpaid, _too_much, _somebody_elses])
def test_comparison_finds_a_difference(live: PayingStack, harm: Callable[[Accounts], Accounts]) -> None:
    assert paying.differences(harm(paying.take_accounts(live)))


def _refund(live: PayingStack, deposit_id: object, status: str) -> dict[str, Any]:
    found = live.rows(
        "SELECT * FROM billing_refund WHERE deposit_id = %s AND status = %s", deposit_id, status
    )
    return found[0] if found else {}


def _at_paystack(live: PayingStack, reference: str) -> list[dict[str, Any]]:
    return [row for row in live.paystack_books()["refunds"] if row["reference"] == reference]
