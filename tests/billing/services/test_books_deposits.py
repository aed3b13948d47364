"""`verify_books` finds payments that do not add up: each test breaks one thing by hand, and is found out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.enums import SystemCode, TransferCode
from billing.models import Deposit, Dispute
from billing.services import books, ledger, refunds
from tests.factories.payments import make_credited_deposit, make_suspended_deposit, make_transaction
from tests.factories.returns import end_dispute, make_dispute
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
CREDITS = "deposits credited rightly"
PAYMENTS = "payments in the books"
SUSPENSE = "suspense is what is under review"
REFUNDS = "refunds of deposits"
CLEARING = "clearing explained"
OWNED = "holds of returns are owned"
HELD = "open returns hold their money"


def found() -> dict[str, list[str]]:
    by_check: dict[str, list[str]] = {}
    for difference in books.verify().differences:
        by_check.setdefault(difference.check, []).append(difference.text)
    return by_check


def change(deposit: Deposit, **values: object) -> None:
    Deposit.objects.filter(pk=deposit.pk).update(**values)


@pytest.fixture
def credited(db: None) -> Deposit:
    return make_credited_deposit(paid={"amount": 517_767, "requested_amount": 500_000, "fees": 17_767})


@pytest.fixture
def suspended(db: None) -> Deposit:
    return make_suspended_deposit()


def test_payments_of_all_kinds_are_in_order(credited: Deposit, suspended: Deposit) -> None:
    make_credited_deposit(paid={"fees": None})
    assert credited.user is not None
    refunds.request(deposit_id=credited.pk, user=credited.user, amount_subunits=100_000, form_key=None)

    assert found() == {}


def test_credit_of_another_amount(credited: Deposit) -> None:
    change(credited, credit_amount=Decimal("3.3334"))

    assert found() == {
        CREDITS: [
            f"deposit {credited.pk}: the wallet got 3.3333 instead of 3.3334",
            f"deposit {credited.pk}: 3.3334 for 500000 subunits is not its rate of 1500.000000",
        ]
    }


def test_credit_at_another_rate(credited: Deposit) -> None:
    change(credited, rate=Decimal("1499"))

    assert found() == {
        CREDITS: [f"deposit {credited.pk}: 3.3333 for 500000 subunits is not its rate of 1499.000000"]
    }


def test_credit_of_somebody_else(credited: Deposit, suspended: Deposit) -> None:
    change(credited, user=suspended.user)

    assert found() == {CREDITS: [f"deposit {credited.pk}: credited to somebody else"]}


def test_credit_that_the_row_does_not_know_of(credited: Deposit) -> None:
    change(credited, status="failed", credited_at=None)

    assert found()[CREDITS] == [f"deposit {credited.pk}: not credited, and has a transfer"]


def test_row_that_says_credited_and_is_not(suspended: Deposit) -> None:
    change(suspended, credited_at=suspended.created_at)

    assert f"deposit {suspended.pk}: credited, and has no transfer" in found()[CREDITS]


def test_second_credit_under_another_key(credited: Deposit) -> None:
    ledger.post(
        debit=ledger.system_account(SystemCode.EXCHANGE),
        credit=ledger.customer_account(credited.user_id or 0),
        amount=credited.credit_amount,
        code=TransferCode.DEPOSIT,
        key="by hand",
        reference=f"deposit:{credited.pk}",
    )

    texts = found()[CREDITS]
    assert any(text.endswith("credits no deposit, by its key by hand") for text in texts)
    assert f"deposit:{credited.pk} is credited 2 times" in texts


@pytest.mark.parametrize("name", ["paid_subunits", "fees_subunits"])
def test_payment_that_is_not_in_the_books(credited: Deposit, name: str) -> None:
    change(credited, **{name: 1})

    assert list(found()) == [PAYMENTS]


def test_suspense_of_no_deposit(suspended: Deposit) -> None:
    change(suspended, status="failed")

    assert found() == {SUSPENSE: ["NGN: 3000.0000 are in suspense, deposits under review have 0 subunits"]}


def test_suspense_counts_what_banks_took_on_both_sides(far: FakePaystack) -> None:
    whole, part = make_suspended_deposit(far=far), make_suspended_deposit(far=far)
    end_dispute(make_dispute(whole, far), far, "auto-accepted")
    end_dispute(make_dispute(part, far, refund_amount=100_000), far, "merchant-accepted")
    assert found() == {}

    change(whole, status="needs_review")
    change(part, status="reversed")

    assert found() == {SUSPENSE: ["NGN: 2000.0000 are in suspense, deposits under review have 0 subunits"]}


def test_refunds_that_the_deposit_does_not_know_of(credited: Deposit) -> None:
    change(credited, refunded_subunits=1)

    assert found() == {REFUNDS: [f"deposit {credited.pk}: says 1 subunits refunded, its refunds say 0"]}


def test_refund_that_says_it_is_paid_and_is_not(credited: Deposit) -> None:
    assert credited.user is not None
    refund = refunds.request(
        deposit_id=credited.pk, user=credited.user, amount_subunits=100_000, form_key=None
    )
    type(refund).objects.filter(pk=refund.pk).update(status="processed")

    assert found() == {
        REFUNDS: [f"refund {refund.pk}: processed, and no transfer says that Paystack paid it"]
    }


@pytest.mark.parametrize(
    ("code", "owner"), [(TransferCode.DISPUTE_HOLD, "dispute"), (TransferCode.REFUND_HOLD, "refund")]
)
def test_hold_of_nobody(credited: Deposit, code: TransferCode, owner: str) -> None:
    account = ledger.customer_account(credited.user_id or 0)
    hold = ledger.hold(
        account=account,
        amount=Decimal(1),
        code=code,
        key="by hand",
        reference=f"{owner}:1",
        expires_at=timezone.now() + dt.timedelta(days=1),
        credit=ledger.system_account(SystemCode.EXCHANGE, account.currency),
    )
    text = f"{code} {hold.sequence} of account {account.pk}: 1.0000 are held, and no open {owner} owns it"
    assert found() == {OWNED: [text]}

    ledger.release(hold_id=hold.id, key="by hand, too")

    assert found() == {}


def test_hold_of_a_dispute_that_has_ended_or_forgot_it(credited: Deposit, far: FakePaystack) -> None:
    far.transactions_by_reference[credited.reference] = make_transaction(credited, amount=517_767)
    dispute = make_dispute(credited, far)
    assert found() == {}

    Dispute.objects.update(outcome="won")
    assert list(found()) == [OWNED]
    Dispute.objects.update(outcome="open", hold=None)
    assert found()[HELD] == [f"dispute {dispute.pk}: says 3.3333 are held, its hold says 0"]
    Dispute.objects.update(shortfall=dispute.wallet_amount)  # as if the wallet had been empty
    assert list(found()) == [OWNED]


def test_open_refund_that_holds_nothing_any_more(credited: Deposit) -> None:
    assert credited.user is not None
    refund = refunds.request(
        deposit_id=credited.pk, user=credited.user, amount_subunits=100_000, form_key=None
    )
    assert refund.hold is not None
    ledger.release(hold_id=refund.hold.id, key="by hand")

    assert found() == {HELD: [f"refund {refund.pk}: says {refund.wallet_amount} are held, its hold says 0"]}


def test_clearing_that_nobody_explains(credited: Deposit) -> None:
    clearing, exchange = ledger.system_accounts(
        SystemCode.PAYSTACK_CLEARING, SystemCode.EXCHANGE, currency="NGN"
    )
    made = ledger.post(
        debit=exchange,
        credit=clearing,
        amount=Decimal(1),
        code=TransferCode.DISPUTE_PAID,
        key="by hand",
        reference=f"deposit:{credited.pk}",
    )

    assert found() == {
        CLEARING: [
            f"transfer {made.sequence}: dispute_paid of 1.0000 on the clearing account, about deposit:{credited.pk}"
        ]
    }
