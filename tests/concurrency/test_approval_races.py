"""Two members of staff decide at once, two reconcilers run at once: one act. Each with a twin without its guards."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
from decimal import Decimal

import pytest

from billing.enums import ApprovalKind, SystemCode, TransferCode
from billing.models import Approval, Settlement, Transfer
from billing.paystack.base import SettlementFact
from billing.selectors import wallet
from billing.services import approvals, books, ledger, reconciliation, settlements
from billing.services import reconciliation_clearing as clearing
from billing.services import reconciliation_sides as sides
from billing.services.approvals import AlreadyDecided
from tests.concurrency.racing import of, overlap, race
from tests.factories.accounts import StaffFactory
from tests.factories.billing import make_customer
from tests.factories.payments import make_deposit
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db(transaction=True)
FACT = SettlementFact(
    id=3_090_024, status="success", currency="NGN", total_amount=100_000, total_processed=100_000,
    settled_on=dt.date(2026, 11, 20),
)  # fmt: skip


def make_request() -> Approval:
    """A credit of 250 for somebody with an empty wallet."""
    ledger.system_account(SystemCode.STAFF_ADJUSTMENTS)
    return approvals.ask(
        kind=ApprovalKind.ADJUSTMENT,
        subject=f"user:{make_customer().pk}",
        amount=Decimal(250),
        reason="test",
        actor=StaffFactory.create(),
    )


def balance(approval: Approval) -> Decimal:
    return wallet(int(approval.subject.partition(":")[2])).available


def decide_twice(approval: Approval) -> list[object]:
    """Two people approve; the second while the first has acted and not committed."""
    one, two = StaffFactory.create(), StaffFactory.create()
    return overlap(
        lambda: approvals.decide(approval_id=approval.pk, actor=one, approve=True),
        lambda: approvals.decide(approval_id=approval.pk, actor=two, approve=True),
    )


def test_two_deciders_at_once_act_once() -> None:
    approval = make_request()

    results = decide_twice(approval)

    assert (len(of(Approval, results)), len(of(AlreadyDecided, results))) == (1, 1)
    assert balance(approval) == 250
    assert books.verify().differences == []


def test_many_deciders_at_once_act_once() -> None:
    approval = make_request()
    people = [StaffFactory.create() for _ in range(8)]

    results = race(
        8, lambda index: approvals.decide(approval_id=approval.pk, actor=people[index], approve=True)
    )

    assert (len(of(Approval, results)), len(of(AlreadyDecided, results))) == (1, 7)
    assert balance(approval) == 250


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is read instead of locked."""
    monkeypatch.setattr(approvals, "_lock", lambda approval_id: Approval.objects.get(pk=approval_id))


def test_without_the_lock_the_key_still_lets_it_happen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    approval = make_request()
    without_the_lock(monkeypatch)

    decide_twice(approval)

    assert balance(approval) == 250


def test_twin_without_lock_and_key_acts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    approval = make_request()
    numbers = itertools.count()
    without_the_lock(monkeypatch)
    monkeypatch.setattr(approvals, "_key", lambda row: f"approval:{row.pk}:{next(numbers)}")

    decide_twice(approval)

    assert balance(approval) == 500


# --- settlements and reconcilers --------------------------------------------------------------------------------------


@pytest.fixture
def pending(transactional_db: None) -> Settlement:
    """A settlement that was on its way when we last looked."""
    return Settlement.objects.create(
        paystack_id=FACT.id, status="pending", currency="NGN", total_subunits=100_000
    )


def keep_twice() -> list[object]:
    return overlap(lambda: settlements.keep(FACT), lambda: settlements.keep(FACT))


def owed() -> Decimal:
    return clearing.movement(clearing.account_of("NGN"))


def test_two_imports_at_once_post_a_settlement_once(pending: Settlement) -> None:
    results = keep_twice()

    assert len(of(Settlement, results)) == 2
    assert owed() == Decimal(-1000)
    assert books.verify().differences == []


def without_the_row_lock(monkeypatch: pytest.MonkeyPatch, pending: Settlement) -> None:
    """Both go by what each has read before the other wrote."""
    monkeypatch.setattr(settlements, "_lock", lambda paystack_id: copy.copy(pending))


def test_without_the_row_lock_the_key_still_posts_it_once(
    monkeypatch: pytest.MonkeyPatch, pending: Settlement
) -> None:
    without_the_row_lock(monkeypatch, pending)

    keep_twice()

    assert owed() == Decimal(-1000)


def test_twin_import_without_lock_and_key_posts_twice(
    monkeypatch: pytest.MonkeyPatch, pending: Settlement
) -> None:
    numbers = itertools.count()
    without_the_row_lock(monkeypatch, pending)
    monkeypatch.setattr(settlements, "_key", lambda row: f"settlement:{row.paystack_id}:{next(numbers)}")

    keep_twice()

    assert owed() == Decimal(-2000)


def test_two_reconcilers_at_once_change_nothing_twice(far: FakePaystack) -> None:
    day = sides.today() - dt.timedelta(days=1)
    noon = sides.start_of(day) + dt.timedelta(hours=12)
    deposits = [make_deposit(far=far) for _ in range(3)]
    for deposit in deposits:
        far.pay(deposit.reference, paid_at=noon)
    far.settlements_made.append(FACT)

    results = race(4, lambda _: reconciliation.run_day(day), workers=4)

    assert len(of(list, results)) == 4
    assert Transfer.objects.filter(code=TransferCode.DEPOSIT).count() == 3
    assert [wallet(deposit.user_id or 0).available for deposit in deposits] == [
        deposit.credit_amount for deposit in deposits
    ]
    (row,) = reconciliation.run_day(day)
    assert (row.open_differences, row.differences.count()) == (0, 3)
    assert Transfer.objects.filter(code=TransferCode.SETTLEMENT).count() == 1
    assert books.verify().differences == []
