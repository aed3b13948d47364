"""`verify_books` finds payments that do not add up: each test breaks one thing by hand, and is found out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.enums import SystemCode, TransferCode
from billing.models import Deposit
from billing.services import books, ledger, refunds
from tests.factories.payments import make_credited_deposit, make_suspended_deposit

pytestmark = pytest.mark.django_db
CREDITS = "deposits credited rightly"
PAYMENTS = "payments in the books"
SUSPENSE = "suspense is what is under review"
REFUNDS = "refunds of deposits"
CLEARING = "clearing explained"


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
