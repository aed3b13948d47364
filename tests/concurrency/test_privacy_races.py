"""Copies and erasures under fire on real PostgreSQL. Each race has a twin with its guard taken out, which must go wrong."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from accounts.audit_actions import AuditAction
from accounts.enums import AccountState, Document
from accounts.models import AuditEntry, Consent, DataExport, Erasure, OutgoingEmail, User
from accounts.privacy import copying
from accounts.services import consents, data_export, erasure, erasure_run
from accounts.services.data_export import ExportNotNow
from billing import locks
from billing.enums import SystemCode, TransferCode
from billing.models import Transfer
from billing.services import leaving, ledger
from tests.concurrency.racing import both, meet_after, meet_before, of, race, without
from tests.factories.accounts import UserFactory
from tests.factories.billing import make_wallet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, settings: Settings) -> None:
    settings.ERASURE_LOG = str(tmp_path / "erasures.log")
    settings.PAYSTACK_SECRET_KEY = ""
    ledger.system_account(SystemCode.GIVEN_UP)


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def without_row_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a lock only reads."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())


def plan_due(user: User, *, gives_up_balance: bool = False) -> Erasure:
    """An erasure whose day has come."""
    planned = erasure.plan(user=user, gives_up_balance=gives_up_balance)
    Erasure.objects.filter(pk=planned.pk).update(next_try_at=timezone.now() - dt.timedelta(seconds=1))
    return planned


# --- one copy at a time -----------------------------------------------------------------------------------------------
def test_many_clicks_ask_for_one_copy(user: User) -> None:
    results = race(8, lambda _: data_export.ask(user=user))

    assert len(of(DataExport, results)) == 1
    assert len(of(ExportNotNow, results)) == 7
    assert AuditEntry.objects.filter(action=AuditAction.EXPORT_ASKED).count() == 1


def test_many_clicks_without_the_lock_are_stopped_by_the_database_alone(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_row_locks(monkeypatch)
    meet_after(monkeypatch, data_export, "_check_limits")

    results = both(lambda: data_export.ask(user=user), lambda: data_export.ask(user=user))

    assert len(of(ExportNotNow, results)) == 0  # an error page instead of a sentence
    assert DataExport.objects.count() == 1


def test_many_clicks_twin_asks_for_two_copies(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    without_row_locks(monkeypatch)
    meet_after(monkeypatch, data_export, "_check_limits")

    with without("export_one_at_a_time"):
        both(lambda: data_export.ask(user=user), lambda: data_export.ask(user=user))
        count = DataExport.objects.count()
        DataExport.objects.all().delete()

    assert count == 2


# --- one worker at a copy ---------------------------------------------------------------------------------------------
def test_two_workers_make_a_copy_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    export = data_export.ask(user=user)
    made: list[uuid.UUID] = []
    monkeypatch.setattr(copying, "write_archive", lambda *_args, **_more: made.append(export.pk))
    meet_before(monkeypatch, data_export, "_write")

    results = race(4, lambda _: data_export.make(export.pk))

    assert sorted(results) == [False, False, False, True]
    assert len(made) == 1


def test_two_workers_twin_makes_it_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    export = data_export.ask(user=user)
    made: list[uuid.UUID] = []
    monkeypatch.setattr(copying, "write_archive", lambda *_args, **_more: made.append(export.pk))
    monkeypatch.setattr(
        data_export, "_claim", lambda pk: DataExport.objects.select_related("user").get(pk=pk)
    )
    meet_before(monkeypatch, data_export, "_write")

    both(lambda: data_export.make(export.pk), lambda: data_export.make(export.pk))

    assert len(made) == 2


def test_two_tries_that_both_end_tell_it_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease ran out under a slow worker; both finish."""
    export = data_export.ask(user=user)
    monkeypatch.setattr(data_export, "LEASE", dt.timedelta(seconds=-1))
    first, second = data_export._claim(export.pk), data_export._claim(export.pk)
    assert first is not None
    assert second is not None

    results = both(lambda: data_export._finish(first, 1), lambda: data_export._finish(second, 1))

    assert results == [False, True]
    assert OutgoingEmail.objects.filter(template="export_ready").count() == 1


# --- one erasure ------------------------------------------------------------------------------------------------------
def test_many_clicks_plan_one_erasure(user: User) -> None:
    results = race(8, lambda _: erasure.plan(user=user, gives_up_balance=False))

    assert len({planned.pk for planned in of(Erasure, results)}) == 1
    assert len(of(Erasure, results)) == 8
    assert AuditEntry.objects.filter(action=AuditAction.ERASURE_ASKED).count() == 1


