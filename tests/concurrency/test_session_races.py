"""Sessions under fire on real PostgreSQL: the limit of them, endings against uses. Each has a twin without its guard."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY, user_logged_in
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import PermissionDenied
from django.db import models
from pytest_django import Settings

from accounts import sign_in
from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, Session, User
from accounts.services import administrators, sessions, standing
from accounts.sessions import SessionStore
from tests.accounts.entering import enter, is_in, key_of, row_of
from tests.concurrency.racing import both, meet_after, meet_before, of, race
from tests.factories.accounts import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _door(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.accounts.entering"
    settings.MAX_SESSIONS = 2


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing in reads the person instead of locking them, and does not note the time either, which would wait as well."""
    monkeypatch.setattr(user_logged_in, "receivers", [])
    monkeypatch.setattr(models.query.QuerySet, "select_for_update", lambda self, **_: self._chain())


def living(user: User) -> int:
    return Session.living().filter(user=user).count()


def test_crowd_of_sign_ins_keeps_to_the_limit(user: User) -> None:
    results = race(12, lambda _: enter(user), workers=6)

    assert of(Exception, results) == []
    assert living(user) == 2


def test_two_sign_ins_at_once_count_each_other(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(user)
    meet_before(monkeypatch, sessions, "end_surplus")

    both(lambda: enter(user), lambda: enter(user))

    assert living(user) == 2


def test_twin_without_the_lock_lets_more_in(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(user)
    without_lock(monkeypatch)
    meet_before(monkeypatch, sessions, "end_surplus")

    both(lambda: enter(user), lambda: enter(user))

    assert living(user) == 3


def test_suspension_and_sign_in_at_once_leave_nobody_in(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever comes first: the sign-in's session is dropped, or the sign-in comes too late."""
    meet_before(monkeypatch, sign_in, "_is_unchanged")

    client, _ = both(
        lambda: enter(user), lambda: standing.suspend(user_id=user.pk, reason="Test", actor=None)
    )

    assert not is_in(client)
    assert living(user) == 0


def test_rotation_meeting_an_ending_does_not_bring_the_session_back(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(user)
    store = SessionStore(key_of(client))
    assert store[SESSION_KEY] == str(user.pk)
    session_id = row_of(client).id

    def rotate() -> object:
        sessions.end(user_id=user.pk, session_id=session_id, actor=user)
        store.cycle_key()
        return store

    results = both(rotate)

    assert len(of(SessionInterrupted, results)) == 1
    assert living(user) == 0


def test_twin_that_creates_what_it_cannot_move_brings_it_back(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Django's own rotation does."""
    client = enter(user)
    store = SessionStore(key_of(client))
    assert store[SESSION_KEY] == str(user.pk)
    sessions.end(user_id=user.pk, session_id=row_of(client).id, actor=user)

    data: dict[str, Any] = store._session  # type: ignore[attr-defined]
    store.create()
    store._session_cache = data
    store.save()

    assert living(user) == 1


def entries(action: AuditAction) -> int:
    return AuditEntry.objects.filter(action=action).count()


def test_session_is_ended_once_by_many(user: User) -> None:
    session_id = row_of(enter(user)).id

    results = race(6, lambda _: sessions.end(user_id=user.pk, session_id=session_id, actor=user), workers=6)

    assert sorted(results) == [False] * 5 + [True]
    assert entries(AuditAction.SESSION_ENDED) == 1


def test_twin_without_the_lock_ends_a_session_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = row_of(enter(user)).id
    without_lock(monkeypatch)
    meet_before(monkeypatch, sessions, "_remove")

    both(*[lambda: sessions.end(user_id=user.pk, session_id=session_id, actor=user)] * 2)

    assert entries(AuditAction.SESSION_ENDED) == 2


def test_account_is_suspended_once_by_many(user: User) -> None:
    results = race(6, lambda _: standing.suspend(user_id=user.pk, reason="Test.", actor=None), workers=6)

    assert sorted(results) == [False] * 5 + [True]
    assert entries(AuditAction.SUSPENDED) == 1


def test_twin_without_the_lock_suspends_twice(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    without_lock(monkeypatch)
    meet_after(monkeypatch, administrators, "lock")

    both(*[lambda: standing.suspend(user_id=user.pk, reason="Test.", actor=None)] * 2)

    assert entries(AuditAction.SUSPENDED) == 2


def open_administrators() -> int:
    return User.objects.filter(role__name="administrator", state="active").count()


def suspending_each_other() -> list[Any]:
    one, two = StaffFactory.create_batch(2)
    return both(
        lambda: standing.suspend(user_id=one.pk, reason="Test.", actor=two),
        lambda: standing.suspend(user_id=two.pk, reason="Test.", actor=one),
    )


def test_administrators_who_suspend_each_other_leave_one() -> None:
    results = suspending_each_other()

    assert open_administrators() == 1
    assert len(of(PermissionDenied, results)) == 1


def test_twin_without_the_lock_leaves_no_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    without_lock(monkeypatch)
    meet_after(monkeypatch, administrators, "lock")

    suspending_each_other()

    assert open_administrators() == 0
