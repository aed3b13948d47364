"""Two administrators demote each other at the same moment: one of them stays. With a twin without the lock."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError

from accounts.enums import Role
from accounts.exceptions import LastAdministrator
from accounts.models import User
from accounts.services import administrators, role_changes
from tests.concurrency.racing import of, overlap, race
from tests.factories.accounts import StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


def demote(person: User, actor: User | None) -> None:
    role_changes.assign(user_id=person.pk, role=Role.CUSTOMER, actor=actor, reason="race")


def administrators_left() -> int:
    return User.objects.filter(is_staff=True).count()


def test_two_who_demote_each_other_leave_one() -> None:
    one, two = StaffFactory.create(), StaffFactory.create()

    results = overlap(lambda: demote(two, one), lambda: demote(one, two))

    assert len(of(PermissionDenied, results)) == 1  # demoted a moment ago, so no say any more
    assert administrators_left() == 1


def test_twin_without_the_lock_loses_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administrators, "_for_update", lambda rows: rows)
    one, two = StaffFactory.create(), StaffFactory.create()

    results = overlap(lambda: demote(two, one), lambda: demote(one, two))

    assert results == [None, None]
    assert administrators_left() == 0


def test_many_demotions_from_the_machine_leave_one() -> None:
    people = [StaffFactory.create() for _ in range(6)]

    results = race(6, lambda index: demote(people[index], None))

    assert len(of(LastAdministrator, results)) == 1
    assert of(DatabaseError, results) == []  # no deadlock: everybody locks in one order
    assert administrators_left() == 1
