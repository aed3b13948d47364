"""What the ledger does with money, one call after the other. `tests/concurrency` has the races."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.enums import SystemCode, TransferCode, TransferKind
from billing.exceptions import HoldAlreadyResolved, InsufficientFunds, KeyReused, UnknownHold
from billing.models import Account, Transfer
from billing.selectors import system_balance, wallet
from billing.services import books, ledger
from tests.factories.billing import make_capture, make_customer, make_hold, make_release, make_wallet

PRICE = Decimal("0.35")


def figures(account: Account) -> tuple[Decimal, Decimal, Decimal]:
    """Available, held, balance."""
    now = wallet(account.user_id or 0)
    return now.available, now.held, now.balance


def dollars(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_customer_account_is_opened_once(db: None) -> None:
    user = make_customer()

    first, second = ledger.customer_account(user.pk), ledger.customer_account(user.pk)

    assert first.pk == second.pk
    assert (first.kind, first.code, first.currency) == ("customer", "wallet", "USD")
    assert figures(first) == dollars("0", "0", "0")


def test_system_account_is_opened_once(db: None) -> None:
    first, second = ledger.system_account(SystemCode.REVENUE), ledger.system_account(SystemCode.REVENUE)

    assert first.pk == second.pk
    assert (first.kind, first.user_id) == ("system", None)


# --- holds ------------------------------------------------------------------------------------------------------------


def test_hold_reserves_money_and_says_so(account: Account) -> None:
    hold = make_hold(account, "0.35", reference="verification:7", memo="WhatsApp")

    assert figures(account) == dollars("9.65", "0.35", "10.00")
    assert (hold.kind, hold.amount, hold.debit_account_id) == (TransferKind.PENDING, PRICE, account.pk)
    assert hold.credit_account == ledger.system_account(SystemCode.REVENUE)
    assert (hold.balance_after, hold.available_after) == dollars("10.00", "9.65")
    assert (hold.reference, hold.memo) == ("verification:7", "WhatsApp")
    assert Transfer.objects.get(id=hold.id).created_at is not None


def test_hold_of_the_last_cent_is_allowed(account: Account) -> None:
    make_hold(account, "10.00")

    assert figures(account) == dollars("0", "10.00", "10.00")


def test_hold_above_the_available_balance_moves_nothing(account: Account) -> None:
    make_hold(account, "9.90")

    with pytest.raises(InsufficientFunds) as refusal:
        make_hold(account, "0.35")

    assert (refusal.value.available, refusal.value.amount) == dollars("0.10", "0.35")
    assert str(refusal.value.message) == "Your wallet has $0.10 available and this costs $0.35."
    assert figures(account) == dollars("0.10", "9.90", "10.00")
    assert Transfer.objects.filter(kind=TransferKind.PENDING).count() == 1


def test_repeated_key_returns_the_first_hold(account: Account) -> None:
    first = make_hold(account, key="order-1")
    again = make_hold(account, key="order-1", memo="other words", expires_in_s=9)

    assert again.id == first.id
    assert figures(account) == dollars("9.65", "0.35", "10.00")


def test_repeated_key_after_the_money_is_gone_still_returns_the_first_hold(account: Account) -> None:
    first = make_hold(account, "10.00", key="order-1")

    assert make_hold(account, "10.00", key="order-1").id == first.id


@pytest.mark.parametrize("change", [{"amount": "0.36"}, {"reference": "verification:2"}])
def test_key_reused_for_another_hold_is_refused(account: Account, change: dict[str, str]) -> None:
    make_hold(account, key="order-1")

    with pytest.raises(KeyReused):
        make_hold(account, key="order-1", **change)  # type: ignore[arg-type]

    assert figures(account) == dollars("9.65", "0.35", "10.00")


def test_key_reused_for_another_customer_is_refused(account: Account) -> None:
    make_hold(account, key="order-1")
    other = make_wallet("5.00")

    with pytest.raises(KeyReused):
        make_hold(other, key="order-1")

    assert figures(other) == dollars("5.00", "0", "5.00")


def test_hold_may_be_in_favour_of_another_system_account(account: Account) -> None:
    payable = ledger.system_account(SystemCode.PROVIDER_PAYABLE)
    with transaction.atomic():
        hold = ledger.hold(
            account=account,
            amount=PRICE,
            code=TransferCode.VERIFICATION_HOLD,
            key="h",
            reference="",
            expires_at=timezone.now(),
            credit=payable,
        )
    make_capture(hold)

    assert system_balance(payable.pk) == PRICE


# --- captures ---------------------------------------------------------------------------------------------------------


def test_capture_charges_the_hold(account: Account) -> None:
    hold = make_hold(account, reference="verification:7", memo="WhatsApp")

    capture = make_capture(hold)

    assert figures(account) == dollars("9.65", "0", "9.65")
    assert (capture.kind, capture.code) == (
        TransferKind.POST_PENDING,
        TransferCode.VERIFICATION_CAPTURE,
    )
    assert (capture.pending_id, capture.reference, capture.memo) == (
        hold.sequence,
        "verification:7",
        "WhatsApp",
    )
    assert (capture.balance_after, capture.available_after) == dollars("9.65", "9.65")
    assert system_balance(capture.credit_account_id) == PRICE


def test_capture_of_less_returns_the_rest(account: Account) -> None:
    hold = make_hold(account, "0.50")

    make_capture(hold, "0.20")

    assert figures(account) == dollars("9.80", "0", "9.80")


def test_capture_of_more_than_the_hold_is_refused(account: Account) -> None:
    hold = make_hold(account)

    with pytest.raises(ValueError, match=r"Capture of 0\.3501"):
        make_capture(hold, "0.3501")

    assert figures(account) == dollars("9.65", "0.35", "10.00")


@pytest.mark.parametrize("key", ["capture-1", "another key"])
def test_capture_again_returns_the_first(account: Account, key: str) -> None:
    hold = make_hold(account)
    first = make_capture(hold, key="capture-1")

    assert make_capture(hold, key=key).id == first.id
    assert figures(account) == dollars("9.65", "0", "9.65")


def test_capture_again_of_another_amount_is_refused(account: Account) -> None:
    hold = make_hold(account)
    first = make_capture(hold, key="capture-1")

    with pytest.raises(KeyReused):
        make_capture(hold, "0.20", key="capture-1")
    with pytest.raises(HoldAlreadyResolved) as refusal:
        make_capture(hold, "0.20", key="capture-2")

    assert refusal.value.resolution.id == first.id


def test_capture_with_the_key_of_another_hold_is_refused(account: Account) -> None:
    first, second = make_hold(account), make_hold(account)
    make_capture(first, key="capture-1")

    with pytest.raises(KeyReused):
        make_capture(second, key="capture-1")

    assert figures(account) == dollars("9.30", "0.35", "9.65")


def test_capture_after_expiry_works_until_the_sweep_has_run(account: Account) -> None:
    hold = make_hold(account, expires_in_s=-60)

    make_capture(hold)

    assert figures(account) == dollars("9.65", "0", "9.65")


# --- releases ---------------------------------------------------------------------------------------------------------


def test_release_returns_the_hold(account: Account) -> None:
    hold = make_hold(account)

    release = make_release(hold)

    assert figures(account) == dollars("10.00", "0", "10.00")
    assert (release.kind, release.code, release.amount) == (
        TransferKind.VOID_PENDING,
        TransferCode.VERIFICATION_RELEASE,
        PRICE,
    )
    assert system_balance(release.credit_account_id) == 0


@pytest.mark.parametrize("key", ["release-1", "another key"])
def test_release_again_returns_the_first(account: Account, key: str) -> None:
    hold = make_hold(account)
    first = make_release(hold, key="release-1")

    assert make_release(hold, key=key).id == first.id
    assert figures(account) == dollars("10.00", "0", "10.00")


def test_capture_after_release_is_refused(account: Account) -> None:
    hold = make_hold(account)
    release = make_release(hold)

    with pytest.raises(HoldAlreadyResolved) as refusal:
        make_capture(hold)

    assert refusal.value.resolution.id == release.id
    assert figures(account) == dollars("10.00", "0", "10.00")


def test_release_after_capture_is_refused(account: Account) -> None:
    hold = make_hold(account)
    make_capture(hold)

    with pytest.raises(HoldAlreadyResolved):
        make_release(hold)

    assert figures(account) == dollars("9.65", "0", "9.65")


@pytest.mark.parametrize("resolve", [make_capture, make_release])
def test_unknown_hold_is_named(account: Account, resolve: Callable[[Transfer], Transfer]) -> None:
    capture = make_capture(make_hold(account))

    with pytest.raises(UnknownHold):
        resolve(Transfer(id=uuid.uuid4()))
    with pytest.raises(UnknownHold):
        resolve(capture)


# --- postings ---------------------------------------------------------------------------------------------------------


def test_post_between_system_accounts_needs_no_lock_and_repeats(db: None) -> None:
    cost, payable = (
        ledger.system_account(SystemCode.PROVIDER_COST),
        ledger.system_account(SystemCode.PROVIDER_PAYABLE),
    )

    def book(amount: str) -> Transfer:
        with transaction.atomic():
            return ledger.post(
                debit=cost,
                credit=payable,
                amount=Decimal(amount),
                code=TransferCode.PROVIDER_COST,
                key="cost-1",
                reference="attempt:1",
            )

    first = book("0.20")

    assert book("0.20").id == first.id
    assert (first.balance_after, first.available_after) == (None, None)
    assert (system_balance(cost.pk), system_balance(payable.pk)) == dollars("-0.20", "0.20")
    with pytest.raises(KeyReused):
        book("0.21")


def test_post_from_customer_to_customer_is_refused(account: Account) -> None:
    with pytest.raises(ValueError, match="customer to customer"), transaction.atomic():
        ledger.post(
            debit=account, credit=make_wallet("0"), amount=PRICE, code=TransferCode.STAFF_DEBIT, key="k"
        )


def test_post_between_currencies_is_refused(account: Account) -> None:
    naira = Account.objects.create(kind="system", code="naira", currency="NGN")

    with pytest.raises(ValueError, match="USD does not move"), transaction.atomic():
        ledger.post(debit=account, credit=naira, amount=PRICE, code=TransferCode.STAFF_DEBIT, key="k")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "0.00001", "1000000000000000"])
def test_amount_that_is_none_is_refused(account: Account, amount: str) -> None:
    with pytest.raises(ValueError, match="amount|decimal places"):
        make_hold(account, Decimal(amount))


def test_hold_needs_a_code_that_can_be_resolved_and_an_aware_expiry(account: Account) -> None:
    def attempt(code: TransferCode, expires_at: dt.datetime) -> None:
        with transaction.atomic():
            ledger.hold(
                account=account, amount=PRICE, code=code, key="k", reference="", expires_at=expires_at
            )

    with pytest.raises(ValueError, match="Not a hold"):
        attempt(TransferCode.STAFF_DEBIT, timezone.now())
    with pytest.raises(ValueError, match="Not a hold"):
        attempt(TransferCode.VERIFICATION_HOLD, timezone.make_naive(timezone.now()))


def test_hold_on_a_system_account_is_refused(db: None) -> None:
    with pytest.raises(ValueError, match="customer's account"):
        make_hold(ledger.system_account(SystemCode.STAFF_ADJUSTMENTS))


# --- adjustments ------------------------------------------------------------------------------------------------------


def test_credit_by_staff_is_recorded_with_reason_and_actor(customer: User) -> None:
    actor = make_customer()

    with transaction.atomic():
        transfer = ledger.adjust(
            user=customer, amount=Decimal("2.50"), reason=" late SMS ", actor=actor, key="a"
        )

    assert wallet(customer.pk).available == Decimal("12.50")
    assert (transfer.code, transfer.reason, transfer.actor_id) == (
        TransferCode.STAFF_CREDIT,
        "late SMS",
        actor.pk,
    )
    assert transfer.debit_account == ledger.system_account(SystemCode.STAFF_ADJUSTMENTS)


def test_debit_by_staff_takes_what_is_available_and_no_more(customer: User, account: Account) -> None:
    make_hold(account, "9.00")

    with transaction.atomic():
        ledger.adjust(user=customer, amount=Decimal("-0.40"), reason="twice", actor=None, key="a")
    with pytest.raises(InsufficientFunds), transaction.atomic():
        ledger.adjust(user=customer, amount=Decimal("-0.61"), reason="twice", actor=None, key="b")

    assert figures(account) == dollars("0.60", "9.00", "9.60")


@pytest.mark.parametrize(("amount", "reason"), [("1.00", "  "), ("0", "why")])
def test_adjustment_of_nothing_or_for_no_reason_is_refused(customer: User, amount: str, reason: str) -> None:
    with pytest.raises(ValueError, match="reason|amount"), transaction.atomic():
        ledger.adjust(user=customer, amount=Decimal(amount), reason=reason, actor=None, key="a")

    assert wallet(customer.pk).available == Decimal("10.00")


def test_adjustment_repeated_is_one_transfer(customer: User) -> None:
    for _ in range(2):
        with transaction.atomic():
            ledger.adjust(user=customer, amount=Decimal("1.00"), reason="once", actor=None, key="a")

    assert wallet(customer.pk).available == Decimal("11.00")


# --- transactions -----------------------------------------------------------------------------------------------------


def test_money_goes_with_the_callers_rollback(account: Account) -> None:
    with transaction.atomic():
        make_capture(make_hold(account))
        transaction.set_rollback(True)

    assert figures(account) == dollars("10.00", "0", "10.00")
    assert Transfer.objects.count() == 1


def test_movement_takes_two_round_trips(account: Account, django_assert_num_queries: object) -> None:
    make_hold(account)  # opens the revenue account
    with transaction.atomic():
        with django_assert_num_queries(2):  # type: ignore[operator]
            hold = ledger.hold(
                account=account,
                amount=PRICE,
                code=TransferCode.VERIFICATION_HOLD,
                key="h",
                reference="",
                expires_at=timezone.now(),
            )
        with django_assert_num_queries(2):  # type: ignore[operator]
            ledger.capture(hold_id=hold.id, key="c")


def test_books_are_right_after_all_kinds_of_movements(customer: User, account: Account) -> None:
    make_capture(make_hold(account, "1.00"), "0.40")
    make_capture(make_hold(account))
    make_release(make_hold(account))
    make_hold(account)
    with transaction.atomic():
        ledger.adjust(user=customer, amount=Decimal("-1.00"), reason="test", actor=None, key="d")

    report = books.verify()

    assert (report.differences, report.is_clean) == ([], True)
    assert (report.owned, report.held) == dollars("8.25", "0.35")
