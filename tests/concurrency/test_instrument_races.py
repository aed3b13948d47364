"""Cards, automatic charges and bank account numbers under fire on real PostgreSQL. Each race has a twin without its guard."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from billing import locks
from billing.enums import DepositPurpose, StopReason
from billing.exceptions import AutoTopUpRefused
from billing.models import AutoTopUp, DedicatedAccount, Deposit, SavedCard
from billing.selectors import wallet
from billing.selectors.instruments import charged_this_month
from billing.services import (
    auto_top_up,
    books,
    dedicated_accounts,
    deposit_intents,
    ledger,
    saved_cards,
    standing_orders,
)
from tests.concurrency.racing import Meeting, meet_before, race, without
from tests.factories.billing import make_customer, make_wallet
from tests.factories.instruments import make_bank_account, make_card, make_standing_order
from tests.factories.payments import make_deposit, make_rate, make_transaction
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db(transaction=True)
ONE_CHARGE = 500_000


def without_account_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wallet is read and not locked."""
    monkeypatch.setattr(locks, "LOCK_ACCOUNT", locks.LOCK_ACCOUNT.replace("FOR NO KEY UPDATE", ""))


def without_row_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every SELECT … FOR UPDATE becomes a plain read."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())


# --- one card, one row ------------------------------------------------------------------------------------------------


def _keep(user: User, signature: str) -> SavedCard | None:
    """What the end of crediting does, for a payment of its own."""
    deposit = make_deposit(user, wants_card_saved=True)
    paid = make_transaction(deposit)
    paid = replace(paid, authorization=replace(paid.authorization, signature=signature))
    with transaction.atomic():
        return saved_cards.keep(deposit, paid)


def test_card_of_two_payments_at_once_is_one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_customer()
    meet_before(monkeypatch, saved_cards, "_fill")

    results = race(2, lambda _: _keep(user, "SIG_one"))

    assert results == [SavedCard.objects.get()] * 2


def test_twin_card_of_two_payments_without_the_lock_breaks_a_crediting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = make_customer()
    ledger.customer_account(user.pk)
    without_account_lock(monkeypatch)
    meet_before(monkeypatch, saved_cards, "_fill")

    results = race(2, lambda _: _keep(user, "SIG_one"))

    assert sum(isinstance(result, IntegrityError) for result in results) == 1


