"""Bank account numbers: asked for once, bound by Paystack's list alone, and credited only to their owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import User
from billing.enums import DepositStatus, ReviewReason
from billing.exceptions import BankAccountRefused
from billing.models import DedicatedAccount, Deposit
from billing.paystack import client
from billing.paystack.base import Authorization, DedicatedAccountFact
from billing.paystack.errors import NotReached, OutcomeUnknown, PaystackError, Refused, Throttled
from billing.selectors import wallet
from billing.services import books, dedicated_accounts, settling
from tests.factories.billing import make_customer
from tests.factories.instruments import make_bank_account
from tests.factories.payments import make_rate
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _offered(settings: Settings) -> None:
    settings.PAYSTACK_DEDICATED_ACCOUNTS = True
    settings.PAYSTACK_DEDICATED_BANK = "test-bank"


@pytest.fixture
def later() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield lambda **delta: traveller.shift(dt.timedelta(**delta))


@pytest.fixture
def user(later: Any) -> User:
    return make_customer()


def ask(user: User) -> DedicatedAccount:
    return dedicated_accounts.open(user=user, first_name="Ada", last_name="Obi", phone="+2348012345678")


def account_of(user: User) -> DedicatedAccount:
    return DedicatedAccount.objects.get(user=user)


def assigned(user: User, far: FakePaystack, **changes: Any) -> DedicatedAccountFact:
    """Paystack opens a number for this customer."""
    number = 8_000_000 + len(far.accounts)
    values: dict[str, Any] = {
        "id": number, "account_number": f"99{number:08d}", "account_name": "NAMASKAH / ADA OBI", "bank_name": "Wema Bank",
        "bank_slug": "wema-bank", "customer_code": f"CUS_{user.email}", "is_active": True,
    } | changes  # fmt: skip
    made = far.accounts[values["id"]] = DedicatedAccountFact(**values)
    return made


# --- asking -----------------------------------------------------------------------------------------------------------


def test_number_is_asked_for_and_found_by_the_sweep(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    account = ask(user)
    assert (account.account_number, account.is_active, account.failure) == ("", False, "")

    assert dedicated_accounts.sweep() == 0  # not yet due
    later(minutes=1)
    assert dedicated_accounts.sweep() == 1

    account = account_of(user)
    (fact,) = far.accounts.values()
    assert (account.account_number, account.account_name, account.is_active) == (
        fact.account_number,
        "Ada Obi",
        True,
    )
    assert (account.customer_code, account.paystack_id) == (fact.customer_code, fact.id)


def test_telephone_number_is_kept_nowhere(user: User, far: FakePaystack) -> None:
    ask(user)

    assert "8012345678" not in repr(DedicatedAccount.objects.values_list().get())


def test_asking_again_while_it_is_assigned_or_there_asks_nobody(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    ask(user)
    ask(user)
    later(minutes=1)
    dedicated_accounts.sweep()

    assert ask(user).account_number
    assert far.count("assign_dedicated_account") == 1


@pytest.mark.parametrize("happened", [True, False])
def test_lost_answer_is_looked_up_and_not_asked_again(
    user: User, far: FakePaystack, happened: bool, later: Callable[..., None]
) -> None:
    (far.fail_after if happened else far.fail)("assign_dedicated_account", OutcomeUnknown())

    ask(user)
    later(minutes=1)
    dedicated_accounts.sweep()

    assert account_of(user).is_active == happened
    assert far.count("assign_dedicated_account") == 1


@pytest.mark.parametrize("error", [Refused("bad name"), NotReached(), Throttled()])
def test_refusal_is_said_and_may_be_tried_again(user: User, far: FakePaystack, error: PaystackError) -> None:
    far.fail("assign_dedicated_account", error)
    with pytest.raises(BankAccountRefused):
        ask(user)
    assert account_of(user).failure
    assert account_of(user).next_look_at is None

    account = ask(user)

    assert (account.failure, far.count("assign_dedicated_account")) == ("", 2)


def test_number_that_never_comes_is_given_up_after_a_week(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    far.fail("assign_dedicated_account", OutcomeUnknown())
    ask(user)

    looks = 0
    for _ in range(9 * 24):
        later(hours=1)
        looks += dedicated_accounts.sweep()

    assert "No number was assigned" in account_of(user).failure
    assert account_of(user).next_look_at is None
    assert 20 < looks < 60  # less and less often


@pytest.mark.parametrize(
    ("setting", "value"), [("PAYSTACK_DEDICATED_ACCOUNTS", False), ("PAYSTACK_CURRENCY", "KES")]
)
def test_number_that_is_not_offered_is_not_asked_for(
    user: User, far: FakePaystack, settings: Settings, setting: str, value: object
) -> None:
    setattr(settings, setting, value)

    with pytest.raises(BankAccountRefused):
        ask(user)

    assert (far.calls, DedicatedAccount.objects.count(), dedicated_accounts.sweep()) == ([], 0, 0)


# --- what the webhook says is a hint ----------------------------------------------------------------------------------


def hint(user: User, **changes: Any) -> None:
    dedicated_accounts.note_assignment(
        {
            "customer": {"email": user.email, "customer_code": "CUS_forged"},
            "dedicated_account": {"account_number": "6666666666"},
        }
        | changes
    )


def test_assignment_told_by_webhook_is_read_from_the_list(user: User, far: FakePaystack) -> None:
    ask(user)

    hint(user)

    account = account_of(user)
    assert account.account_number in {fact.account_number for fact in far.accounts.values()}
    assert account.customer_code == f"CUS_{user.email}"


def test_assignment_that_the_list_does_not_know_binds_nothing(user: User, far: FakePaystack) -> None:
    far.fail("assign_dedicated_account", OutcomeUnknown())
    ask(user)

    hint(user)

    account = account_of(user)
    assert (account.account_number, account.customer_code, account.is_active, account.failure) == (
        "",
        "",
        False,
        "",
    )


def test_refused_assignment_tells_the_customer(user: User, far: FakePaystack) -> None:
    far.fail("assign_dedicated_account", OutcomeUnknown())
    ask(user)

    hint(user, dedicated_account=None)

    assert "did not accept your details" in account_of(user).failure


def test_refusal_told_of_a_number_that_is_there_changes_nothing(user: User, far: FakePaystack) -> None:
    ask(user)

    hint(user, dedicated_account=None)

    assert (account_of(user).is_active, account_of(user).failure) == (True, "")


@pytest.mark.parametrize("data", [{}, {"customer": None}, {"customer": []}, {"customer": {"email": 5}}])
def test_odd_webhook_is_no_problem(user: User, far: FakePaystack, data: dict[str, Any]) -> None:
    dedicated_accounts.note_assignment(data)

    assert far.calls == []


def test_webhook_about_a_stranger_asks_nobody(user: User, far: FakePaystack) -> None:
    hint(make_customer())

    assert far.calls == []


def test_number_that_is_somebody_else_s_already_is_not_bound_twice(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    other = make_bank_account(paystack_id=8_000_000)
    ask(user)
    far.accounts.clear()
    assigned(user, far, account_number=other.account_number)

    later(minutes=1)
    dedicated_accounts.sweep()

    account = account_of(user)
    assert (account.account_number, account.is_active) == ("", False)
    assert "support" in account.failure


# --- whose money ------------------------------------------------------------------------------------------------------


def money_in(
    far: FakePaystack, account: DedicatedAccount, reference: str = "psk-1", **changes: Any
) -> Deposit:
    values: dict[str, Any] = {
        "customer_code": account.customer_code, "customer_email": account.email,
        "authorization": Authorization(
            channel="dedicated_nuban", sender_name="CHIDI EZE", receiver_account_number=account.account_number
        ),
    } | changes  # fmt: skip
    return settling.receive(far.pay_uninvited(reference, 750_000, **values))


def test_money_sent_to_the_number_is_credited_once(user: User, far: FakePaystack) -> None:
    make_rate("1500")
    account = make_bank_account(user)

    first = money_in(far, account)
    again = settling.receive(far.verify("psk-1"))
    settling.settle(first.pk, force=True)

    assert again == first
    assert (first.status, first.user, first.payer) == (DepositStatus.SUCCEEDED, user, "CHIDI EZE")
    assert wallet(user.pk).available == Decimal("5.0000")
    assert books.verify().is_clean


@pytest.mark.parametrize(
    ("code", "is_active"), [("CUS_of_another", True), ("", True), ("CUS_of_another", False), (None, False)]
)
def test_money_with_another_customer_code_or_to_a_number_out_of_use_is_kept_apart(
    user: User, far: FakePaystack, code: str | None, is_active: bool
) -> None:
    make_rate("1500")
    account = make_bank_account(user, is_active=is_active)

    deposit = money_in(far, account, customer_code=account.customer_code if code is None else code)

    assert (deposit.status, deposit.review_reason) == (
        DepositStatus.NEEDS_REVIEW,
        ReviewReason.UNKNOWN_ACCOUNT,
    )
    assert deposit.user is None
    assert wallet(user.pk).available == 0


@pytest.mark.parametrize(("number", "code"), [("", ""), ("", "CUS_x"), ("9900000000", "")])
def test_number_or_code_that_is_missing_has_no_owner(user: User, number: str, code: str) -> None:
    make_bank_account(user, account_number="", customer_code="", paystack_id=None)
    make_bank_account(account_number="9900000000", customer_code="")

    assert dedicated_accounts.owner_of(account_number=number, customer_code=code) is None


# --- late money, and the daily look -----------------------------------------------------------------------------------


def test_late_money_is_looked_for_once_in_ten_minutes(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    account = make_bank_account(user)

    answers = [dedicated_accounts.requery(user=user) for _ in range(3)]
    later(minutes=9, seconds=59)
    answers.append(dedicated_accounts.requery(user=user))
    later(seconds=1)
    answers.append(dedicated_accounts.requery(user=user))

    assert answers == [True, False, False, False, True]
    assert far.calls == [("requery_dedicated_account", account.account_number)] * 2


def test_question_whose_answer_was_lost_counts_as_one(user: User, far: FakePaystack) -> None:
    make_bank_account(user)
    far.fail("requery_dedicated_account", OutcomeUnknown())

    with pytest.raises(OutcomeUnknown):
        dedicated_accounts.requery(user=user)

    assert not dedicated_accounts.requery(user=user)


def test_customer_without_a_working_number_asks_nobody(user: User, far: FakePaystack) -> None:
    make_bank_account(user, is_active=False)

    assert not dedicated_accounts.requery(user=user)
    assert far.calls == []


def test_every_number_is_looked_at_once_a_day(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    ask(user)
    later(minutes=1)
    dedicated_accounts.sweep()
    far.calls.clear()

    for _ in range(24 * 3):
        later(hours=1)
        dedicated_accounts.sweep()

    assert far.count("requery_dedicated_account") == 3
    assert far.count("dedicated_accounts") == 3


def test_number_that_paystack_has_closed_is_not_used_any_more(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    ask(user)
    later(minutes=1)
    dedicated_accounts.sweep()
    (fact,) = far.accounts.values()
    far.accounts[fact.id] = replace(fact, is_active=False)
    assigned(user, far, id=9_999_999)  # never exchanged by itself

    later(days=1)
    dedicated_accounts.sweep()

    account = account_of(user)
    assert (account.is_active, account.account_number) == (False, fact.account_number)
    assert far.count("requery_dedicated_account") == 0
    assert (
        dedicated_accounts.owner_of(account_number=fact.account_number, customer_code=fact.customer_code)
        is None
    )


def test_number_that_is_gone_from_the_list_is_not_used_any_more(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    make_bank_account(user, next_look_at=NOW)

    dedicated_accounts.sweep()

    assert not account_of(user).is_active
    assert account_of(user).next_look_at == NOW + dt.timedelta(days=1)


def test_unanswered_look_is_repeated_after_the_lease(
    user: User, far: FakePaystack, later: Callable[..., None]
) -> None:
    make_bank_account(user, next_look_at=NOW)
    far.fail("dedicated_accounts", OutcomeUnknown())

    assert dedicated_accounts.sweep() == 1
    assert dedicated_accounts.sweep() == 0

    assert account_of(user).is_active  # no answer is no reason
    later(minutes=5)
    assert dedicated_accounts.sweep() == 1


def test_sweep_waits_while_paystack_is_away(
    user: User, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bank_account(user, next_look_at=NOW)
    monkeypatch.setattr(client, "is_available", lambda: False)

    assert dedicated_accounts.sweep() == 0