def test_many_clicks_twin_plans_two(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    without_row_locks(monkeypatch)
    meet_after(monkeypatch, erasure, "obstacles")

    with without("erasure_one_open"):
        both(*[lambda: erasure.plan(user=user, gives_up_balance=False)] * 2)
        count = Erasure.objects.count()
        Erasure.objects.all().delete()

    assert count == 2


def _cancel_while_it_begins(user: User) -> tuple[bool, str]:
    """Whether it was taken back, and the state of the account."""
    planned = plan_due(user)
    both(lambda: erasure.cancel(user=user), lambda: erasure_run.carry_out(planned.pk))
    planned.refresh_from_db()
    user.refresh_from_db()
    return planned.cancelled_at is not None, user.state


def test_taking_back_in_the_last_moment_wins_or_loses(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, erasure, "open_of")
    meet_before(monkeypatch, erasure_run, "_close")

    assert _cancel_while_it_begins(user) in {(True, AccountState.ACTIVE), (False, AccountState.ERASED)}


def test_taking_back_twin_is_told_yes_and_erased_all_the_same(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_row_locks(monkeypatch)
    planned = plan_due(user)
    original = erasure_run._close

    def cancel_first(person: User, row: Erasure) -> None:
        both(lambda: erasure.cancel(user=user))
        original(person, row)

    monkeypatch.setattr(erasure_run, "_close", cancel_first)
    erasure_run.carry_out(planned.pk)

    planned.refresh_from_db()
    user.refresh_from_db()
    assert (planned.cancelled_at is not None, user.state) == (True, AccountState.ERASED)


def test_two_workers_erase_once(user: User) -> None:
    planned = plan_due(user)

    results = race(4, lambda _: erasure_run.carry_out(planned.pk))

    assert sorted(results) == [False, False, False, True]
    assert AuditEntry.objects.filter(action=AuditAction.ERASED).count() == 1


def test_two_workers_past_the_claim_still_erase_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease ran out under a slow worker: the person's lock decides."""
    planned = plan_due(user)
    monkeypatch.setattr(erasure_run, "_claim", lambda pk: Erasure.objects.get(pk=pk))

    race(4, lambda _: erasure_run.carry_out(planned.pk))

    assert AuditEntry.objects.filter(action=AuditAction.ERASED).count() == 1
    assert OutgoingEmail.objects.filter(template="erasure_done").count() == 1
    assert User.objects.get(pk=user.pk).email == f"erased-{user.pk}@erased.invalid"


# --- money given up ---------------------------------------------------------------------------------------------------
def _give_up(user: User) -> None:
    with transaction.atomic():
        leaving.give_up_balance(user.pk)


def test_balance_is_given_up_once(user: User) -> None:
    make_wallet("2.50", user=user)

    results = race(4, lambda _: _give_up(user))

    assert results == [None] * 4
    assert Transfer.objects.filter(code=TransferCode.BALANCE_GIVEN_UP).count() == 1


def test_balance_twin_tries_to_give_it_up_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wallet("2.50", user=user)
    monkeypatch.setattr(locks, "LOCK_ACCOUNT", locks.LOCK_ACCOUNT.replace("FOR NO KEY UPDATE", ""))
    meet_after(monkeypatch, leaving, "wallet")

    results = both(lambda: _give_up(user), lambda: _give_up(user))

    assert len(of(Exception, results)) == 1  # the ledger itself stops the second


# --- consent ----------------------------------------------------------------------------------------------------------
def test_two_clicks_on_news_are_one_word(user: User) -> None:
    results = race(4, lambda _: consents.set_marketing(user=user, is_given=True))

    assert sorted(results) == [False, False, False, True]
    assert Consent.objects.filter(user=user, document=Document.MARKETING).count() == 1


def test_two_clicks_twin_are_two_words(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    without_row_locks(monkeypatch)
    meet_after(monkeypatch, consents, "has_given")

    both(*[lambda: consents.set_marketing(user=user, is_given=True)] * 2)

    assert Consent.objects.filter(user=user, document=Document.MARKETING).count() == 2


def test_restored_person_is_erased_again_once(user: User) -> None:
    planned = plan_due(user)
    address, joined = user.email, user.date_joined
    erasure_run.carry_out(planned.pk)
    User.objects.filter(pk=user.pk).update(email=address, state=AccountState.ACTIVE)
    Erasure.objects.all().delete()

    race(4, lambda _: erasure_run.replay())

    assert User.objects.get(pk=user.pk).email == f"erased-{user.pk}@erased.invalid"
    assert User.objects.get(pk=user.pk).date_joined == joined
    assert AuditEntry.objects.filter(action=AuditAction.ERASED).count() == 2
