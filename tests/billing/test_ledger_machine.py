"""The ledger against a plain dictionary: any order of calls, repeated keys and bad ones included, comes to the same."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from accounts.models import User
from billing.enums import SystemCode, TransferCode
from billing.exceptions import HoldAlreadyResolved, InsufficientFunds, KeyReused
from billing.models import Transfer
from billing.selectors import statement, wallet
from billing.services import books, ledger

EXPIRES_AT = timezone.now() + dt.timedelta(days=1)
REUSED = 3
EXAMPLES = 500
PARTS = 5  # so that the suite's workers share them, and no single one grows the tables without end
_examples = itertools.count(1)

# Few amounts, so that limits are met.
amounts = st.sampled_from(["0.0001", "0.35", "0.50", "1.00", "2.5", "7.7777", "10"]).map(Decimal)
keys = st.integers(0, 9)  # below REUSED one of the newest keys again, else a fresh one
picks = st.integers(0, 5)  # which of the newest holds


@dataclass
class Model:
    """A wallet as one would write it down without a database. An outcome is the transfer's key or an error."""

    balance: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    said: dict[str, tuple[object, ...]] = field(default_factory=dict)
    holds: list[tuple[str, Decimal]] = field(default_factory=list)
    resolved: dict[str, str] = field(default_factory=dict)
    changes: list[Decimal] = field(default_factory=list)

    @property
    def available(self) -> Decimal:
        return self.balance - self.held

    def post(self, key: str, amount: Decimal) -> str | type[Exception]:
        return self._make(key, ("post", amount), balance=amount)

    def hold(self, key: str, amount: Decimal) -> str | type[Exception]:
        is_new = key not in self.said
        outcome = self._make(key, ("hold", amount), held=amount)
        if is_new and outcome == key:
            self.holds.append((key, amount))
        return outcome

    def resolve(
        self, key: str, hold: tuple[str, Decimal], kind: str, amount: Decimal
    ) -> str | type[Exception]:
        name, on_hold = hold
        says = (kind, name, amount)
        first = self.resolved.get(name)
        if key not in self.said and first is not None:
            return first if self.said[first] == says else HoldAlreadyResolved
        charge = -amount if kind == "capture" else Decimal(0)
        is_new = key not in self.said
        outcome = self._make(key, says, balance=charge, held=-on_hold)
        if is_new:
            self.resolved[name] = key
        return outcome

    def _make(
        self, key: str, says: tuple[object, ...], *, balance: Decimal = Decimal(0), held: Decimal = Decimal(0)
    ) -> str | type[Exception]:
        if key in self.said:
            return key if self.said[key] == says else KeyReused
        if self.available + balance - held < 0:
            return InsufficientFunds
        self.said[key] = says
        self.balance += balance
        self.held += held
        self.changes.append(balance - held)
        return key


class LedgerMachine(RuleBasedStateMachine):
    """Each example has a customer of its own, so nothing is cleaned up between them; the test's rollback does it."""

    def __init__(self) -> None:
        super().__init__()
        self.example = next(_examples)
        self.user = User.objects.create(email=f"machine-{self.example}@example.test")
        self.account = ledger.customer_account(self.user.pk)
        self.revenue = ledger.system_account(SystemCode.REVENUE)
        self.staff = ledger.system_account(SystemCode.STAFF_ADJUSTMENTS)
        self.model = Model()
        self.ids: dict[str, Transfer] = {}
        self.fresh = itertools.count(1)

    def key(self, key: str) -> str:
        """A model's key in the ledger."""
        return f"{self.example}:{key}"

    def pick_key(self, pick: int) -> str:
        used = list(self.model.said)
        return used[-1 - pick] if pick < min(REUSED, len(used)) else f"{next(self.fresh)}"

    def pick_hold(self, pick: int) -> tuple[str, Decimal]:
        return self.model.holds[-1 - pick % len(self.model.holds)]

    def same(self, expected: str | type[Exception], call: Callable[[], Transfer]) -> None:
        """The ledger must come to what the model came to.

        The figures of a new transfer are read back by the UPDATE that moved the balance. So they also show, without a query
        of their own, when a refused or repeated call before it has moved anything; `teardown` looks after the last one.
        """
        if not isinstance(expected, str):
            with pytest.raises(expected):
                call()
            return
        transfer = call()
        assert transfer.key == self.key(expected)
        if expected in self.ids:
            assert self.ids[expected].id == transfer.id
            return
        self.ids[expected] = transfer
        assert (transfer.balance_after, transfer.available_after) == (
            self.model.balance,
            self.model.available,
        )

    @rule(pick=keys, amount=amounts, sign=st.sampled_from([1, 1, -1]))
    def post(self, pick: int, amount: Decimal, sign: int) -> None:
        key = self.pick_key(pick)
        self.same(
            self.model.post(key, amount * sign),
            lambda: ledger.post(
                debit=self.staff if sign > 0 else self.account,
                credit=self.account if sign > 0 else self.staff,
                amount=amount,
                code=TransferCode.STAFF_CREDIT if sign > 0 else TransferCode.STAFF_DEBIT,
                key=self.key(key),
                reason="machine",
            ),
        )

    @rule(pick=keys, amount=amounts)
    def hold(self, pick: int, amount: Decimal) -> None:
        key = self.pick_key(pick)
        self.same(
            self.model.hold(key, amount),
            lambda: ledger.hold(
                account=self.account,
                amount=amount,
                code=TransferCode.VERIFICATION_HOLD,
                key=self.key(key),
                reference="",
                expires_at=EXPIRES_AT,
                credit=self.revenue,
            ),
        )

    @precondition(lambda self: self.model.holds)
    @rule(pick=keys, which=picks, part=st.sampled_from([None, None, "0.0001", "0.35"]))
    def capture(self, pick: int, which: int, part: str | None) -> None:
        key, hold = self.pick_key(pick), self.pick_hold(which)
        amount = None if part is None else min(Decimal(part), hold[1])
        self.same(
            self.model.resolve(key, hold, "capture", hold[1] if amount is None else amount),
            lambda: ledger.capture(hold_id=self.ids[hold[0]].id, key=self.key(key), amount=amount),
        )

    @precondition(lambda self: self.model.holds)
    @rule(pick=keys, which=picks)
    def release(self, pick: int, which: int) -> None:
        key, hold = self.pick_key(pick), self.pick_hold(which)
        self.same(
            self.model.resolve(key, hold, "release", hold[1]),
            lambda: ledger.release(hold_id=self.ids[hold[0]].id, key=self.key(key)),
        )

    def teardown(self) -> None:
        """The statement tells the same story."""
        figures = wallet(self.user.pk)
        assert (figures.balance, figures.held) == (self.model.balance, self.model.held)
        assert figures.available == self.model.available >= 0
        rows = statement(self.user.pk, rows=1000).rows
        assert [row.amount for row in reversed(rows)] == self.model.changes
        open_holds = {key for key, _ in self.model.holds} - set(self.model.resolved)
        assert {row.id for row in rows if row.state == "open"} == {self.ids[key].id for key in open_holds}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_ledger_agrees_with_a_plain_model(db: None, part: int) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES // PARTS,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )

    assert books.verify().differences == []
    assert Transfer.objects.count() > EXAMPLES // PARTS