def test_cards_of_two_payments_at_once_keep_to_the_limit(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CARDS_PER_USER = 1
    user = make_customer()
    meet_before(monkeypatch, saved_cards, "_fill")

    results = race(2, lambda index: _keep(user, f"SIG_{index}"))

    assert results.count(None) == 1
    assert SavedCard.objects.count() == 1


def test_twin_cards_of_two_payments_without_the_lock_pass_the_limit(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CARDS_PER_USER = 1
    user = make_customer()
    without_account_lock(monkeypatch)
    meet_before(monkeypatch, saved_cards, "_fill")

    race(2, lambda index: _keep(user, f"SIG_{index}"))

    assert SavedCard.objects.count() == 2


# --- one charge at a time ---------------------------------------------------------------------------------------------


@pytest.fixture
def order(far: FakePaystack) -> AutoTopUp:
    make_rate("1500")
    user = make_customer()
    make_wallet("2.00", user=user)
    return make_standing_order(make_card(user))


def _without_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the lease of the run before had ended while it was still at work."""
    monkeypatch.setattr(auto_top_up, "_claim", lambda *_: True)


def test_many_sweeps_at_once_charge_once(order: AutoTopUp, far: FakePaystack) -> None:
    results = race(16, lambda _: auto_top_up.sweep())

    assert sorted(map(str, results)) == ["0"] * 15 + ["1"]
    assert far.count("charge_authorization") == 1
    assert wallet(order.user_id).available == Decimal("5.3333")
    assert books.verify().is_clean


def test_many_sweeps_whose_leases_have_ended_charge_once(
    order: AutoTopUp, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_claim(monkeypatch)

    race(16, lambda _: auto_top_up.sweep())

    assert far.count("charge_authorization") == 1
    assert wallet(order.user_id).available == Decimal("5.3333")


def test_twin_two_sweeps_without_guards_charge_twice(
    order: AutoTopUp, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_claim(monkeypatch)
    without_account_lock(monkeypatch)
    without_row_locks(monkeypatch)
    meet_before(monkeypatch, deposit_intents, "_row")

    with without("deposit_one_automatic_at_a_time"):
        race(2, lambda _: auto_top_up.sweep())
        charged = far.count("charge_authorization")

    assert charged == 2


def test_unknown_outcome_seen_by_many_sweeps_is_no_second_charge(order: AutoTopUp, far: FakePaystack) -> None:
    far.fail_after("charge_authorization")
    far.fail("verify")
    auto_top_up.sweep()
    AutoTopUp.objects.update(next_try_at=timezone.now())
    Deposit.objects.update(looking_until=None)

    race(16, lambda _: auto_top_up.sweep())

    assert far.count("charge_authorization") == 1
    assert wallet(order.user_id).available == Decimal("5.3333")


# --- the limit of a month ---------------------------------------------------------------------------------------------


def _only_the_month_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the limit of the month and the lock around it stands between two charges."""
    AutoTopUp.objects.update(monthly_cap_subunits=ONE_CHARGE)
    monkeypatch.setattr(auto_top_up, "_has_open_charge", lambda _: False)
    monkeypatch.setattr(deposit_intents, "_has_open_charge", lambda _: False)
    monkeypatch.setattr(AutoTopUp, "save", lambda *args, **kwargs: None)  # it forgets the charge under way
    meet_before(monkeypatch, deposit_intents, "_row")


def test_month_s_limit_is_counted_and_used_in_turn(order: AutoTopUp, monkeypatch: pytest.MonkeyPatch) -> None:
    _only_the_month_counts(monkeypatch)

    with without("deposit_one_automatic_at_a_time"):
        results = race(2, lambda _: auto_top_up._begin(order.pk, order.user_id))
        charged = charged_this_month(order.user_id, "NGN")

    assert (results.count(None), charged) == (1, ONE_CHARGE)


def test_twin_month_s_limit_without_the_lock_is_passed(
    order: AutoTopUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_the_month_counts(monkeypatch)
    without_account_lock(monkeypatch)
    without_row_locks(monkeypatch)

    with without("deposit_one_automatic_at_a_time"):
        race(2, lambda _: auto_top_up._begin(order.pk, order.user_id))
        charged = charged_this_month(order.user_id, "NGN")

    assert charged == 2 * ONE_CHARGE


# --- switching off against charging -----------------------------------------------------------------------------------


def _switch_off_while_a_charge_begins(order: AutoTopUp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What came first: the intent on disk, or the customer told that it is off."""
    told: list[str] = []
    checked, is_off = threading.Event(), threading.Event()
    row = deposit_intents._row

    def row_after_switching_off(*args: Any) -> Deposit:
        checked.set()
        is_off.wait(0.8)
        return row(*args)

    def charge() -> None:
        if auto_top_up._begin(order.pk, order.user_id) is not None:
            told.append("charged")

    def switch_off() -> None:
        checked.wait(5)
        auto_top_up.switch_off(user_id=order.user_id, reason=StopReason.DISPUTE)
        told.append("off")
        is_off.set()

    monkeypatch.setattr(deposit_intents, "_row", row_after_switching_off)
    race(2, lambda index: (charge, switch_off)[index]())
    return told


def test_no_charge_begins_after_it_was_switched_off(
    order: AutoTopUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = _switch_off_while_a_charge_begins(order, monkeypatch)

    # Switching off waited for the charge that had begun, which is followed to its end.
    assert AutoTopUp.objects.get().attempt == Deposit.objects.get(purpose=DepositPurpose.AUTO)
    assert not AutoTopUp.objects.get().is_on
    assert sorted(told) == ["charged", "off"]


def test_twin_without_the_lock_a_charge_begins_after_it_was_switched_off(
    order: AutoTopUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_row_locks(monkeypatch)

    told = _switch_off_while_a_charge_begins(order, monkeypatch)

    assert told == ["off", "charged"]


# --- removing a card against choosing it ------------------------------------------------------------------------------


def _choose_while_it_is_removed(user: User, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    card = make_card(user)
    removed, chosen = threading.Event(), threading.Event()
    stop = standing_orders.stop_for_card

    def stop_and_linger(card_id: int) -> None:
        stop(card_id)
        removed.set()
        chosen.wait(0.8)

    def remove() -> None:
        saved_cards.remove(card_id=card.pk, user=user)

    def choose() -> object:
        removed.wait(5)
        try:
            return auto_top_up.save(
                user=user,
                card_id=card.pk,
                threshold=Decimal(3),
                amount_subunits=ONE_CHARGE,
                monthly_cap_subunits=ONE_CHARGE,
                consent=True,
            )
        finally:
            chosen.set()

    monkeypatch.setattr(standing_orders, "stop_for_card", stop_and_linger)
    return race(2, lambda index: (remove, choose)[index]())


def test_card_on_its_way_out_cannot_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    results = _choose_while_it_is_removed(make_customer(), monkeypatch)

    assert results[0] is None
    assert isinstance(results[1], AutoTopUpRefused)
    assert not AutoTopUp.objects.exists()


def test_twin_card_on_its_way_out_is_chosen_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    without_row_locks(monkeypatch)

    _choose_while_it_is_removed(make_customer(), monkeypatch)

    order = AutoTopUp.objects.get()
    assert order.is_on
    assert order.card is not None
    assert order.card.removed_at is not None


# --- one bank account number ------------------------------------------------------------------------------------------


@pytest.fixture
def offered(settings: Any) -> None:
    settings.PAYSTACK_DEDICATED_ACCOUNTS = True


def _ask(user: User) -> DedicatedAccount:
    return dedicated_accounts.open(user=user, first_name="Ada", last_name="Obi", phone="+2348012345678")


def test_number_asked_for_by_many_tabs_is_asked_for_once(
    offered: None, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_customer()
    meet_before(monkeypatch, DedicatedAccount, "save")

    results = race(8, lambda _: _ask(user))

    assert results == [DedicatedAccount.objects.get()] * 8
    assert far.count("assign_dedicated_account") == 1


def test_twin_number_without_its_unique_row_is_asked_for_twice(
    offered: None, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_customer()
    meet_before(monkeypatch, DedicatedAccount, "save")

    with without("billing_dedicatedaccount_user_id_key"):
        race(2, lambda _: _ask(user))
        asked = far.count("assign_dedicated_account")

    assert asked == 2


def test_refused_number_tried_again_by_many_tabs_is_asked_for_once(offered: None, far: FakePaystack) -> None:
    user = make_customer()
    make_bank_account(
        user, account_number="", paystack_id=None, customer_code="", is_active=False, failure="no"
    )

    race(8, lambda _: _ask(user))

    assert far.count("assign_dedicated_account") == 1


def test_late_money_asked_for_by_many_clicks_is_asked_for_once(offered: None, far: FakePaystack) -> None:
    user = make_customer()
    make_bank_account(user)

    results = race(16, lambda _: dedicated_accounts.requery(user=user))

    assert sorted(map(str, results)) == ["False"] * 15 + ["True"]
    assert far.count("requery_dedicated_account") == 1


def test_twin_late_money_checked_before_it_is_noted_is_asked_for_twice(
    offered: None, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_customer()
    make_bank_account(user)
    meeting = Meeting()

    def check_then_note(account: DedicatedAccount) -> bool:
        has_rested = DedicatedAccount.objects.get(pk=account.pk).requeried_at is None
        meeting.wait()
        DedicatedAccount.objects.filter(pk=account.pk).update(requeried_at=timezone.now())
        return has_rested

    monkeypatch.setattr(dedicated_accounts, "_claim_requery", check_then_note)
    race(2, lambda _: dedicated_accounts.requery(user=user))

    assert far.count("requery_dedicated_account") == 2
