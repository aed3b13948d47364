"""The transfers of payments, leg by leg, in both currencies."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from billing.enums import DepositStatus
from billing.models import Deposit, Transfer
from billing.selectors import system_balance, wallet
from billing.services import books, crediting, ledger
from billing.services.crediting import worth
from tests.factories.billing import make_customer
from tests.factories.payments import make_credited_deposit, make_rate, make_suspended_deposit

pytestmark = pytest.mark.django_db
Leg = tuple[str, str, str, Decimal, str]


def legs(deposit: Deposit) -> list[Leg]:
    """From, to, currency, amount and code of each transfer of a deposit, in order."""
    made = Transfer.objects.filter(reference=f"deposit:{deposit.pk}").order_by("sequence")
    return [
        (t.debit_account.code, t.credit_account.code, t.debit_account.currency, t.amount, t.code)
        for t in made.select_related("debit_account", "credit_account")
    ]


def balance(code: str, currency: str) -> Decimal:
    return system_balance(ledger.system_account(code, currency).pk)  # type: ignore[arg-type]


def test_payment_whose_fees_we_bear() -> None:
    deposit = make_credited_deposit()

    assert legs(deposit) == [
        ("paystack_clearing", "exchange", "NGN", Decimal(5000), "deposit_received"),
        ("psp_fees", "paystack_clearing", "NGN", Decimal(175), "deposit_fee"),
        ("exchange", "wallet", "USD", Decimal("3.3333"), "deposit"),
    ]
    assert balance("paystack_clearing", "NGN") == -Decimal(4825)  # what Paystack owes us
    assert books.verify().differences == []


def test_payment_whose_fees_the_customer_bears() -> None:
    paid = {"amount": 517_767, "requested_amount": 500_000, "fees": 17_767}

    deposit = make_credited_deposit(paid=paid)

    assert legs(deposit) == [
        ("paystack_clearing", "exchange", "NGN", Decimal(5000), "deposit_received"),
        ("paystack_clearing", "fee_recovered", "NGN", Decimal("177.67"), "deposit_fee_recovered"),
        ("psp_fees", "paystack_clearing", "NGN", Decimal("177.67"), "deposit_fee"),
        ("exchange", "wallet", "USD", Decimal("3.3333"), "deposit"),
    ]
    assert books.verify().differences == []


@pytest.mark.parametrize("fees", [None, 0])
def test_payment_without_fees_has_no_entry_of_them(fees: int | None) -> None:
    deposit = make_credited_deposit(paid={"fees": fees})

    assert [leg[4] for leg in legs(deposit)] == ["deposit_received", "deposit"]
    assert books.verify().differences == []


def test_wallet_in_the_charge_currency_is_the_same_at_rate_one(settings: Settings) -> None:
    settings.PAYSTACK_CURRENCY = "USD"
    deposit = make_credited_deposit(amount_subunits=1_000, rate="1", charge_currency="USD", paid={"fees": 39})

    assert wallet(deposit.user_id or 0).available == Decimal(10)
    assert balance("exchange", "USD") == 0
    assert books.verify().differences == []


def test_wrong_money_is_nobodys() -> None:
    deposit = make_suspended_deposit(paid_subunits=300_000)

    assert legs(deposit) == [
        ("paystack_clearing", "suspense", "NGN", Decimal(3000), "suspense_in"),
        ("psp_fees", "paystack_clearing", "NGN", Decimal(145), "deposit_fee"),
    ]
    assert wallet(deposit.user_id or 0).balance == 0
    assert books.verify().differences == []


def test_reversal_takes_from_the_wallet_and_records_what_is_owed() -> None:
    deposit = make_credited_deposit()
    ledger.adjust(user=deposit.user, amount=-Decimal("2.0000"), reason="spent", actor=None, key="spent")  # type: ignore[arg-type]
    Deposit.objects.filter(pk=deposit.pk).update(status=DepositStatus.REVERSED)

    owed = crediting.take_back(deposit)

    assert owed == Decimal(2)
    assert wallet(deposit.user_id or 0).balance == 0
    assert balance("receivables", "USD") == -Decimal(2)
    assert balance("exchange", "USD") == balance("exchange", "NGN") == 0
    assert books.verify().differences == []


def test_repeating_a_credit_moves_nothing() -> None:
    deposit = make_credited_deposit()
    before = legs(deposit)

    crediting._credit_wallet(deposit)

    assert legs(deposit) == before
    assert wallet(deposit.user_id or 0).available == Decimal("3.3333")


@given(
    subunits=st.integers(min_value=1, max_value=10**12),
    micros=st.integers(min_value=1, max_value=10**13),
)
def test_worth_is_the_largest_amount_that_the_rate_allows(subunits: int, micros: int) -> None:
    """In integers throughout, so that no rounding of a quotient can gain a customer a ten-thousandth."""
    credit = worth(subunits, Decimal(micros).scaleb(-6))

    ten_thousandths = int(credit.scaleb(4))
    assert ten_thousandths * micros <= subunits * 10**8 < (ten_thousandths + 1) * micros


@pytest.mark.parametrize(
    ("subunits", "rate", "credit"),
    [
        (500_000, "1500", "3.3333"),
        (500_000, "1530.500000", "3.2669"),
        (1, "1500", "0.0000"),
        (200, "1", "2.0000"),
        (150_000, "1500.000001", "0.9999"),
    ],
)
def test_worth_is_rounded_down(subunits: int, rate: str, credit: str) -> None:
    assert worth(subunits, Decimal(rate)) == Decimal(credit)


def test_reviewed_money_of_a_customer_with_debts_repays_them_first() -> None:
    make_rate()
    user = make_customer()
    reversed_ = make_credited_deposit(user)
    ledger.adjust(user=user, amount=-Decimal("3.3333"), reason="spent", actor=None, key="spent")
    Deposit.objects.filter(pk=reversed_.pk).update(status=DepositStatus.REVERSED)
    crediting.take_back(reversed_)

    make_credited_deposit(user, amount_subunits=600_000)

    assert wallet(user.pk).available == Decimal("0.6667")
    assert balance("receivables", "USD") == 0
    assert books.verify().differences == []
